#include "watchdog/connection_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define IDLE_USEC   (2 * USEC_PER_MIN) /* far more than a gateway keeps an unused connection */
#define LINGER_USEC (1 * USEC_PER_SEC) /* for a client to see the answer before the end */
#define SKIP_BYTES  (1024 * 1024)      /* so much of an unwanted body is read to keep alive */

enum { FILE_PIECE = 1024 * 1024, SPLICE_BYTES = 32 * 1024 };

usec_t deadline_after(usec_t limit) {
        return limit ? usec_add(loop_now(), limit) : USEC_NEVER;
}

/* ---- end ---------------------------------------------------------------------------------- */

void connection_end(struct connection *c) {
        struct watchdog *d = c->dog;

        if (c->state == STATE_ENDED)
                return;
        call_cancel(&c->call);
        c->state = STATE_ENDED;
        watch_close(&d->loop, &c->client);
        buf_done(&c->kept);
        output_done(&c->answer);
        outbox_done(&c->out);
        c->data = (struct http_text){ 0 };
        list_remove(&c->link);
        list_append(&d->ended, &c->link);
        d->n_connections--;
        connections_listen(d);
}

/* ---- answers ------------------------------------------------------------------------------ */

static void count(struct connection *c, unsigned status, usec_t took) {
        if (c->counted)
                metrics_count(&c->dog->metrics, status, c->method, took);
        c->counted = false;
}

static void answer(struct connection *c, unsigned status, const char *type, struct output *body,
                   bool own) {
        usec_t took = loop_now() - c->started;
        struct answer a = { status, type, output_len(body), took, own, false, c->old_client };

        /* An unread body is read to its end where that is near; who waits for 100 may send none. */
        c->keep_alive = c->keep_alive && !c->dog->draining && !c->continue_owed &&
                        http_body_ends_within(&c->body, SKIP_BYTES);
        a.keep_alive = c->keep_alive;
        c->head_len = answer_head(&a, c->head);
        c->answer = *body;
        *body = (struct output){ 0 };
        if (c->without_body)
                output_done(&c->answer);
        c->written = 0;
        c->state = STATE_WRITING;
        c->deadline = deadline_after(c->dog->options.write_timeout_usec);
        count(c, status, took);
}

void connection_answer(struct connection *c, unsigned status, const char *type,
                       struct output *body) {
        answer(c, status, type, body, false);
}

void connection_answer_text(struct connection *c, unsigned status, const char *text) {
        struct output body = { 0 };

        if (buf_printf(&body.text, "%s\n", text) < 0) /* then the status alone has to say it */
                output_done(&body);
        answer(c, status, "text/plain; charset=utf-8", &body, true);
}

static void answer_health(struct connection *c) {
        struct output body = { 0 };

        if (c->dog->ending) {
                connection_answer_text(c, 503, "this function is ending");
                return;
        }
        if (c->dog->options.mode == MODE_HTTP && !c->dog->child.serves) {
                connection_answer_text(c, 503, "this function does not serve yet");
                return;
        }
        (void)buf_add_text(&body.text, "OK\n");
        answer(c, 200, "text/plain; charset=utf-8", &body, false);
}

static void answer_metrics(struct connection *c) {
        struct output body = { 0 };

        if (metrics_print(&c->dog->metrics, c->dog->inflight, &body.text) < 0)
                output_done(&body);
        answer(c, 200, "text/plain; version=0.0.4", &body, false);
}

/* ---- answers in pieces -------------------------------------------------------------------- */

void connection_stream_lines(struct connection *c, bool length_known,
                             char ret[static CONNECTION_LINES]) {
        usec_t took = loop_now() - c->started;

        c->chunked = !length_known && !c->old_client;
        c->keep_alive = c->keep_alive && !c->dog->draining && !c->continue_owed &&
                        (length_known || c->chunked);
        (void)snprintf(ret, CONNECTION_LINES, "%sX-Duration-Seconds: %llu.%06llu\r\n%s",
                       c->chunked ? "Transfer-Encoding: chunked\r\n" : "",
                       (unsigned long long)(took / USEC_PER_SEC),
                       (unsigned long long)(took % USEC_PER_SEC),
                       !c->keep_alive  ? "Connection: close\r\n"
                       : c->old_client ? "Connection: keep-alive\r\n"
                                       : "");
}

