/* http - mode http: a call is a request to the one child, which serves HTTP itself.
 *
 * Both bodies go through as they come, with no more kept than one side's socket does not take; a
 * length stays a length.  A request without a body that a kept connection swallowed goes out once
 * more on a new one, where its method allows that. */
#include "watchdog/mode.h"

#include "base/str.h"
#include "core/http_forward.h"
#include "watchdog/connection.h"
#include "watchdog/log.h"
#include "watchdog/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { MANY_BYTES = 64 * 1024 };
#define START_USEC (30 * USEC_PER_SEC) /* Python on a Pi 2 needs some */

static void attach(struct call *c, bool fresh);

static void update(struct upstream *u) {
        bool sends = !u->connected || !outbox_empty(&u->out);

        watch_set(&u->dog->loop, &u->w,
                  (u->call && u->call->paused ? 0 : EPOLLIN) | (sends ? EPOLLOUT : 0));
}

/* What it does not want to read is dropped: its answer says why. */
static void settle_sent(struct upstream *u, int r) {
        if (r >= 0)
                return;
        u->deaf = true;
        outbox_done(&u->out);
}

/* The client of a tunnel has said all: the function is to know. */
static void pass_end(const struct call *c, struct upstream *u) {
        if (u->tunnel && c->http.body_ended && outbox_empty(&u->out))
                (void)shutdown(u->w.fd, SHUT_WR);
}

static void log_answer(const struct call *c, unsigned status) {
        usec_t took = loop_now() - c->started;

        log_line("%s - %u - Duration: %llu.%06llus", c->http.name, status,
                 (unsigned long long)(took / USEC_PER_SEC),
                 (unsigned long long)(took % USEC_PER_SEC));
}

/* ---- the answer --------------------------------------------------------------------------- */

static void finish(struct call *c, bool clean) {
        struct upstream *u = take_ptr(c->http.up);

        if (clean && u->keep_alive && !u->deaf && c->http.body_ended && outbox_empty(&u->out))
                upstream_keep(u);
        else
                upstream_close(u);
        call_end(c);
        connection_stream_end(c->connection, true);
}

/* Takes what came of the answer's body. */
static void take_body(struct call *c, struct upstream *u, struct http_text data) {
        while (!u->body.done) {
                long n = http_body_next(&u->body, &data);

                if (n < 0) {
                        call_fail(c, 500,
                                  "the chunks of the function's answer are not well-formed");
                        return;
                }
                if (n == 0)
                        break;
                c->wrote += (uint64_t)n;
                if (!connection_stream(c->connection, data.at, (size_t)n)) {
                        if (!c->active)
                                return;
                        c->paused = true;
                }
                http_body_take(&u->body, &data, (size_t)n);
        }
        if (u->body.done)
                finish(c, data.len == 0);
}

/* False: the call is over. */
static bool begin_answer(struct call *c, struct upstream *u, const struct http_head *head) {
        static const struct http_forward as_it_is = { .function = "" };
        bool known = head->body == HTTP_BODY_NONE || head->body == HTTP_BODY_LENGTH;
        char lines[CONNECTION_LINES];
        struct buf out = { 0 };

        connection_stream_lines(c->connection, known, lines);
        if (http_forward_response(&out, head, &as_it_is, lines, false) < 0) {
                buf_done(&out);
                call_fail(c, 500, "no memory for an answer");
                return false;
        }
        log_answer(c, head->status);
        connection_stream_begin(c->connection, head->status, &out);
        http_body_begin(&u->body, head);
        u->in_body = true;
        u->keep_alive = head->keep_alive;
        if (head->status != 101)
                return true;
        connection_tunnel(c->connection);
        u->body = (struct http_body_reader){ .kind = HTTP_BODY_UNTIL_CLOSE };
        u->tunnel = true;
        u->keep_alive = c->http.chunked = c->http.body_ended = false;
        c->deadline = USEC_NEVER;
        return true;
}

/* Bytes of a whole head; 0: it is not complete; -1: the call is over. */
static long take_head(struct call *c, struct upstream *u, const struct http_text *data) {
        struct http_head head;
        long used =
                http_parse_response(data->at, data->len, &u->scanned, c->http.without_body, &head);

        if (used == 0)
                return 0;
        u->scanned = 0;
        if (used < 0 || (head.status == 101 && !c->http.upgrade)) {
                call_fail(c, 500, "the function's answer is no HTTP");
                return -1;
        }
        if (head.status < 200 && head.status != 101) /* the real one follows */
                return used;
        return begin_answer(c, u, &head) ? used : -1;
}

