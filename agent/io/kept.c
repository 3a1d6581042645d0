#include "io/kept.h"

#include "base/str.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* What came with the start and is not taken yet; a taken one has the name NULL. */
static struct {
        char **names;
        int n;
        bool read;
} came;

static void read_once(void) {
        if (came.read)
                return;
        came.read = true;
        came.n = sd_listen_fds_with_names(1, &came.names);
        if (came.n < 0)
                came.n = 0;
}

static bool listens_at(int fd, const struct sockaddr_storage *at) {
        struct sockaddr_storage name = { 0 };
        socklen_t size = sizeof(name);

        if (sd_is_socket(fd, at->ss_family, SOCK_STREAM, 1) <= 0 ||
            getsockname(fd, (struct sockaddr *)&name, &size) < 0)
                return false;
        if (at->ss_family == AF_INET) {
                const struct sockaddr_in *want = (const struct sockaddr_in *)at;
                const struct sockaddr_in *is = (const struct sockaddr_in *)&name;

                return is->sin_port == want->sin_port &&
                       is->sin_addr.s_addr == want->sin_addr.s_addr;
        } else {
                const struct sockaddr_in6 *want = (const struct sockaddr_in6 *)at;
                const struct sockaddr_in6 *is = (const struct sockaddr_in6 *)&name;

                return is->sin6_port == want->sin6_port &&
                       memcmp(&is->sin6_addr, &want->sin6_addr, sizeof(is->sin6_addr)) == 0;
        }
}

static void give_up(int i) {
        char text[96];

        (void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%.60s", came.names[i]);
        (void)sd_notify(0, text);
        (void)close(SD_LISTEN_FDS_START + i);
        free(came.names[i]);
        came.names[i] = NULL;
}

int kept_take(const char *name, const struct sockaddr_storage *at) {
        read_once();
        for (int i = 0; i < came.n; i++) {
                if (!came.names[i] || !str_eq(came.names[i], name))
                        continue;
                if (!listens_at(SD_LISTEN_FDS_START + i, at)) {
                        give_up(i);
                        continue;
                }
                free(came.names[i]);
                came.names[i] = NULL;
                return SD_LISTEN_FDS_START + i;
        }
        return -ENOENT;
}

void kept_give(const char *name, int fd) {
        char text[96];

        (void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%.60s", name);
        (void)sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void kept_drop_rest(void) {
        read_once();
        for (int i = 0; i < came.n; i++)
                if (came.names[i])
                        give_up(i);
        free(came.names);
        came.names = NULL;
        came.n = 0;
}
