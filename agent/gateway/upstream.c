#include "gateway/upstream.h"

#include "base/buf.h"
#include "base/scope.h"
#include "gateway/gateway.h"
#include "gateway/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A board that lost its power sends nothing any more; the LAN answers within milliseconds. */
enum { UPSTREAM_DEAD_MS = 8000, UPSTREAM_PROBE_AFTER_S = 5, UPSTREAM_PROBE_EVERY_S = 1 };
/* A kept connection that rested longer is looked at before it is used: its peer may have closed it
 * since the loop last looked. */
enum { UPSTREAM_RESTED_MS = 50 };

enum upstream_state {
        UPSTREAM_CONNECTING,
        UPSTREAM_HEAD,
        UPSTREAM_BODY,
        UPSTREAM_TUNNEL,
        UPSTREAM_DONE, /* the response was whole; waiting to be released */
        UPSTREAM_IDLE, /* kept in the replica's list */
        UPSTREAM_CLOSING,
};

struct upstream {
        struct sock sock;
        struct gateway *g;
        struct replica *replica;
        enum upstream_state state;
        bool no_body, decode, keep_alive;
        bool answered; /* a byte came for this call */
        bool kept;     /* it served another call before */
        const struct upstream_ops *ops;
        void *arg;
        struct list idle;
        uint64_t idle_ms;         /* since when */
        struct deadline deadline; /* to connect, or as idle */
        uv_connect_t connect;
        struct buf in; /* a head that is not yet complete */
        size_t scanned;
        enum http_body body;
        uint64_t left;
        struct http_chunks chunks;
};

static struct upstream *upstream_of(struct sock *s) {
        return container_of(s, struct upstream, sock);
}

static void discard(struct upstream *u) {
        if (u->state == UPSTREAM_IDLE) {
                list_remove(&u->idle);
                u->replica->n_idle--;
        }
        u->state = UPSTREAM_CLOSING;
        u->ops = NULL;
        deadline_clear(&u->deadline);
        sock_close(&u->sock);
}

/* The connection is of no use; the call, if any, learns it. */
static void fail_call(struct upstream *u, int error) {
        const struct upstream_ops *ops = u->ops;
        void *arg = u->arg;

        /* the call still holds 'u' and gives it back from 'failed' */
        if (ops)
                ops->failed(arg, error);
        else
                discard(u);
}

/* ---- what comes from the function ------------------------------------------------------------ */

static void finish(struct upstream *u, bool reusable) {
        u->state = UPSTREAM_DONE;
        u->ops->end(u->arg, reusable);
}

static void start_body(struct upstream *u, const struct http_head *head) {
        if (head->status == 101) {
                u->state = UPSTREAM_TUNNEL;
                return;
        }
        if (head->status < 200) /* the real one follows */
                return;
        u->keep_alive = head->keep_alive;
        u->body = head->body;
        u->left = head->length;
        u->chunks = (struct http_chunks){ 0 };
        u->state = UPSTREAM_BODY;
}

/* Bytes taken, 0 where the head is not complete, negative where it is wrong. */
static long take_head(struct upstream *u, const char *data, size_t len) {
        struct http_head head;
        long used = http_parse_response(data, len, &u->scanned, u->no_body, &head);

        if (used <= 0)
                return used;
        u->scanned = 0;
        start_body(u, &head);
        u->ops->head(u->arg, &head);
        return used;
}

static bool body_is_over(const struct upstream *u) {
        return u->body == HTTP_BODY_NONE || (u->body == HTTP_BODY_LENGTH && u->left == 0);
}

/* The bytes up to the end of the chunked body or of the data; hands them out in one piece, with
 * their framing, unless it is to be taken off. */
static long take_chunks(struct upstream *u, const char *data, size_t len, bool *ret_end) {
        size_t at = 0;
        int r = HTTP_CHUNK_MORE;

        while (at < len && r != HTTP_CHUNK_END && u->ops) {
                struct http_text view;
                size_t used;

                r = http_chunks_step(&u->chunks, data + at, len - at, &used, &view);
                if (r < 0)
                        return r;
                at += used;
                if (r == HTTP_CHUNK_DATA && u->decode)
                        u->ops->body(u->arg, view.at, view.len);
        }
        *ret_end = r == HTTP_CHUNK_END;
        if (!u->decode && u->ops)
                u->ops->body(u->arg, data, at);
        return (long)at;
}