/* Looks for the head in what came; what is behind it is of the body. */
static void take_heads(struct call *c, struct upstream *u, struct http_text data) {
        struct buf kept = u->in;
        long used = 1;

        u->in = (struct buf){ .limit = kept.limit };
        while (!u->in_body && used > 0) {
                used = take_head(c, u, &data);
                if (used > 0) {
                        data.at += used;
                        data.len -= (size_t)used;
                }
        }
        if (used == 0 && buf_add(&u->in, data.at, data.len) < 0)
                call_fail(c, 500, "no memory for an answer");
        else if (used > 0)
                take_body(c, u, data);
        buf_done(&kept);
}

static void take_data(struct call *c, struct upstream *u, size_t n) {
        u->answered = true;
        if (u->in_body) {
                take_body(c, u, (struct http_text){ c->dog->scratch, n });
        } else if (u->in.len == 0) {
                take_heads(c, u, (struct http_text){ c->dog->scratch, n });
        } else if (buf_add(&u->in, c->dog->scratch, n) < 0) {
                call_fail(c, 500, "no memory for an answer");
        } else {
                take_heads(c, u, (struct http_text){ u->in.data, u->in.len });
        }
}

static void at_end(struct call *c, struct upstream *u, bool clean) {
        bool unheard = !u->answered && u->reused && c->http.safe;

        if (u->in_body && u->body.kind == HTTP_BODY_UNTIL_CLOSE && clean) {
                finish(c, false);
        } else if (u->in_body) {
                call_fail(c, 500, "the function closed its connection within an answer");
        } else if (unheard) {
                upstream_close(take_ptr(c->http.up));
                attach(c, true);
        } else {
                call_fail(c, 500, "the function closed its connection without an answer");
        }
}

static void receive(struct call *c, struct upstream *u) {
        ssize_t n = recv(u->w.fd, c->dog->scratch, sizeof(c->dog->scratch), 0);

        if (n > 0)
                take_data(c, u, (size_t)n);
        else if (n == 0 || errno != EAGAIN)
                at_end(c, u, n == 0);
}

/* ---- the request -------------------------------------------------------------------------- */

static void fail_connect(struct call *c, int error) {
        char text[160];

        (void)snprintf(text, sizeof(text), "cannot connect to the function at port %u: %s",
                       c->dog->options.upstream.at.port, strerror(error));
        call_fail(c, 500, text);
}

static void end_body(struct call *c, struct upstream *u) {
        static const char last[] = "0\r\n\r\n";

        if (c->http.chunked && !u->deaf)
                settle_sent(u, outbox_send(&u->out, u->w.fd, last, sizeof(last) - 1, false));
        else if (!u->deaf)
                settle_sent(u, outbox_flush(&u->out, u->w.fd));
        c->http.body_ended = true;
        pass_end(c, u);
        update(u);
}

