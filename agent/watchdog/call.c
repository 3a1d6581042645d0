#include "watchdog/call.h"

#include "base/str.h"
#include "watchdog/connection.h"
#include "watchdog/log.h"
#include "watchdog/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

enum {
        MANY_BYTES = 64 * 1024, /* what a pipe holds anyway */
        PIECES = 16,            /* read at a time, so that nobody else waits long */
};
#define LINGER_USEC (250 * USEC_PER_MSEC)

static struct loop *loop_of(struct call *c) {
        return &c->dog->loop;
}

/* Frees all that the call has; whatever still runs of it runs on. */
static void end(struct call *c) {
        c->active = false;
        c->dog->inflight--;
        watch_close(loop_of(c), &c->in);
        watch_close(loop_of(c), &c->out);
        buf_done(&c->output);
}

static void kill_child(struct call *c) {
        if (c->pid > 0)
                process_kill(c->pid); /* reaped by the SIGCHLD that follows, which finds no call */
        c->pid = 0;
}

/* An answer of ours in place of the function's. */
static void fail_call(struct call *c, unsigned status, const char *text) {
        kill_child(c);
        end(c);
        log_line("%s", text);
        connection_answer_text(c->connection, status, text);
}

static void answer_success(struct call *c) {
        struct buf output = c->output;
        usec_t took = loop_now() - c->started;

        log_line("Wrote %zu Bytes - Duration: %llu.%06llus", output.len,
                 (unsigned long long)(took / USEC_PER_SEC),
                 (unsigned long long)(took % USEC_PER_SEC));
        c->output = (struct buf){ 0 };
        end(c);
        connection_answer(c->connection, 200, c->content_type, &output);
}

/* "signal: killed". */
static int print_signal(struct buf *to, int number) {
        const char *name = str_or(sigdescr_np(number), "Unknown");

        return buf_printf(to, "signal: %c%s\n", name[0] | 0x20, name + 1);
}

/* 500, how it ended, and what it said. */
static void answer_failure(struct call *c) {
        struct buf text = { 0 };
        int r;

        if (WIFEXITED(c->status))
                r = buf_printf(&text, "exit status %d\n", WEXITSTATUS(c->status));
        else
                r = print_signal(&text, WTERMSIG(c->status));
        if (r == 0)
                log_line("fprocess failed: %.*s", (int)text.len - 1, text.data);
        if (r == 0)
                r = buf_add(&text, c->output.data, c->output.len);
        if (r < 0) {
                buf_done(&text);
                fail_call(c, 500, "no memory for the output of the function");
                return;
        }
        end(c);
        connection_answer(c->connection, 500, "text/plain; charset=utf-8", &text);
}

static void answer(struct call *c) {
        if (WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0)
                answer_success(c);
        else
                answer_failure(c);
}

/* ---- its stdin ---------------------------------------------------------------------------- */

static void on_in(struct watch *w, uint32_t events) {
        struct call *c = container_of(w, struct call, in);

        if (events & EPOLLERR) /* it closed its stdin: what comes is dropped */
                watch_close(loop_of(c), w);
        else
                watch_set(loop_of(c), w, 0);
        connection_resume(c->connection);
}

size_t call_body(struct call *c, const char *data, size_t len) {
        size_t done = 0;

        while (done < len && c->in.fd >= 0) {
                ssize_t n = write(c->in.fd, data + done, len - done);

                if (n < 0 && errno == EAGAIN) {
                        watch_set(loop_of(c), &c->in, EPOLLOUT);
                        return done;
                }
                if (n < 0) /* it does not want to read: that is its right */
                        watch_close(loop_of(c), &c->in);
                else
                        done += (size_t)n;
        }
        return len;
}

void call_body_end(struct call *c) {
        watch_close(loop_of(c), &c->in);
}

/* ---- its stdout --------------------------------------------------------------------------- */

/* Reads one piece, small outputs by way of the shared buffer so that they need little memory of
 * their own.  As read(). */
