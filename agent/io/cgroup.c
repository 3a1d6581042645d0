#include "io/cgroup.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/sensors_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_BYTES = 8192 };

/* Is 'name' among the comma-separated 'list' of 'len' bytes? */
static bool lists(const char *list, size_t len, const char *name) {
        size_t want = strlen(name);

        for (const char *s = list, *end = list + len; s < end;) {
                size_t n = strcspn(s, ",:");

                if (n == want && strncmp(s, name, n) == 0)
                        return true;
                s += n + 1;
        }
        return false;
}

static void set(char dst[static CGROUP_PATH], const char *mount, const char *path, size_t len) {
        int n = snprintf(dst, CGROUP_PATH, "sys/fs/cgroup%s%.*s", mount, (int)len, path);

        if (n < 0 || n >= CGROUP_PATH)
                dst[0] = '\0';
}

/* "4:cpu,cpuacct:/a/b", and for v2 "0::/a/b". */
static void take_line(struct cgroup *g, const char *line, size_t len) {
        const char *list = memchr(line, ':', len), *end = line + len, *path;
        size_t n;

        path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
        if (!path)
                return;
        list++;
        n = (size_t)(path - list);
        path++;
        len = (size_t)(end - path);
        if (n == 0 && g->v2) {
                set(g->cpu, "", path, len);
                memcpy(g->memory, g->cpu, sizeof(g->memory));
                memcpy(g->freezer, g->cpu, sizeof(g->freezer));
        } else if (!g->v2) {
                if (lists(list, n, "cpuacct"))
                        set(g->cpu, "/cpuacct", path, len);
                if (lists(list, n, "memory"))
                        set(g->memory, "/memory", path, len);
                if (lists(list, n, "freezer"))
                        set(g->freezer, "/freezer", path, len);
        }
}

int cgroup_find(int root_fd, uint32_t pid, struct cgroup *ret) {
        char path[64], text[TEXT_BYTES];
        struct cgroup g = { 0 };
        long r;

        (void)snprintf(path, sizeof(path), "proc/%" PRIu32 "/cgroup", pid);
        r = sensors_file_read(root_fd, path, text, sizeof(text));
        if (r < 0)
                return (int)r;
        g.v2 = faccessat(root_fd, "sys/fs/cgroup/cgroup.controllers", F_OK, 0) == 0;
        for (const char *line = text; *line;) {
                size_t len = strcspn(line, "\n");

                take_line(&g, line, len);
                line += len + (line[len] == '\n');
        }
        *ret = g;
        return 0;
}

static uint64_t number(int root_fd, const char *folder, const char *name) {
        char path[CGROUP_PATH + 32];
        uint64_t n = 0;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        return sensors_file_number(root_fd, path, &n) == 0 ? n : 0;
}

/* Behind 'key' in a file of lines "key number". */
static uint64_t counter(int root_fd, const char *folder, const char *name, const char *key) {
        char path[CGROUP_PATH + 32], text[TEXT_BYTES];
        uint64_t n = 0;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (sensors_file_read(root_fd, path, text, sizeof(text)) < 0 ||
            sensors_text_bytes(text, key, &n) < 0)
                return 0;
        return n;
}

int cgroup_usage(int root_fd, const struct cgroup *g, uint64_t *ret_cpu_usec,
                 uint64_t *ret_memory_bytes) {
        const char *any = g->cpu[0] ? g->cpu : g->memory;
        uint64_t all, cache;

        if (!any[0] || faccessat(root_fd, any, F_OK, 0) < 0)
                return -ENOENT;
        if (g->v2) {
                *ret_cpu_usec = counter(root_fd, g->cpu, "cpu.stat", "usage_usec");
                all = number(root_fd, g->memory, "memory.current");
                cache = counter(root_fd, g->memory, "memory.stat", "inactive_file");
        } else {
                *ret_cpu_usec = number(root_fd, g->cpu, "cpuacct.usage") / 1000;
                all = number(root_fd, g->memory, "memory.usage_in_bytes");
                cache = counter(root_fd, g->memory, "memory.stat", "total_inactive_file");
        }
        *ret_memory_bytes = all > cache ? all - cache : 0;
        return 0;
}

int cgroup_freeze(int root_fd, const struct cgroup *g, bool yes) {
        const char *word = g->v2 ? (yes ? "1" : "0") : (yes ? "FROZEN" : "THAWED");
        char path[CGROUP_PATH + 32];
        auto_close int fd = -1;

        if (!g->freezer[0])
                return -ENOTSUP;
        (void)snprintf(path, sizeof(path), "%s/%s", g->freezer,
                       g->v2 ? "cgroup.freeze" : "freezer.state");
        fd = openat(root_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ENOTSUP : -errno;
        return write(fd, word, strlen(word)) < 0 ? -errno : 0;
}