static bool finish_connect(struct upstream *u) {
        int error = 0;
        socklen_t size = sizeof(error);

        if (getsockopt(u->w.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        u->connected = error == 0;
        if (error)
                fail_connect(u->call, error);
        return error == 0;
}

static void on_upstream(struct watch *w, uint32_t events) {
        struct upstream *u = container_of(w, struct upstream, w);
        struct call *c = u->call;
        struct connection *connection;

        if (!c) { /* kept, and it closed or says what nobody asked for */
                u->dog->n_idle--;
                upstream_close(u);
                return;
        }
        connection = c->connection;
        if (u->connected || finish_connect(u)) {
                if (events & EPOLLOUT && !outbox_empty(&u->out)) {
                        settle_sent(u, outbox_flush(&u->out, w->fd));
                        pass_end(c, u);
                }
                if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->paused)
                        receive(c, u);
        }
        if (c->active && c->http.up == u)
                update(u);
        connection_resume(connection);
}

static void attach(struct call *c, bool fresh) {
        struct upstream *u;
        int r;

        if (!c->dog->child.serves) {
                c->http.waiting = true;
                if (c->deadline > usec_add(c->started, START_USEC))
                        c->deadline = usec_add(c->started, START_USEC);
                return;
        }
        r = upstream_get(c->dog, fresh, on_upstream, &u);
        if (r < 0) {
                fail_connect(c, -r);
                return;
        }
        u->call = c;
        c->http.up = u;
        r = buf_add(&u->out.kept, c->http.head.data, c->http.head.len);
        if (r == 0)
                r = buf_add(&u->out.kept, c->http.input.data, c->http.input.len);
        if (r < 0) {
                call_fail(c, 500, "no memory for the request");
                return;
        }
        /* with no body to wait for, a kept connection gets the head at once */
        if (u->connected && c->http.body_ended)
                settle_sent(u, outbox_flush(&u->out, u->w.fd));
        update(u);
}

static void name_call(struct call *c, const struct http_head *head) {
        char *to = c->http.name;
        size_t n;

        (void)str_printable(to, CALL_NAME / 4, head->method.at, head->method.len);
        n = strlen(to);
        to[n++] = ' ';
        (void)str_printable(to + n, CALL_NAME - n, head->path.at, head->path.len);
}

/* Whether it may run twice (RFC 9110 9.2.2). */
static bool is_safe(const struct http_head *head) {
        static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (http_text_is(&head->method, methods[i]))
                        return true;
        return false;
}

static int write_head(struct call *c, const struct http_head *head) {
        const struct options *o = &c->dog->options;
        struct http_forward forward = { .function = "localhost", .rest = head->path };
        struct http_head sent = *head;
        struct buf path = { 0 };
        int r = 0;

        if (o->ready_path && http_text_is(&head->path, "/_/ready"))
                forward.rest = (struct http_text){ o->ready_path, strlen(o->ready_path) };
        if (o->upstream.path_len > 0) {
                r = buf_add(&path, o->upstream.path, o->upstream.path_len);
                if (r == 0)
                        r = buf_add(&path, forward.rest.at, forward.rest.len);
                forward.rest = (struct http_text){ path.data, path.len };
        }
        if (c->http.collect)
                sent.body = HTTP_BODY_NONE;
        if (r == 0)
                r = http_forward_request(&c->http.head, &sent, &forward, c->http.upgrade);
        buf_done(&path);
        if (r == 0 && c->http.collect)
                c->http.head.len -= 2; /* the empty line, as a length follows */
        return r;
}

static void http_begin(struct call *c, const struct http_head *head) {
        bool empty = head->body == HTTP_BODY_NONE ||
                     (head->body == HTTP_BODY_LENGTH && head->length == 0);

        c->http.input.limit = WATCHDOG_OUTPUT;
        c->http.collect = c->dog->options.buffer_body && head->body == HTTP_BODY_CHUNKED;
        c->http.chunked = head->body == HTTP_BODY_CHUNKED && !c->http.collect;
        c->http.body_ended = empty;
        c->http.safe = empty && is_safe(head);
        c->http.without_body = http_text_is(&head->method, "HEAD");
        c->http.upgrade = head->upgrade && head->body == HTTP_BODY_NONE;
        name_call(c, head);
        if (write_head(c, head) < 0)
                call_fail(c, 500, "no memory for the request");
        else if (!c->http.collect)
                attach(c, false);
}

void call_child_serves(struct call *c) {
        usec_t limit = c->dog->options.exec_timeout_usec;

        if (!c->active || !c->http.waiting)
                return;
        c->http.waiting = false;
        c->deadline = limit ? usec_add(c->started, limit) : USEC_NEVER;
        attach(c, false);
}

static size_t collect(struct call *c, const char *data, size_t len) {
        int r = buf_add(&c->http.input, data, len);

        if (r == -EMSGSIZE)
                call_fail(c, 413, "the request's body is above 64 MB");
        else if (r < 0)
                call_fail(c, 500, "no memory for the request's body");
        return len;
}

static size_t http_body(struct call *c, const char *data, size_t len) {
        struct upstream *u = c->http.up;

        if (c->http.collect)
                return collect(c, data, len);
        if (!u || !u->connected || u->out.kept.len - u->out.sent >= MANY_BYTES)
                return 0;
        if (u->deaf)
                return len;
        settle_sent(u, outbox_send(&u->out, u->w.fd, data, len, c->http.chunked));
        update(u);
        return len;
}

static void http_body_is_over(struct call *c) {
        struct upstream *u = c->http.up;

        if (c->http.body_ended)
                return;
        if (!c->http.collect) {
                if (u && u->connected)
                        end_body(c, u);
                return;
        }
        c->http.collect = false;
        c->http.body_ended = true;
        if (buf_printf(&c->http.head, "Content-Length: %zu\r\n\r\n", c->http.input.len) < 0)
                call_fail(c, 500, "no memory for the request");
        else
                attach(c, false);
}

static void http_drained(struct call *c) {
        update(c->http.up);
}

static void http_overdue(struct call *c) {
        if (c->http.waiting)
                call_fail(c, 500,
                          "the function does not serve yet: nothing listens at its "
                          "upstream_url");
        else
                call_fail(c, 504, "the function took longer than exec_timeout");
}

static void http_end(struct call *c) {
        upstream_close(c->http.up);
        c->http.up = NULL;
        c->http.waiting = false;
        buf_done(&c->http.head);
        buf_done(&c->http.input);
}

const struct mode mode_http = { .begin = http_begin,
                                .body = http_body,
                                .body_end = http_body_is_over,
                                .drained = http_drained,
                                .overdue = http_overdue,
                                .end = http_end };
