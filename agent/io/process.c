#include "io/process.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum {
        READ_BYTES = 16 * 1024,
        STREAMS = 2,
        /* What it wrote is in the pipe when it ends; longer only if something else holds that. */
        DRAIN_MS = 1000,
};

struct stream {
        struct process *process;
        uv_pipe_t pipe;
        bool open;
        size_t len;
        char line[PROCESS_LINE_MAX + 1];
};

struct process {
        uv_process_t child;
        uv_timer_t timer;
        struct stream streams[STREAMS]; /* stdout, stderr */
        process_line_cb line;
        process_end_cb done;
        void *arg;
        struct process_end end;
        size_t passed; /* bytes of lines */
        unsigned grace_ms;
        unsigned handles; /* not closed yet */
        int pid;
        bool ending; /* TERM was sent */
        bool exited;
        bool over;  /* 'done' was called, or never will be */
        bool freed; /* by its owner */
        char in[READ_BYTES];
};

static void on_closed(struct process *p) {
        if (--p->handles == 0 && p->freed)
                free(p);
}

static void on_child_closed(uv_handle_t *h) {
        on_closed(h->data);
}

static void on_stream_closed(uv_handle_t *h) {
        struct stream *s = h->data;

        on_closed(s->process);
}

static void close_stream(struct stream *s) {
        if (!s->open)
                return;
        s->open = false;
        uv_close((uv_handle_t *)&s->pipe, on_stream_closed);
}

/* Everything but the child's own handle, without which nobody would collect it. */
static void close_all(struct process *p) {
        for (size_t i = 0; i < STREAMS; i++)
                close_stream(&p->streams[i]);
        if (!uv_is_closing((uv_handle_t *)&p->timer))
                uv_close((uv_handle_t *)&p->timer, on_child_closed);
}

/* Its group.  After it was collected too: as long as somebody is in the group the number is not
 * given to others, and it takes the kernel a whole round to come back to a free one. */
static void kill_group(const struct process *p, int number) {
        if (p->pid > 0)
                (void)kill(-p->pid, number);
}

static void finish(struct process *p) {
        if (p->over)
                return;
        p->over = true;
        close_all(p);
        p->done(p->arg, &p->end);
}

static bool drained(const struct process *p) {
        return !p->streams[0].open && !p->streams[1].open;
}

static void tell(struct stream *s) {
        struct process *p = s->process;
        size_t len = s->len;

        s->len = 0;
        if (len > 0 && s->line[len - 1] == '\r')
                len--;
        if (p->passed + len + 1 > PROCESS_OUTPUT_MAX)
                p->end.cut = true;
        if (p->end.cut || p->over || !p->line)
                return;
        p->passed += len + 1;
        for (size_t i = 0; i < len; i++)
                if (s->line[i] == '\t')
                        s->line[i] = ' ';
                else if (s->line[i] < ' ' || s->line[i] > '~')
                        s->line[i] = '?';
        s->line[len] = '\0';
        p->line(p->arg, s == &p->streams[1], s->line, len);
}

static void feed(struct stream *s, const char *data, size_t len) {
        while (len > 0 && !s->process->over) {
                const char *newline = memchr(data, '\n', len);
                size_t n = newline ? (size_t)(newline - data) : len;
                size_t room = PROCESS_LINE_MAX - s->len, keep = n < room ? n : room;

                memcpy(s->line + s->len, data, keep);
                s->len += keep;
                if (newline) {
                        tell(s);
                        n++;
                }
                data += n;
                len -= n;
        }
}