void connection_stream_begin(struct connection *c, unsigned status, struct buf *head) {
        c->out = (struct outbox){ .kept = *head };
        *head = (struct buf){ 0 };
        c->status = status;
        c->tunnel = false;
        c->state = STATE_STREAMING;
        c->call.streaming = true;
        c->deadline = deadline_after(c->dog->options.write_timeout_usec);
}

/* What outbox_*() said: true where all is gone. */
static bool settle_sent(struct connection *c, int r, bool progress) {
        if (r < 0) {
                connection_end(c);
                return false;
        }
        if (progress)
                c->deadline = deadline_after(c->dog->options.write_timeout_usec);
        return outbox_empty(&c->out);
}

bool connection_stream(struct connection *c, const char *data, size_t len) {
        size_t waited = c->out.sent;
        bool begins = outbox_empty(&c->out);
        int r;

        if (c->without_body)
                return true;
        r = outbox_send(&c->out, c->client.fd, data, len, c->chunked);
        return settle_sent(c, r, begins || c->out.sent != waited);
}

static bool flush(struct connection *c) {
        size_t waited = c->out.sent;
        int r;

        if (outbox_empty(&c->out))
                return true;
        r = outbox_flush(&c->out, c->client.fd);
        return settle_sent(c, r, c->out.sent != waited);
}

ssize_t connection_stream_file(struct connection *c, int file, off_t *at, uint64_t len) {
        size_t most = len < FILE_PIECE ? (size_t)len : FILE_PIECE;
        ssize_t n;

        if (!flush(c))
                return c->state == STATE_ENDED ? -1 : 0;
        n = sendfile(c->client.fd, file, at, most);
        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n > 0)
                c->deadline = deadline_after(c->dog->options.write_timeout_usec);
        if (n < 0)
                connection_end(c);
        return n > 0 ? n : -1;
}

