#include "cli/source.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "core/tar_thin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

enum { ARGS = 10, CHUNK = 64 * 1024 };

struct source {
        int fd;
        pid_t pid;  /* of the program that writes it; 0: none */
        bool ended; /* it has written all that it wanted to */
        uint64_t size;
        char what[256];
        struct tar_thin thin;
        char in[CHUNK];
        const void *at; /* of 'in', not yet looked at */
        size_t left;
        const void *view; /* passed, not yet taken */
        size_t n_view;
};

/* NAME in 'argv' is the image as it was given, FULL its whole name. */
#define NAME "%NAME"
#define FULL "%FULL"

static const struct tool {
        const char *program;
        const char *has[ARGS];
        bool says; /* 'has' tells by what it writes */
        const char *save[ARGS];
} tools[] = {
        { "docker", { "docker", "image", "inspect", NAME }, false, { "docker", "save", NAME } },
        { "podman",
          { "podman", "image", "exists", NAME },
          false,
          { "podman", "save", "-q", "--format", "oci-archive", NAME } },
        { "nerdctl", { "nerdctl", "image", "inspect", NAME }, false, { "nerdctl", "save", NAME } },
        { "containerd",
          { "ctr", "images", "ls", "-q", "name==" FULL },
          true,
          { "ctr", "images", "export", "-", FULL } },
};

/* ---- programs ---- */