static ssize_t read_piece(struct call *c) {
        struct buf *b = &c->output;
        bool direct = b->len >= MANY_BYTES;
        ssize_t n;
        int r = 0;

        if (direct)
                r = buf_reserve(b, MANY_BYTES);
        if (r < 0) {
                errno = -r;
                return -1;
        }
        n = read(c->out.fd, direct ? b->data + b->len : c->dog->scratch, MANY_BYTES);
        if (n <= 0)
                return n;
        if (direct)
                b->len += (size_t)n;
        else
                r = buf_add(b, c->dog->scratch, (size_t)n);
        if (r == 0)
                return n;
        errno = -r;
        return -1;
}

/* Reads what is there.  False: the call is over, with an error. */
static bool read_output(struct call *c) {
        ssize_t n = 1;

        for (int i = 0; i < PIECES && n > 0; i++) {
                n = read_piece(c);
                if (n == MANY_BYTES && c->output.len == MANY_BYTES)
                        process_widen(c->out.fd);
        }
        if (n > 0 || (n < 0 && errno == EAGAIN))
                return true;
        if (n < 0) {
                fail_call(c, 500,
                          errno == EMSGSIZE ? "the function answered more than 64 MB"
                                            : "no memory for the output of the function");
                return false;
        }
        watch_close(loop_of(c), &c->out);
        return true;
}

static void on_out(struct watch *w, uint32_t events) {
        struct call *c = container_of(w, struct call, out);

        (void)events;
        if (read_output(c) && c->out.fd < 0 && c->pid == 0)
                answer(c);
        connection_resume(c->connection);
}

/* ---- begin and end ------------------------------------------------------------------------ */

static void settle_type(struct call *c, const struct http_head *head) {
        const struct http_text *type = http_header(head, "Content-Type");
        const char *set = c->dog->options.content_type;

        c->content_type[0] = '\0'; /* none known: a browser looks at the bytes */
        if (set)
                (void)str_copy(c->content_type, sizeof(c->content_type), set);
        else if (type)
                (void)str_copy_n(c->content_type, sizeof(c->content_type), type->at, type->len);
}

void call_begin(struct call *c, struct watchdog *dog, struct connection *connection,
                const struct http_head *head) {
        const struct options *o = &dog->options;
        struct process p = { 0, -1, -1 };
        char text[160];
        int r;

        *c = (struct call){ .dog = dog, .connection = connection, .active = true };
        c->in = (struct watch){ .fd = -1, .ready = on_in };
        c->out = (struct watch){ .fd = -1, .ready = on_out };
        c->output.limit = WATCHDOG_OUTPUT;
        c->started = loop_now();
        dog->inflight++;
        settle_type(c, head);
        log_line("Forking fprocess.");
        r = process_start(o, head, &p);
        if (r < 0) {
                (void)snprintf(text, sizeof(text), "cannot start '%.80s': %s", o->args[0],
                               strerror(-r));
                fail_call(c, 500, text);
                return;
        }
        c->pid = p.pid;
        c->in.fd = p.in;
        c->out.fd = p.out;
        if (head->body == HTTP_BODY_LENGTH && head->length > MANY_BYTES)
                process_widen(c->in.fd);
        watch_set(&dog->loop, &c->out, EPOLLIN);
        c->deadline =
                o->exec_timeout_usec ? usec_add(c->started, o->exec_timeout_usec) : USEC_NEVER;
}

void call_overdue(struct call *c) {
        if (c->pid == 0) /* it ended, and something that it left behind holds its output open */
                answer(c);
        else
                fail_call(c, 408, "the function took longer than exec_timeout and was ended");
}

void call_exited(struct call *c, int status) {
        usec_t linger = usec_add(loop_now(), LINGER_USEC);

        c->pid = 0;
        c->status = status;
        if (c->out.fd >= 0 && !read_output(c))
                return;
        if (c->out.fd < 0)
                answer(c);
        else if (linger < c->deadline)
                c->deadline = linger;
}

void call_cancel(struct call *c) {
        if (!c->active)
                return;
        kill_child(c);
        end(c);
}