void connection_stream_end(struct connection *c, bool whole) {
        static const char last[] = "0\r\n\r\n";
        struct linger reset = { .l_onoff = 1, .l_linger = 0 };

        if (c->state == STATE_ENDED)
                return;
        count(c, c->status, loop_now() - c->started);
        if (whole) {
                if (c->chunked && !c->without_body)
                        (void)settle_sent(
                                c,
                                outbox_send(&c->out, c->client.fd, last, sizeof(last) - 1, false),
                                true);
                return;
        }
        /* not what an end looks like, even where the end is all that says that it is one */
        (void)setsockopt(c->client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        connection_end(c);
}

void connection_tunnel(struct connection *c) {
        c->body = (struct http_body_reader){ .kind = HTTP_BODY_UNTIL_CLOSE };
        c->read_deadline = USEC_NEVER;
        c->keep_alive = c->chunked = false;
        c->tunnel = true;
}

/* ---- requests ----------------------------------------------------------------------------- */

void connection_refuse(struct connection *c, unsigned status, const char *text) {
        c->body = (struct http_body_reader){ .kind = HTTP_BODY_UNTIL_CLOSE };
        c->keep_alive = c->last = false;
        connection_answer_text(c, status, text);
}

static void refuse_head(struct connection *c, long error) {
        if (error == -E2BIG)
                connection_refuse(c, 431, "the request's head is above 32 KB or 64 headers");
        else if (error == -EPROTONOSUPPORT)
                connection_refuse(c, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        else if (error == -EOPNOTSUPP)
                connection_refuse(c, 501, "the only transfer coding known here is chunked");
        else
                connection_refuse(c, 400, "this is no HTTP request");
}

static void begin_call(struct connection *c, const struct http_head *head) {
        struct watchdog *d = c->dog;

        c->counted = true;
        if (d->draining) {
                connection_answer_text(c, 503, "this function is ending");
        } else if (d->options.max_inflight && d->inflight >= d->options.max_inflight) {
                connection_answer_text(c, 429, "this function runs max_inflight calls already");
        } else {
                c->state = STATE_RUNNING;
                call_begin(&c->call, d, c, head);
        }
}

/* Where the function has something to say about it, it is asked like for any other answer. */
static bool is_own_ready(const struct connection *c, const struct http_head *head) {
        const struct watchdog *d = c->dog;

        return http_text_is(&head->path, "/_/ready") &&
               (d->options.mode != MODE_HTTP || !d->options.ready_path || !d->child.serves ||
                d->ending);
}

static void begin(struct connection *c, const struct http_head *head) {
        c->keep_alive = head->keep_alive;
        c->last = !head->keep_alive;
        c->old_client = head->minor == 0;
        c->without_body = http_text_is(&head->method, "HEAD");
        c->method = metrics_method(&head->method);
        c->blocked = 0;
        http_body_begin(&c->body, head);
        c->continue_owed = head->expect_continue && !c->body.done;
        if (head->path.len == 0)
                connection_refuse(c, 400, "the request's target has to begin with '/'");
        else if (c->metrics && http_text_is(&head->path, "/metrics"))
                answer_metrics(c);
        else if (c->metrics)
                connection_answer_text(c, 404, "here is only /metrics");
        else if (http_text_is(&head->path, "/_/health") || is_own_ready(c, head))
                answer_health(c);
        else
                begin_call(c, head);
}

/* Who waits for "100 Continue" gets it once the call runs.  False: the connection ended. */
static bool send_continue(struct connection *c) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        const ssize_t len = sizeof(text) - 1;

        if (!c->continue_owed || c->state != STATE_RUNNING)
                return true;
        c->continue_owed = false;
        if (c->data.len > 0 || send(c->client.fd, text, (size_t)len, MSG_NOSIGNAL) == len)
                return true;
        connection_end(c); /* it does not even take 25 bytes */
        return false;
}

/* True: a request has begun. */
static bool read_request(struct connection *c) {
        struct http_head head;
        long used;

        if (c->data.len == 0)
                return false;
        if (c->scanned == 0) {
                c->started = loop_now();
                c->read_deadline = c->deadline = deadline_after(c->dog->options.read_timeout_usec);
                c->without_body = c->continue_owed = false; /* of the request before */
        }
        used = http_parse_request(c->data.at, c->data.len, &c->scanned, &head);
        if (used == 0)
                return false;
        c->scanned = 0;
        if (used < 0) {
                refuse_head(c, used);
                return true;
        }
        begin(c, &head);
        c->data.at += used; /* 'head' is a view of it until here */
        c->data.len -= (size_t)used;
        return send_continue(c);
}

/* ---- bodies ------------------------------------------------------------------------------- */

/* Waiting for the function is not the client's fault. */
static void set_blocked(struct connection *c, bool blocked) {
        usec_t now = loop_now();

        if (blocked && !c->blocked)
                c->blocked = now;
        if (blocked || !c->blocked)
                return;
        c->read_deadline = usec_add(c->read_deadline, now - c->blocked);
        c->blocked = 0;
}

/* Does the call still take the request's body? */
static bool takes_body(const struct connection *c) {
        return c->call.active && (c->state == STATE_RUNNING || c->state == STATE_STREAMING);
}

/* Gives the call 'n' bytes, or drops them where no call wants them.  False: no more for now. */
static bool pass_bytes(struct connection *c, size_t n) {
        bool wanted_by_call = takes_body(c);
        size_t taken = wanted_by_call ? call_body(&c->call, c->data.at, n) : n;

        if (c->state == STATE_ENDED)
                return false;
        if (wanted_by_call && !c->call.active) /* it is over: what is left of the body is dropped */
                taken = n;
        http_body_take(&c->body, &c->data, taken);
        set_blocked(c, taken < n);
        return taken == n;
}

static void refuse_chunks(struct connection *c) {
        bool running = c->state == STATE_RUNNING;

        call_cancel(&c->call);
        if (running)
                connection_refuse(c, 400, "the request's chunks are not well-formed");
        else
                connection_end(c);
}

/* Goes through what came of the body.  True: the state has changed. */
static bool pass_body(struct connection *c) {
        enum state was = c->state;

        if (c->data.len == 0)
                set_blocked(c, false); /* what splice_body() waited for is there, or will say */
        while (!c->body.done && c->state == was) {
                long n = http_body_next(&c->body, &c->data);

                if (n < 0)
                        refuse_chunks(c);
                else if (n == 0 && !c->body.done)
                        return false;
                else if (!pass_bytes(c, (size_t)n))
                        break;
        }
        if (c->state == was && c->body.done && takes_body(c))
                call_body_end(&c->call);
        return c->state != was;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void next_request(struct connection *c) {
        c->state = STATE_READING;
        c->deadline = deadline_after(IDLE_USEC);
        list_remove(&c->link);
        list_append(&c->dog->connections, &c->link);
}

/* Closed with something of the client's unread, the answer would be lost: where more may come, only
 * our half is closed, and the rest is read until the client has seen that. */
static void written(struct connection *c) {
        output_done(&c->answer);
        if (c->body.done && c->keep_alive) {
                next_request(c);
        } else if (c->body.done && c->last) {
                connection_end(c);
        } else if (c->keep_alive) {
                c->state = STATE_LINGERING;
                c->deadline = c->read_deadline;
        } else {
                c->state = STATE_LINGERING;
                c->deadline = deadline_after(LINGER_USEC);
                c->body = (struct http_body_reader){ .kind = HTTP_BODY_UNTIL_CLOSE };
                (void)shutdown(c->client.fd, SHUT_WR);
        }
}

/* Sends the head and what is behind it in memory; as output_send_rest(). */
static int write_text(struct connection *c) {
        struct buf *text = &c->answer.text;
        size_t whole = c->head_len + text->len;

        while (c->written < whole) {
                size_t in_head = c->written < c->head_len ? c->written : c->head_len;
                size_t in_body = c->written - in_head;
                struct iovec parts[] = {
                        { c->head + in_head, c->head_len - in_head },
                        { text->data + in_body, text->len - in_body },
                };
                struct msghdr message = { .msg_iov = parts, .msg_iovlen = text->len ? 2 : 1 };
                ssize_t n = sendmsg(c->client.fd, &message,
                                    MSG_NOSIGNAL | (c->answer.more ? MSG_MORE : 0));

                if (n < 0)
                        return -errno;
                c->written += (size_t)n;
        }
        return 0;
}

/* True: the state has changed. */
static bool write_answer(struct connection *c) {
        int r = write_text(c);

        if (r == 0 && c->answer.more)
                r = output_send_rest(&c->answer, c->client.fd);
        if (r == -EAGAIN)
                return false;
        if (r < 0)
                connection_end(c);
        else
                written(c);
        return true;
}

/* True: the state has changed. */
static bool stream(struct connection *c) {
        if (pass_body(c) || !flush(c))
                return c->state == STATE_ENDED;
        if (c->call.active)
                call_drained(&c->call);
        if (c->state == STATE_ENDED || c->call.active || !outbox_empty(&c->out))
                return c->state == STATE_ENDED;
        outbox_done(&c->out);
        c->keep_alive = c->keep_alive && http_body_ends_within(&c->body, SKIP_BYTES);
        written(c);
        return true;
}

static bool linger(struct connection *c) {
        (void)pass_body(c);
        if (c->state != STATE_LINGERING || !c->body.done)
                return false;
        next_request(c);
        return true;
}

/* ---- events ------------------------------------------------------------------------------- */

static bool step(struct connection *c) {
        switch (c->state) {
        case STATE_READING:
                return read_request(c);
        case STATE_RUNNING:
                return pass_body(c);
        case STATE_STREAMING:
                return stream(c);
        case STATE_WRITING:
                (void)pass_body(c);
                return c->state == STATE_ENDED || write_answer(c);
        case STATE_LINGERING:
                return linger(c);
        case STATE_ENDED:
                break;
        }
        return false;
}

static uint32_t wanted(const struct connection *c) {
        bool body = !c->body.done && !c->blocked;

        switch (c->state) {
        case STATE_READING:
        case STATE_LINGERING:
                return EPOLLIN;
        case STATE_RUNNING:
                return body ? EPOLLIN : EPOLLERR; /* not nothing: a reset is to be seen */
        case STATE_STREAMING:
                return (body ? EPOLLIN : EPOLLERR) |
                       (outbox_empty(&c->out) && !c->call.paused ? 0 : EPOLLOUT);
        case STATE_WRITING:
                return EPOLLOUT | (body ? EPOLLIN : 0);
        case STATE_ENDED:
                break;
        }
        return 0;
}

static usec_t sooner(usec_t a, usec_t b) {
        return a < b ? a : b;
}

usec_t connection_deadline(const struct connection *c) {
        bool waiting = !c->body.done && !c->blocked;
        usec_t at = waiting ? c->read_deadline : USEC_NEVER;

        if (c->state != STATE_RUNNING && c->state != STATE_STREAMING)
                return c->deadline;
        if (c->state == STATE_STREAMING && (c->call.paused || !outbox_empty(&c->out)))
                at = sooner(at, c->deadline);
        return c->call.active ? sooner(at, c->call.deadline) : at;
}

/* Keeps what was not used; the shared buffer is another's in a moment. */
static void keep(struct connection *c) {
        if (c->data.len == 0) {
                buf_done(&c->kept);
                c->data.at = NULL;
        } else if (c->kept.len == 0) {
                if (buf_add(&c->kept, c->data.at, c->data.len) < 0)
                        connection_end(c);
                else
                        c->data.at = c->kept.data;
        }
}

/* Does all that can be done now: each step that changes the state is followed by another. */
void connection_resume(struct connection *c) {
        while (step(c))
                ;
        if (c->state == STATE_ENDED)
                return;
        keep(c);
        watch_set(&c->dog->loop, &c->client, wanted(c));
        loop_alarm(&c->dog->loop, connection_deadline(c));
}

/* The client will send no more. */
static void at_end_of_input(struct connection *c) {
        bool streams = c->state == STATE_STREAMING && (c->tunnel || !c->call.active);

        if ((c->state != STATE_WRITING && !streams) || c->body.done) {
                connection_end(c); /* nobody waits for an answer to half a request */
                return;
        }
        c->body.done = true;
        c->keep_alive = false;
        connection_resume(c);
}

/* A large body goes straight from the socket to the function.  False: what came has to be read. */
static bool splice_body(struct connection *c) {
        ssize_t n;

        if (!takes_body(c) || c->data.len > 0 || c->body.kind != HTTP_BODY_LENGTH ||
            c->body.left < SPLICE_BYTES)
                return false;
        n = call_splice(&c->call, c->client.fd, c->body.left);
        if (n == -EOPNOTSUPP)
                return false;
        if (n == 0) {
                at_end_of_input(c);
                return true;
        }
        if (n > 0)
                http_body_skip(&c->body, (uint64_t)n);
        if (n == -ENOBUFS) {
                set_blocked(c, true);
                watch_set(&c->dog->loop, &c->client, wanted(c));
        } else {
                connection_resume(c);
        }
        return true;
}

void connection_receive(struct connection *c) {
        struct watchdog *d = c->dog;
        char *to = d->scratch;
        ssize_t n;

        if (splice_body(c))
                return;
        if (c->data.len > 0) { /* half a head: what comes goes behind it */
                buf_consume(&c->kept, (size_t)(c->data.at - c->kept.data));
                if (buf_reserve(&c->kept, HTTP_HEAD_BYTES) < 0) {
                        connection_end(c);
                        return;
                }
                to = c->kept.data + c->kept.len;
        }
        n = recv(c->client.fd, to, c->data.len > 0 ? HTTP_HEAD_BYTES : sizeof(d->scratch), 0);
        if (n < 0 && errno == EAGAIN) {
                if (c->data.len > 0)
                        c->data.at = c->kept.data;
                return;
        }
        if (n <= 0) {
                if (n == 0)
                        at_end_of_input(c);
                else
                        connection_end(c);
                return;
        }
        if (c->data.len > 0) {
                c->kept.len += (size_t)n;
                c->data = (struct http_text){ c->kept.data, c->kept.len };
        } else {
                c->data = (struct http_text){ to, (size_t)n };
        }
        connection_resume(c);
}

static void on_client(struct watch *w, uint32_t events) {
        struct connection *c = container_of(w, struct connection, client);

        if (events & EPOLLERR || (events & EPOLLHUP && !(events & EPOLLIN))) {
                connection_end(c);
                return;
        }
        if (events & EPOLLIN && w->events & EPOLLIN)
                connection_receive(c);
        else
                connection_resume(c);
}

void connection_add(struct watchdog *d, int fd, bool metrics) {
        struct connection *c = calloc(1, sizeof(*c));
        int one = 1;

        if (!c) {
                (void)close(fd);
                return;
        }
        /* an answer goes out in one piece: nothing to collect */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        c->dog = d;
        c->metrics = metrics;
        c->client = (struct watch){ .fd = fd, .ready = on_client };
        c->state = STATE_READING;
        c->body.done = true;
        c->deadline = deadline_after(d->options.read_timeout_usec);
        list_append(&d->connections, &c->link);
        d->n_connections++;
        watch_set(&d->loop, &c->client, EPOLLIN);
        loop_alarm(&d->loop, c->deadline);
        connection_receive(c); /* mostly the request is there already */
}
