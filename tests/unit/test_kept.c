#include "io/kept.h"

#include "base/scope.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { FIRST = 3, KEPT = 3 }; /* SD_LISTEN_FDS_START; a plain, a TLS and a forgotten listener */

static int notify = -1;

/* Listens at 127.0.0.1 and any port, which is told. */
static int listener(struct sockaddr_storage *ret) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, size), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
        memset(ret, 0, sizeof(*ret));
        memcpy(ret, &at, sizeof(at));
        return fd;
}

static void notify_socket(void) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        char text[64];
        int n = snprintf(text, sizeof(text), "@bramble-kept-%d", (int)getpid());

        notify = fcntl(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                       F_DUPFD_CLOEXEC, 20);
        assert_true(notify >= 0);
        memcpy(name.sun_path, text, (size_t)n);
        name.sun_path[0] = '\0';
        assert_int_equal(bind(notify, (struct sockaddr *)&name,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
                         0);
        setenv("NOTIFY_SOCKET", text, 1);
}

/* The next message to systemd; -1 or the descriptor that came with it. */
static int told(char *text, size_t size) {
        char control[CMSG_SPACE(sizeof(int))] = { 0 };
        struct iovec iov = { text, size - 1 };
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof(control) };
        ssize_t n = recvmsg(notify, &m, MSG_CMSG_CLOEXEC);
        int fd = -1;

        text[n < 0 ? 0 : n] = '\0';
        for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
                if (c->cmsg_type == SCM_RIGHTS)
                        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        return fd;
}

static void restart(void **state) {
        struct sockaddr_storage at[KEPT], elsewhere;
        char pid[16], text[96];
        int fds[KEPT], fd;

        (void)state;
        notify_socket();
        for (int i = 0; i < KEPT; i++)
                fds[i] = fcntl(listener(&at[i]), F_DUPFD_CLOEXEC, 20);
        for (int i = 0; i < KEPT; i++)
                assert_int_equal(dup2(fds[i], FIRST + i), FIRST + i);
        (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "3", 1);
        setenv("LISTEN_FDNAMES", "http:https:old", 1);

        assert_int_equal(kept_take("nobody", &at[0]), -ENOENT);
        assert_int_equal(kept_take("http", &at[0]), FIRST);
        assert_int_equal(kept_take("http", &at[0]), -ENOENT);
        assert_int_equal(told(text, sizeof(text)), -1);
        assert_string_equal(text, "");

        elsewhere = at[1];
        ((struct sockaddr_in *)&elsewhere)->sin_addr.s_addr = htonl(INADDR_ANY);
        assert_int_equal(kept_take("https", &elsewhere), -ENOENT);
        (void)told(text, sizeof(text));
        assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=https");
        assert_int_equal(fcntl(FIRST + 1, F_GETFD), -1);

        kept_drop_rest();
        (void)told(text, sizeof(text));
        assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=old");
        assert_int_equal(fcntl(FIRST + 2, F_GETFD), -1);
        assert_true(fcntl(FIRST, F_GETFD) >= 0); /* the one that was taken stays */

        kept_give("http", FIRST);
        fd = told(text, sizeof(text));
        assert_string_equal(text, "FDSTORE=1\nFDNAME=http");
        assert_true(fd >= 0);
        (void)close(fd);
        for (int i = 0; i < KEPT; i++)
                (void)close(fds[i]);
        (void)close(FIRST);
        (void)close(notify);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(restart) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
