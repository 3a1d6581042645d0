#include "io/container_host.h"

#include "base/scope.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool exists(int root_fd, const char *path) {
        return faccessat(root_fd, path, F_OK, 0) == 0;
}

/* Up to size - 1 bytes of a file as text; "" where there is none. */
static void read_text(int root_fd, const char *path, char *text, size_t size) {
        auto_close int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

        text[n > 0 ? n : 0] = '\0';
}

static bool has_word(const char *text, const char *word) {
        size_t len = strlen(word);

        for (const char *p = text; (p = strstr(p, word)); p += len) {
                if ((p == text || p[-1] == ' ') && strchr(" \n", p[len]))
                        return true;
        }
        return false;
}

/* memory.swap.max is in every cgroup but the root, where the kernel can limit swap. */
static bool v2_has_swap(int root_fd) {
        int fd = openat(root_fd, "sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        bool found = false;
        char path[300];

        if (!dir) {
                if (fd >= 0)
                        (void)close(fd);
                return false;
        }
        while (!found && (entry = readdir(dir))) {
                (void)snprintf(path, sizeof(path), "%s/memory.swap.max", entry->d_name);
                found = entry->d_name[0] != '.' && exists(fd, path);
        }
        (void)closedir(dir);
        return found;
}

static void read_cgroups(int root_fd, struct container_host *h) {
        char controllers[512];

        h->cgroup_v2 = exists(root_fd, "sys/fs/cgroup/cgroup.controllers");
        if (h->cgroup_v2) {
                read_text(root_fd, "sys/fs/cgroup/cgroup.controllers", controllers,
                          sizeof(controllers));
                h->memory = has_word(controllers, "memory");
                h->cpu = has_word(controllers, "cpu");
                h->pids = has_word(controllers, "pids");
                h->swap = h->memory && v2_has_swap(root_fd);
                return;
        }
        h->memory = exists(root_fd, "sys/fs/cgroup/memory/memory.limit_in_bytes");
        h->swap = exists(root_fd, "sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
        h->cpu = exists(root_fd, "sys/fs/cgroup/cpu/cpu.cfs_quota_us");
        h->pids = exists(root_fd, "sys/fs/cgroup/pids/tasks");
}

static void choose_runtime(int root_fd, const char *asked, struct container_host *h) {
        static const char *const cruns[] = { "usr/bin/crun", "usr/local/bin/crun" };
        static const char *const runcs[] = { "usr/sbin/runc", "usr/bin/runc",
                                             "usr/local/sbin/runc" };
        bool hybrid = exists(root_fd, "sys/fs/cgroup/unified/cgroup.procs");

        if (asked && *asked) {
                (void)str_copy(h->runtime, sizeof(h->runtime), asked);
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(cruns) && !hybrid && !h->runtime[0]; i++) {
                if (exists(root_fd, cruns[i]))
                        (void)snprintf(h->runtime, sizeof(h->runtime), "/%s", cruns[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(runcs) && !h->runtime[0]; i++) {
                if (exists(root_fd, runcs[i]))
                        (void)snprintf(h->runtime, sizeof(h->runtime), "/%s", runcs[i]);
        }
}

/* Does it name a server that a container's own network can reach? */
static bool resolver_usable(int root_fd, const char *path) {
        char text[4096], *line, *rest = text;

        read_text(root_fd, path, text, sizeof(text));
        while ((line = strsep(&rest, "\n"))) {
                const char *server = line + strlen("nameserver");

                if (!str_starts(line, "nameserver"))
                        continue;
                server += strspn(server, " \t");
                if (*server && !str_starts(server, "127.") && !str_starts(server, "::1"))
                        return true;
        }
        return false;
}

static void choose_resolver(int root_fd, struct container_host *h) {
        static const char *const stub = "run/systemd/resolve/resolv.conf";
        const char *path = "etc/resolv.conf";

        /* systemd-resolved listens on 127.0.0.53 and keeps the real servers elsewhere */
        if (!resolver_usable(root_fd, path) && resolver_usable(root_fd, stub))
                path = stub;
        if (exists(root_fd, path))
                (void)snprintf(h->resolv_conf, sizeof(h->resolv_conf), "/%s", path);
}

void container_host_read(int root_fd, const char *runtime, struct container_host *ret) {
        *ret = (struct container_host){ 0 };
        read_cgroups(root_fd, ret);
        choose_runtime(root_fd, runtime, ret);
        choose_resolver(root_fd, ret);
}
