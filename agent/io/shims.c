#include "io/shims.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/file_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum {
        CMDLINE_MOST = 64 * 1024,
        STAT_MOST = 4096,
        SHIMS_MOST = 512, /* more than a board has containers */
};

struct list_of_pids {
        pid_t pids[SHIMS_MOST];
        unsigned n;
};

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* argv as the kernel shows it: each word ends with a zero byte. */
static bool is_shim(const struct buf *cmdline, const char *wanted) {
        const char *word = cmdline->data, *end;
        bool named = false;

        if (cmdline->len == 0 || !str_starts(last_part(word), "containerd-shim"))
                return false;
        end = word + cmdline->len;
        for (; word < end; word += strlen(word) + 1) {
                if (named)
                        return str_eq(word, wanted);
                named = str_eq(word, "-namespace");
        }
        return false;
}

/* The fourth field; the second one, in parentheses, may hold anything.  0: none. */
static pid_t parent_of(int proc_fd, const char *pid) {
        auto_buf struct buf b = { 0 };
        char path[32];
        const char *after;
        int parent = 0;

        (void)snprintf(path, sizeof(path), "%.16s/stat", pid);
        if (file_text_read(proc_fd, path, STAT_MOST, &b) < 0 || b.len == 0)
                return 0;
        after = strrchr(b.data, ')');
        if (!after || sscanf(after, ") %*c %d", &parent) != 1)
                return 0;
        return parent;
}

static bool contains(const struct list_of_pids *list, pid_t pid) {
        for (unsigned i = 0; i < list->n; i++)
                if (list->pids[i] == pid)
                        return true;
        return false;
}

/* Calls 'visit' for each process. */
static int each_process(int proc_fd, void (*visit)(void *arg, int proc_fd, const char *pid),
                        void *arg) {
        int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const struct dirent *entry;
        DIR *dir;

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                (void)close(fd);
                return -ENOMEM;
        }
        while ((entry = readdir(dir)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                        visit(arg, proc_fd, entry->d_name);
        (void)closedir(dir);
        return 0;
}

struct search {
        const char *namespace;
        struct list_of_pids shims, containers;
};

static void add(struct list_of_pids *list, const char *pid) {
        if (list->n < SHIMS_MOST)
                list->pids[list->n++] = (pid_t)strtol(pid, NULL, 10);
}

static void find_shim(void *arg, int proc_fd, const char *pid) {
        auto_buf struct buf cmdline = { 0 };
        struct search *s = arg;
        char path[32];

        (void)snprintf(path, sizeof(path), "%.16s/cmdline", pid);
        if (file_text_read(proc_fd, path, CMDLINE_MOST, &cmdline) == 0 &&
            is_shim(&cmdline, s->namespace))
                add(&s->shims, pid);
}

static void find_container(void *arg, int proc_fd, const char *pid) {
        struct search *s = arg;

        if (contains(&s->shims, parent_of(proc_fd, pid)))
                add(&s->containers, pid);
}

int shims_kill(int proc_fd, const char *containerd_namespace) {
        auto_free struct search *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->namespace = containerd_namespace;
        r = each_process(proc_fd, find_shim, s);
        if (r == 0 && s->shims.n > 0)
                r = each_process(proc_fd, find_container, s);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < s->shims.n; i++)
                (void)kill(s->shims.pids[i], SIGKILL);
        for (unsigned i = 0; i < s->containers.n; i++)
                (void)kill(s->containers.pids[i], SIGKILL);
        return (int)s->shims.n;
}