static int spawn(const char *const *argv, int out, int err, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r != 0)
                return -r;
        (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (out >= 0)
                (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (err >= 0)
                (void)posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
        r = posix_spawnp(ret, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* Its exit status; -EINTR where a signal ended it. */
static int collect(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int open_pipe(const char *const *argv, bool quiet, int *ret_fd, pid_t *ret_pid) {
        auto_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        auto_close int ours = -EBADF, theirs = -EBADF;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];
        r = spawn(argv, theirs, quiet ? null : -1, ret_pid);
        if (r < 0)
                return r;
        *ret_fd = take_fd(&ours);
        return 0;
}

int source_probe(const char *const *argv, bool says) {
        auto_close int fd = -EBADF;
        char chunk[4096];
        bool said = false;
        pid_t pid;
        ssize_t n;
        int r = open_pipe(argv, true, &fd, &pid);

        if (r < 0)
                return r;
        while ((n = read(fd, chunk, sizeof(chunk))) > 0)
                said = true;
        r = collect(pid);
        return r == 0 && says && !said ? -ENOENT : r;
}

int source_run(const char *const *argv) {
        pid_t pid;
        int r = spawn(argv, STDERR_FILENO, -1, &pid);

        return r < 0 ? r : collect(pid);
}

/* ---- opening ---- */

static struct source *source_new(const char *what) {
        struct source *s = calloc(1, sizeof(*s));

        if (s) {
                s->fd = -1;
                (void)str_printable(s->what, sizeof(s->what), what, strlen(what));
        }
        return s;
}

int source_open_program(const char *const *argv, struct source **ret, struct fail *f) {
        struct source *s = source_new(argv[0]);
        int r = s ? open_pipe(argv, false, &s->fd, &s->pid) : -ENOMEM;

        if (r < 0) {
                free(s);
                return fail(f, r, "cannot run %s: %s", argv[0], strerror(-r));
        }
        *ret = s;
        return 0;
}

int source_open_path(const char *path, struct source **ret, struct fail *f) {
        const char *const folder[] = { "tar",        "-C",         path,    "-cf", "-",
                                       "oci-layout", "index.json", "blobs", NULL };
        struct source *s;
        struct stat st;
        int fd;

        if (str_eq(path, "-")) {
                fd = dup(STDIN_FILENO);
        } else {
                if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                        char index[4096];

                        (void)snprintf(index, sizeof(index), "%s/index.json", path);
                        if (access(index, R_OK) < 0)
                                return fail(f, -EISDIR,
                                            "%.120s is a folder, but no image in OCI layout", path);
                        return source_open_program(folder, ret, f);
                }
                fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (fd < 0)
                return fail(f, -errno, "cannot open %.200s: %s", path, strerror(errno));
        s = source_new(path);
        if (!s) {
                (void)close(fd);
                return -ENOMEM;
        }
        s->fd = fd;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                s->size = (uint64_t)st.st_size;
        *ret = s;
        return 0;
}

/* Puts the image's names into a tool's arguments. */
static void fill(const char *const *from, const char *name, const char *full,
                 char equals[static SIZE_IMAGE + 8], const char *ret[static ARGS]) {
        size_t n = 0;

        (void)snprintf(equals, SIZE_IMAGE + 8, "name==%s", full);
        for (; from[n] && n + 1 < ARGS; n++)
                ret[n] = str_eq(from[n], NAME)            ? name
                         : str_eq(from[n], FULL)          ? full
                         : str_eq(from[n], "name==" FULL) ? equals
                                                          : from[n];
        ret[n] = NULL;
}

static const struct tool *find_tool(const char *name, const char *full) {
        char equals[SIZE_IMAGE + 8];
        const char *argv[ARGS];

        for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
                fill(tools[i].has, name, full, equals, argv);
                if (source_probe(argv, tools[i].says) == 0)
                        return &tools[i];
        }
        return NULL;
}

bool source_has_image(const char *name) {
        char full[SIZE_IMAGE];

        return image_name_normalise(name, full) == 0 && find_tool(name, full);
}

int source_open_image(const char *name, struct source **ret, struct fail *f) {
        char full[SIZE_IMAGE], equals[SIZE_IMAGE + 8];
        const struct tool *tool;
        const char *argv[ARGS];
        int r;

        if (image_name_normalise(name, full) < 0)
                return fail(f, -EINVAL, "'%.120s' is neither a file nor the name of an image",
                            name);
        tool = find_tool(name, full);
        if (!tool)
                return fail(f, -ENOENT,
                            "none of docker, podman, nerdctl and containerd on this computer has "
                            "an image %.120s, and there is no such file",
                            name);
        fill(tool->save, name, full, equals, argv);
        r = source_open_program(argv, ret, f);
        if (r == 0)
                (void)snprintf((*ret)->what, sizeof((*ret)->what), "%s", tool->program);
        return r;
}

/* ---- reading ---- */

static ssize_t refill(struct source *s) {
        ssize_t n;

        do
                n = read(s->fd, s->in, sizeof(s->in));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        s->at = s->in;
        s->left = (size_t)n;
        s->ended = n == 0;
        return n;
}

ssize_t source_read(struct source *s, char *data, size_t size,
                    bool (*have)(void *arg, const char *digest), void *arg) {
        while (s->n_view == 0) {
                switch (tar_thin_next(&s->thin, &s->at, &s->left, &s->view, &s->n_view)) {
                case TAR_THIN_PASS:
                        break;
                case TAR_THIN_BLOB:
                        tar_thin_answer(&s->thin, have && have(arg, s->thin.digest));
                        break;
                case TAR_THIN_MORE: {
                        ssize_t n = refill(s);

                        /* a header that is cut off: the other side says what it thinks of that */
                        if (n == 0 && s->thin.n_block > 0) {
                                s->view = s->thin.block;
                                s->n_view = s->thin.n_block;
                                s->thin.n_block = 0;
                                break;
                        }
                        if (n <= 0)
                                return n;
                        break;
                }
                }
        }
        size = size < s->n_view ? size : s->n_view;
        memcpy(data, s->view, size);
        s->view = (const char *)s->view + size;
        s->n_view -= size;
        return (ssize_t)size;
}

uint64_t source_size(const struct source *s) {
        return s->size;
}

uint64_t source_skipped(const struct source *s) {
        return s->thin.skipped;
}

const char *source_what(const struct source *s) {
        return s->what;
}

int source_close(struct source *s, struct fail *f) {
        int r = 0;

        if (!s)
                return 0;
        (void)close(s->fd);
        if (s->pid)
                r = collect(s->pid);
        if (r != 0 && s->ended) /* else it failed because nobody listens any more */
                r = fail(f, -EIO, "%s failed with status %d", s->what, r);
        else
                r = 0;
        free(s);
        return r;
}
