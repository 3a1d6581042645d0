#include "io/container_output.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
        CHUNK = 16 * 1024,
        CHUNKS = 4, /* read in one turn of the loop: a container that floods does not starve it */
};

static const char *const streams[] = { "stdout", "stderr" };

struct stream {
        uv_poll_t poll;
        struct container_output *output;
        const char *name;
        int fd;
        struct container_lines lines;
};

struct container_output {
        struct container *k; /* NULL: closing */
        struct stream streams[ARRAY_SIZE(streams)];
        unsigned handles;
};

int container_path(const struct containers *c, const char *id, const char *name,
                   char ret[static PATH_MAX]) {
        int n = snprintf(ret, PATH_MAX, "%s/%s%s%s", c->io_dir, id, *name ? "/" : "", name);

        return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- the files ---- */

static int write_file(const char *path, const char *text) {
        auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

        if (n < 0)
                return -errno;
        return (size_t)n == strlen(text) ? 0 : -ENOSPC;
}

static int make_fifo(const char *path) {
        (void)unlink(path); /* of an earlier life; nobody writes there any more */
        return mkfifo(path, 0600) < 0 ? -errno : 0;
}

int container_files_make(struct containers *c, const char *id, const char *hostname) {
        char path[PATH_MAX], text[512];
        int r = container_path(c, id, "", path);

        if (r < 0)
                return r;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(streams) && r == 0; i++) {
                r = container_path(c, id, streams[i], path);
                if (r == 0)
                        r = make_fifo(path);
        }
        (void)snprintf(text, sizeof(text),
                       "127.0.0.1 localhost %s\n::1 localhost ip6-localhost ip6-loopback\n",
                       hostname ? hostname : "");
        if (r == 0)
                r = container_path(c, id, "hosts", path);
        if (r == 0)
                r = write_file(path, text);
        (void)snprintf(text, sizeof(text), "%s\n", hostname ? hostname : "localhost");
        if (r == 0)
                r = container_path(c, id, "hostname", path);
        return r == 0 ? write_file(path, text) : r;
}

void container_files_remove(struct containers *c, const char *id) {
        static const char *const names[] = { "stdout", "stderr", "hosts", "hostname" };
        char path[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (container_path(c, id, names[i], path) == 0)
                        (void)unlink(path);
        }
        if (container_path(c, id, "", path) == 0)
                (void)rmdir(path);
}

/* ---- reading ---- */

static void on_line(void *arg, const char *text, size_t len) {
        struct stream *s = arg;
        struct container *k = s->output->k;

        if (k && !k->c->closing && k->c->ops.output)
                k->c->ops.output(k->c->arg, k->id, s->name, text, len);
}

/* False where there is nothing (more). */
static bool read_chunk(struct stream *s) {
        char data[CHUNK];
        ssize_t n = read(s->fd, data, sizeof(data));

        if (n > 0)
                container_lines_feed(&s->lines, data, (size_t)n, on_line, s);
        return n > 0;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
        struct stream *s = poll->data;

        (void)events;
        if (status < 0)
                return;
        for (unsigned i = 0; i < CHUNKS && s->output->k && read_chunk(s); i++)
                ;
}

static void on_poll_closed(uv_handle_t *handle) {
        struct stream *s = handle->data;
        struct container_output *o = s->output;

        (void)close(s->fd);
        if (--o->handles == 0)
                free(o);
}

static int open_stream(struct container *k, struct container_output *o, size_t i) {
        struct stream *s = &o->streams[i];
        auto_close int fd = -EBADF;
        char path[PATH_MAX];
        struct stat st;
        int r = container_path(k->c, k->id, streams[i], path);

        if (r < 0)
                return r;
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISFIFO(st.st_mode))
                return -EBADF;
        r = uv_poll_init(k->c->loop, &s->poll, fd);
        if (r < 0)
                return r;
        s->fd = take_fd(&fd);
        s->poll.data = s;
        s->output = o;
        s->name = streams[i];
        o->handles++;
        return uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

int container_output_open(struct container *k) {
        struct container_output *o;
        int r = 0;

        if (k->output)
                return 0;
        o = calloc(1, sizeof(*o));
        if (!o)
                return -ENOMEM;
        o->k = k;
        k->output = o;
        for (size_t i = 0; i < ARRAY_SIZE(streams) && r == 0; i++)
                r = open_stream(k, o, i);
        if (r < 0)
                container_output_close(k);
        return r;
}

void container_output_close(struct container *k) {
        struct container_output *o = take_ptr(k->output);

        if (!o)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
                struct stream *s = &o->streams[i];

                if (!s->output)
                        continue;
                /* what a dead container left: at most the 64 KB that a FIFO holds, but never
                 * endless where something still writes */
                for (unsigned n = 0; n < 2 * CHUNKS && read_chunk(s); n++)
                        ;
                container_lines_end(&s->lines, on_line, s);
                uv_close((uv_handle_t *)&s->poll, on_poll_closed);
        }
        o->k = NULL;
        if (o->handles == 0)
                free(o);
}