static void on_allocate(uv_handle_t *h, size_t suggested, uv_buf_t *ret) {
        struct stream *s = h->data;

        (void)suggested;
        *ret = uv_buf_init(s->process->in, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *data) {
        struct stream *s = stream->data;
        struct process *p = s->process;

        if (n >= 0) {
                feed(s, data->base, (size_t)n);
                return;
        }
        if (s->len > 0)
                tell(s);
        close_stream(s);
        if (p->exited && drained(p))
                finish(p);
}

static void on_timer(uv_timer_t *timer);

static void wait_for(struct process *p, unsigned ms) {
        if (!uv_is_closing((uv_handle_t *)&p->timer))
                (void)uv_timer_start(&p->timer, on_timer, ms, 0);
}

static void terminate(struct process *p) {
        p->ending = true;
        kill_group(p, SIGTERM);
        wait_for(p, p->grace_ms);
}

static void on_timer(uv_timer_t *timer) {
        struct process *p = timer->data;

        if (p->exited) {
                finish(p);
        } else if (p->ending) {
                kill_group(p, SIGKILL);
        } else {
                p->end.timed_out = true;
                terminate(p);
        }
}

static void on_child_exit(uv_process_t *child, int64_t status, int number) {
        struct process *p = child->data;

        p->exited = true;
        p->end.status = number ? -1 : (int)status;
        p->end.signal = number;
        kill_group(p, SIGKILL); /* what it left behind */
        uv_close((uv_handle_t *)child, on_child_closed);
        if (p->over)
                return;
        if (drained(p))
                finish(p);
        else
                wait_for(p, DRAIN_MS);
}

/* Its stdin: a file in memory, or nothing. */
static int open_in(const struct process_config *c) {
        auto_close int fd = -EBADF;
        ssize_t n;

        if (!c->in) {
                fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
                return fd < 0 ? -errno : take_fd(&fd);
        }
        if (c->in_len > PROCESS_STDIN_MAX)
                return -EMSGSIZE;
        fd = memfd_create("stdin", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = write(fd, c->in, c->in_len);
        if (n < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return (size_t)n == c->in_len ? take_fd(&fd) : -EIO;
}

/* Real pipes: a script that opens /dev/stderr could not open a socket. */
static int open_stream(uv_loop_t *loop, struct stream *s, int *ret_theirs) {
        auto_close int ours = -EBADF, theirs = -EBADF;
        uv_file pair[2];
        int r = uv_pipe(pair, UV_NONBLOCK_PIPE, 0);

        if (r < 0)
                return r;
        ours = pair[0];
        theirs = pair[1];
        r = uv_pipe_init(loop, &s->pipe, 0);
        if (r < 0)
                return r;
        s->pipe.data = s;
        s->open = true;
        s->process->handles++;
        r = uv_pipe_open(&s->pipe, ours);
        if (r < 0)
                return r;
        (void)take_fd(&ours);
        *ret_theirs = take_fd(&theirs);
        return 0;
}

static int spawn(uv_loop_t *loop, struct process *p, const struct process_config *c,
                 const int fds[static 3]) {
        static const char *const plain[] = {
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG=C.UTF-8",
                NULL,
        };
        uv_stdio_container_t stdio[3];
        uv_process_options_t options = {
                .exit_cb = on_child_exit,
                .file = c->argv[0],
                .args = (char **)(uintptr_t)c->argv,
                .env = (char **)(uintptr_t)(c->env ? c->env : plain),
                .cwd = "/",
                .flags = UV_PROCESS_DETACHED, /* setsid */
                .stdio_count = 3,
                .stdio = stdio,
        };
        int r;

        for (size_t i = 0; i < 3; i++)
                stdio[i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fds[i] };
        r = uv_spawn(loop, &p->child, &options);
        p->child.data = p;
        p->handles++;
        if (r == 0)
                p->pid = p->child.pid;
        else
                uv_close((uv_handle_t *)&p->child, on_child_closed);
        return r;
}

static int start(uv_loop_t *loop, struct process *p, const struct process_config *c) {
        auto_close int in = open_in(c), out = -EBADF, err = -EBADF;
        int r = in < 0 ? in : open_stream(loop, &p->streams[0], &out);

        if (r == 0)
                r = open_stream(loop, &p->streams[1], &err);
        if (r == 0)
                r = spawn(loop, p, c, (const int[3]){ in, out, err });
        for (size_t i = 0; r == 0 && i < STREAMS; i++)
                r = uv_read_start((uv_stream_t *)&p->streams[i].pipe, on_allocate, on_read);
        if (r == 0 && c->timeout_ms > 0)
                wait_for(p, c->timeout_ms);
        return r;
}

int process_start(uv_loop_t *loop, const struct process_config *config, process_line_cb line,
                  process_end_cb end, void *arg, struct process **ret, struct fail *f) {
        struct process *p;
        int r;

        if (!config->argv || !config->argv[0] || config->argv[0][0] != '/')
                return fail(f, -EINVAL, "a program without its path");
        p = calloc(1, sizeof(*p));
        if (!p)
                return fail(f, -ENOMEM, "no memory to run %.80s", config->argv[0]);
        p->line = line;
        p->done = end;
        p->arg = arg;
        p->grace_ms = config->grace_ms ? config->grace_ms : PROCESS_GRACE_MS;
        for (size_t i = 0; i < STREAMS; i++)
                p->streams[i].process = p;
        (void)uv_timer_init(loop, &p->timer);
        p->timer.data = p;
        p->handles = 1;
        r = start(loop, p, config);
        if (r < 0) {
                (void)fail(f, r, "cannot run %.80s: %s", config->argv[0], uv_strerror(r));
                process_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

void process_stop(struct process *p) {
        if (p->exited || p->ending || p->over)
                return;
        p->end.stopped = true;
        terminate(p);
}

void process_free(struct process *p) {
        if (!p)
                return;
        if (!p->exited)
                kill_group(p, SIGKILL);
        p->over = true;
        p->freed = true;
        close_all(p);
        if (p->handles == 0)
                free(p);
}

int process_pid(const struct process *p) {
        return p->pid;
}