static long take_body(struct upstream *u, const char *data, size_t len) {
        bool end = false;
        long used;

        switch (u->body) {
        case HTTP_BODY_LENGTH:
                used = (long)(len < u->left ? len : (size_t)u->left);
                u->left -= (size_t)used;
                u->ops->body(u->arg, data, (size_t)used);
                end = u->left == 0;
                break;
        case HTTP_BODY_CHUNKED:
                used = take_chunks(u, data, len, &end);
                break;
        case HTTP_BODY_UNTIL_CLOSE:
                used = (long)len;
                u->ops->body(u->arg, data, len);
                break;
        case HTTP_BODY_NONE:
        default:
                used = 0;
                break;
        }
        if (used >= 0 && end && u->ops)
                /* more than it said: not a connection to go on with */
                finish(u, u->keep_alive && (size_t)used == len);
        return used;
}

/* Hands out what 'data' holds.  The bytes taken; less than 'len' where a head is not complete. */
static long consume(struct upstream *u, const char *data, size_t len) {
        size_t at = 0;

        while (at < len && u->ops) {
                long used;

                switch (u->state) {
                case UPSTREAM_HEAD:
                        used = take_head(u, data + at, len - at);
                        if (used == 0)
                                return (long)at;
                        if (used > 0 && u->ops && u->state == UPSTREAM_BODY && body_is_over(u))
                                finish(u, u->keep_alive && at + (size_t)used == len);
                        break;
                case UPSTREAM_BODY:
                        used = take_body(u, data + at, len - at);
                        break;
                case UPSTREAM_TUNNEL:
                        u->ops->body(u->arg, data + at, len - at);
                        return (long)len;
                case UPSTREAM_CONNECTING:
                case UPSTREAM_DONE:
                case UPSTREAM_IDLE:
                case UPSTREAM_CLOSING:
                default:
                        return (long)len;
                }
                if (used < 0)
                        return used;
                at += (size_t)used;
        }
        return (long)len;
}

static void on_data(struct sock *s, const char *data, size_t len) {
        struct upstream *u = upstream_of(s);
        struct buf held = u->in;
        long used;

        if (!u->ops) { /* nobody asked: rubbish on a kept connection */
                discard(u);
                return;
        }
        u->answered = true;
        u->in = (struct buf){ 0 };
        if (held.len > 0) {
                if (buf_add(&held, data, len) < 0) {
                        buf_done(&held);
                        fail_call(u, -ENOMEM);
                        return;
                }
                data = held.data;
                len = held.len;
        }
        used = consume(u, data, len);
        if (u->ops && used >= 0 && (size_t)used < len &&
            buf_add(&u->in, data + used, len - (size_t)used) < 0)
                used = -ENOMEM;
        buf_done(&held);
        if (u->ops && used < 0)
                fail_call(u, (int)used);
        else if (u->ops && u->state != UPSTREAM_DONE)
                u->ops->flush(u->arg);
}

/* A peer that closes has acknowledged what it was given until then, and answers what came later
 * with a reset, which may still be on its way. */
static bool closed_unheard(const struct upstream *u) {
        int fd = sock_fd(&u->sock), unheard = 0, error = 0;
        socklen_t len = sizeof(error);

        return fd >= 0 && ((ioctl(fd, SIOCOUTQ, &unheard) == 0 && unheard > 0) ||
                           (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error));
}

static void on_end(struct sock *s, int error) {
        struct upstream *u = upstream_of(s);

        if (error == 0 && u->ops && !u->answered && closed_unheard(u))
                error = -ECONNRESET;
        if (u->ops && u->state == UPSTREAM_BODY && u->body == HTTP_BODY_UNTIL_CLOSE && error == 0)
                finish(u, false);
        else
                fail_call(u, error);
}

static void on_drained(struct sock *s) {
        struct upstream *u = upstream_of(s);

        if (u->ops)
                u->ops->drained(u->arg);
}

static void on_closed(struct sock *s) {
        struct upstream *u = upstream_of(s);

        buf_done(&u->in);
        replica_unref(u->replica);
        free(u);
}

static const struct sock_ops sock_ops = {
        .data = on_data,
        .end = on_end,
        .drained = on_drained,
        .closed = on_closed,
};

/* ---- connecting and keeping ------------------------------------------------------------------ */

static void on_expired(struct deadline *d) {
        struct upstream *u = container_of(d, struct upstream, deadline);

        fail_call(u, -ETIMEDOUT);
}

