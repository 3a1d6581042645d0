/* fork - a child for each call: classic, serializing and streaming.
 *
 * The answer is whole when the child has exited and its output is at its end.  Where something that
 * it left behind keeps the output open, what is there 250 ms after the exit is the answer, and what
 * was left behind is left alone.  Where it closed its output early, the exit is waited for.  A
 * child that does not read its stdin answers all the same.
 *
 * Streaming promises 200 before it can know how the child ends: an exit status is only logged, but
 * an answer that a signal or a limit cut off is cut off for the client, too. */
#include "watchdog/mode.h"

#include "base/str.h"
#include "watchdog/answer.h"
#include "watchdog/connection.h"
#include "watchdog/log.h"
#include "watchdog/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

enum {
        MANY_BYTES = 64 * 1024, /* what a pipe holds anyway */
        WIDE_BYTES = 256 * 1024,
        PIECES = 16, /* read at a time, so that nobody else waits long */
};
#define LINGER_USEC (250 * USEC_PER_MSEC)

static struct loop *loop_of(struct call *c) {
        return &c->dog->loop;
}

static bool is_streaming(const struct call *c) {
        return c->dog->options.mode == MODE_STREAMING;
}

static void fork_end(struct call *c) {
        if (c->fork.pid > 0)
                process_kill(c->fork.pid); /* reaped by the SIGCHLD that follows */
        c->fork.pid = 0;
        watch_close(loop_of(c), &c->fork.in);
        watch_close(loop_of(c), &c->fork.out);
        buf_done(&c->fork.input);
        output_done(&c->fork.output);
        free(c->fork.env);
        c->fork.env = NULL;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void answer_success(struct call *c) {
        struct output output = c->fork.output;

        c->wrote = output_len(&output);
        call_log_wrote(c);
        c->fork.output = (struct output){ 0 };
        call_end(c);
        connection_answer(c->connection, 200, c->fork.content_type, &output);
}

/* "exit status 3" or "signal: killed". */
static int print_end(struct buf *to, int status) {
        const char *name;

        if (WIFEXITED(status))
                return buf_printf(to, "exit status %d\n", WEXITSTATUS(status));
        name = str_or(sigdescr_np(WTERMSIG(status)), "Unknown");
        return buf_printf(to, "signal: %c%s\n", name[0] | 0x20, name + 1);
}

/* 500, how it ended, and what it said. */
static void answer_failure(struct call *c) {
        struct output output = c->fork.output;
        struct buf text = { 0 };
        int r = print_end(&text, c->fork.status);

        if (r == 0)
                log_line("fprocess failed: %.*s", (int)text.len - 1, text.data);
        if (r == 0)
                r = buf_add(&text, output.text.data, output.text.len);
        if (r < 0) {
                buf_done(&text);
                call_fail(c, 500, "no memory for the output of the function");
                return;
        }
        buf_done(&output.text);
        output.text = text;
        c->fork.output = (struct output){ 0 };
        call_end(c);
        connection_answer(c->connection, 500, "text/plain; charset=utf-8", &output);
}

/* False: the call is over. */
static bool begin_stream(struct call *c) {
        char lines[CONNECTION_LINES];
        struct buf head = { 0 };

        if (c->streaming)
                return true;
        connection_stream_lines(c->connection, false, lines);
        if (answer_stream_head(200, c->fork.content_type, lines, &head) < 0) {
                buf_done(&head);
                call_fail(c, 500, "no memory for an answer");
                return false;
        }
        connection_stream_begin(c->connection, 200, &head);
        return true;
}

static void end_stream(struct call *c) {
        struct buf text = { 0 };

        if (!WIFEXITED(c->fork.status) || WEXITSTATUS(c->fork.status) != 0) {
                if (print_end(&text, c->fork.status) == 0)
                        log_line("fprocess failed: %.*s", (int)text.len - 1, text.data);
                buf_done(&text);
        }
        if (!begin_stream(c))
                return;
        call_log_wrote(c);
        call_end(c);
        connection_stream_end(c->connection, true);
}

static void answer(struct call *c) {
        bool clean = WIFEXITED(c->fork.status);

        if (is_streaming(c) && (c->streaming || clean)) {
                if (clean)
                        end_stream(c);
                else
                        call_fail(c, 500, "a signal ended the function within its answer");
        } else if (clean && WEXITSTATUS(c->fork.status) == 0) {
                answer_success(c);
        } else {
                answer_failure(c);
        }
}

/* ---- its stdin ---------------------------------------------------------------------------- */

/* How many bytes it took; all where it does not want to read, which is its right. */
static size_t give(struct call *c, const char *data, size_t len) {
        size_t done = 0;

        while (done < len && c->fork.in.fd >= 0) {
                ssize_t n = write(c->fork.in.fd, data + done, len - done);

                if (n < 0 && errno == EAGAIN) {
                        watch_set(loop_of(c), &c->fork.in, EPOLLOUT);
                        return done;
                }
                if (n < 0)
                        watch_close(loop_of(c), &c->fork.in);
                else
                        done += (size_t)n;
        }
        return len;
}

static void give_input(struct call *c) {
        struct buf *b = &c->fork.input;

        c->fork.given += give(c, b->data + c->fork.given, b->len - c->fork.given);
        if (c->fork.given < b->len)
                return;
        buf_done(b);
        c->fork.given = 0;
        watch_close(loop_of(c), &c->fork.in);
}

static void on_in(struct watch *w, uint32_t events) {
        struct call *c = container_of(w, struct call, fork.in);

        if (events & EPOLLERR) /* it closed its stdin: what comes is dropped */
                watch_close(loop_of(c), w);
        else
                watch_set(loop_of(c), w, 0);
        if (c->fork.input.len > 0)
                give_input(c);
        connection_resume(c->connection);
}

/* ---- its stdout --------------------------------------------------------------------------- */

/* Sends one piece on.  As read(); not in an active call: the client is gone. */
static ssize_t stream_piece(struct call *c) {
        ssize_t n = read(c->fork.out.fd, c->dog->scratch, MANY_BYTES);

        if (n <= 0 || !begin_stream(c))
                return n;
        c->wrote += (size_t)n;
        if (connection_stream(c->connection, c->dog->scratch, (size_t)n) || !c->active)
                return n;
        c->paused = true;
        watch_set(loop_of(c), &c->fork.out, 0);
        return n;
}

/* Reads what is there.  False: the call is over, with an error. */
static bool read_output(struct call *c) {
        ssize_t n = 1;

        for (int i = 0; i < PIECES && n > 0 && !c->paused; i++) {
                n = is_streaming(c) ? stream_piece(c)
                                    : output_take(&c->fork.output, c->fork.out.fd, c->dog->scratch,
                                                  WATCHDOG_OUTPUT);
                if (!c->active)
                        return false;
        }
        if (n > 0 || (n < 0 && errno == EAGAIN))
                return true;
        if (n < 0) {
                call_fail(c, 500,
                          errno == EMSGSIZE ? "the function answered more than 64 MB"
                                            : "no memory for the output of the function");
                return false;
        }
        watch_close(loop_of(c), &c->fork.out);
        return true;
}

static void on_out(struct watch *w, uint32_t events) {
        struct call *c = container_of(w, struct call, fork.out);

        (void)events;
        if (read_output(c) && c->fork.out.fd < 0 && c->fork.pid == 0)
                answer(c);
        connection_resume(c->connection);
}

/* ---- begin and end ------------------------------------------------------------------------ */

static void settle_type(struct call *c, const struct http_head *head) {
        const struct http_text *type = http_header(head, "Content-Type");
        const char *set = c->dog->options.content_type;
        char *to = c->fork.content_type;

        to[0] = '\0'; /* none known: a browser looks at the bytes */
        if (set)
                (void)str_copy(to, CALL_TYPE, set);
        else if (c->dog->options.mode != MODE_CLASSIC)
                (void)str_copy(to, CALL_TYPE, "application/octet-stream");
        else if (type)
                (void)str_copy_n(to, CALL_TYPE, type->at, type->len);
}

static void fail_start(struct call *c, int error) {
        char text[160];

        (void)snprintf(text, sizeof(text), "cannot start '%.80s': %s", c->dog->options.args[0],
                       strerror(-error));
        call_fail(c, 500, text);
}

/* Takes the environment.  False: it could not be started. */
static bool start(struct call *c, char **env) {
        struct process p = { 0, -1, -1 };
        int r = process_start(&c->dog->options, env, &p);

        free(env);
        if (r < 0) {
                fail_start(c, r);
                return false;
        }
        c->fork.pid = p.pid;
        c->fork.in.fd = p.in;
        c->fork.out.fd = p.out;
        watch_set(loop_of(c), &c->fork.out, EPOLLIN);
        return true;
}

static void fork_begin(struct call *c, const struct http_head *head) {
        bool large = head->body == HTTP_BODY_LENGTH && head->length > MANY_BYTES;
        char **env;
        int r;

        c->fork.in = (struct watch){ .fd = -1, .ready = on_in };
        c->fork.out = (struct watch){ .fd = -1, .ready = on_out };
        c->fork.input.limit = WATCHDOG_OUTPUT;
        settle_type(c, head);
        r = process_environment(&c->dog->options, head, &env);
        if (r < 0) {
                fail_start(c, r);
                return;
        }
        if (c->dog->options.mode == MODE_SERIALIZING) {
                c->fork.env = env;
                return;
        }
        log_line("Forking fprocess.");
        if (start(c, env) && large)
                process_widen(c->fork.in.fd);
}

static size_t fork_body(struct call *c, const char *data, size_t len) {
        int r;

        if (!c->fork.env)
                return give(c, data, len);
        r = buf_add(&c->fork.input, data, len);
        if (r == -EMSGSIZE)
                call_fail(c, 413, "the request's body is above 64 MB");
        else if (r < 0)
                call_fail(c, 500, "no memory for the request's body");
        return len;
}

static ssize_t fork_splice(struct call *c, int socket, uint64_t len) {
        size_t most = len < WIDE_BYTES ? (size_t)len : WIDE_BYTES;
        int waiting = 0;
        ssize_t n;

        if (c->fork.in.fd < 0)
                return -EOPNOTSUPP;
        n = splice(socket, NULL, c->fork.in.fd, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n >= 0)
                return n;
        if (errno != EAGAIN) /* it closed its stdin, or whatever: the other way knows */
                return -EOPNOTSUPP;
        if (ioctl(socket, FIONREAD, &waiting) < 0 || waiting == 0)
                return -EAGAIN;
        watch_set(loop_of(c), &c->fork.in, EPOLLOUT);
        return -ENOBUFS;
}

static void fork_body_end(struct call *c) {
        char **env = take_ptr(c->fork.env);

        if (!env) {
                if (c->fork.input.len == 0)
                        watch_close(loop_of(c), &c->fork.in);
                return;
        }
        log_line("Forking fprocess.");
        if (start(c, env))
                give_input(c);
}

static void fork_drained(struct call *c) {
        watch_set(loop_of(c), &c->fork.out, EPOLLIN);
        if (c->fork.pid == 0)
                c->deadline = usec_add(loop_now(), LINGER_USEC);
}

static void fork_overdue(struct call *c) {
        bool exited = c->fork.pid == 0 && !c->fork.env;

        if (exited && c->paused) /* there may be more of its output */
                c->deadline = USEC_NEVER;
        else if (exited) /* and something that it left behind holds its output open */
                answer(c);
        else
                call_fail(c, 408, "the function took longer than exec_timeout and was ended");
}

bool call_exited(struct call *c, pid_t pid, int status) {
        usec_t linger = usec_add(loop_now(), LINGER_USEC);

        if (!c->active || c->dog->options.mode > MODE_SERIALIZING || c->fork.pid != pid)
                return false;
        c->fork.pid = 0;
        c->fork.status = status;
        if (c->fork.out.fd >= 0 && !read_output(c))
                return true;
        if (c->fork.out.fd < 0)
                answer(c);
        else if (linger < c->deadline)
                c->deadline = linger;
        return true;
}

const struct mode mode_fork = { .begin = fork_begin,
                                .body = fork_body,
                                .splice = fork_splice,
                                .body_end = fork_body_end,
                                .drained = fork_drained,
                                .overdue = fork_overdue,
                                .end = fork_end };