/* The kernel gives a dead board up long before a person does. */
static void watch_peer(struct upstream *u) {
        int fd = sock_fd(&u->sock), every = UPSTREAM_PROBE_EVERY_S, dead = UPSTREAM_DEAD_MS;

        (void)uv_tcp_nodelay(&u->sock.tcp, 1);
        (void)uv_tcp_keepalive(&u->sock.tcp, 1, UPSTREAM_PROBE_AFTER_S);
        if (fd < 0)
                return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof(dead));
}

static void on_connected(uv_connect_t *connect, int status) {
        struct upstream *u = container_of(connect, struct upstream, connect);

        if (u->state != UPSTREAM_CONNECTING) /* given up meanwhile */
                return;
        deadline_clear(&u->deadline);
        if (status == 0)
                status = sock_resume(&u->sock);
        if (status < 0) {
                fail_call(u, status);
                return;
        }
        watch_peer(u);
        u->state = UPSTREAM_HEAD;
        u->ops->ready(u->arg);
}

static bool still_open(const struct upstream *u) {
        char byte;
        int fd = sock_fd(&u->sock);

        return fd >= 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The connection that was used last: the others may then rest until they are closed. */
static struct upstream *take_idle(struct gateway *g, struct replica *r) {
        while (!list_empty(&r->idle)) {
                struct upstream *u = container_of(r->idle.prev, struct upstream, idle);

                if (uv_now(g->loop) - u->idle_ms > UPSTREAM_RESTED_MS && !still_open(u)) {
                        discard(u);
                        continue;
                }
                list_remove(&u->idle);
                r->n_idle--;
                deadline_clear(&u->deadline);
                return u;
        }
        return NULL;
}

static int start_connect(struct gateway *g, struct replica *r, struct upstream **ret) {
        struct upstream *u = calloc(1, sizeof(*u));
        int e;

        if (!u)
                return -ENOMEM;
        e = sock_init(&u->sock, g->loop, &g->reader, &sock_ops);
        if (e < 0) {
                free(u);
                return e;
        }
        u->g = g;
        u->replica = replica_ref(r);
        u->state = UPSTREAM_CONNECTING;
        list_init(&u->idle);
        deadline_init(&u->deadline, on_expired);
        e = uv_tcp_connect(&u->connect, &u->sock.tcp, &r->address.any, on_connected);
        if (e < 0) {
                discard(u);
                return e;
        }
        deadline_set(&g->deadlines, &u->deadline, DEADLINE_CONNECT);
        *ret = u;
        return 0;
}

int upstream_open(struct gateway *g, struct replica *r, const struct upstream_ops *ops, void *arg,
                  struct upstream **ret) {
        struct upstream *u = take_idle(g, r);
        int e;

        if (!u) {
                e = start_connect(g, r, &u);
                if (e < 0)
                        return e;
        } else {
                u->state = UPSTREAM_HEAD;
                u->kept = true;
        }
        u->ops = ops;
        u->arg = arg;
        u->no_body = u->decode = u->answered = false;
        *ret = u;
        return u->state == UPSTREAM_HEAD;
}

void upstream_release(struct upstream *u, bool reusable) {
        struct replica *r = u->replica;

        u->ops = NULL;
        if (!reusable || u->state != UPSTREAM_DONE || !r->ready || r->n_idle >= GATEWAY_POOL ||
            sock_queued(&u->sock) || u->sock.ended) {
                discard(u);
                return;
        }
        (void)sock_resume(&u->sock);
        u->state = UPSTREAM_IDLE;
        u->idle_ms = uv_now(u->g->loop);
        list_append(&r->idle, &u->idle);
        r->n_idle++;
        deadline_set(&u->g->deadlines, &u->deadline, DEADLINE_POOL_IDLE);
}

void upstream_drop_idle(struct replica *r) {
        while (!list_empty(&r->idle))
                discard(container_of(r->idle.next, struct upstream, idle));
}

int upstream_write(struct upstream *u, const uv_buf_t *bufs, unsigned n) {
        return sock_write(&u->sock, bufs, n);
}

void upstream_expect_no_body(struct upstream *u) {
        u->no_body = true;
}

void upstream_decode(struct upstream *u) {
        u->decode = true;
}

bool upstream_was_kept(const struct upstream *u) {
        return u->kept;
}

bool upstream_answered(const struct upstream *u) {
        return u->answered;
}

void upstream_pause(struct upstream *u) {
        sock_pause(&u->sock);
}

void upstream_resume(struct upstream *u) {
        if (u->state != UPSTREAM_CONNECTING)
                (void)sock_resume(&u->sock);
}

void upstream_shutdown(struct upstream *u) {
        sock_shutdown(&u->sock);
}
