#include "io/kube_api_internal.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/http_body.h"
#include "core/kubeconfig.h"
#include "io/tls.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
        READ_BYTES = 16 * 1024, /* a TLS record: nothing of it stays inside OpenSSL */
        TURN_READS = 16,        /* then the rest of the loop has its turn */
        PATH_BYTES = 2048,
        WORD_BYTES = 100, /* method, type */
};

struct kube_api {
        uv_loop_t *loop;
        SSL_CTX *ctx;
        struct sockaddr_in address;
        char peer[SIZE_PEER];
        char name[SIZE_KUBE_HOST];
        struct list requests;
        unsigned n_requests;
        bool freeing;
};

enum request_state {
        REQUEST_CONNECTING,
        REQUEST_HANDSHAKE,
        REQUEST_OPEN, /* sends, and reads already */
        REQUEST_DEAD, /* 'done' was called, handles close */
};

struct kube_api_request {
        struct kube_api *api; /* not once it is dead */
        struct list item;
        uv_poll_t poll;
        uv_timer_t timer;
        unsigned handles; /* not yet closed */
        int fd;
        SSL *ssl;
        enum request_state state;
        int refused; /* what connect() said at once: told by the timer */
        bool want_write;
        bool head_only; /* HEAD */
        bool answered;  /* the head is read */
        struct buf out;
        size_t sent;
        struct buf in; /* read, not yet parsed */
        size_t scanned;
        unsigned status;
        struct http_body_reader reader;
        struct buf body;
        size_t streamed;
        kube_api_chunk_cb chunk;
        kube_api_cb done;
        void *arg;
};

static void on_poll(uv_poll_t *handle, int status, int events);

/* ---- the server ---------------------------------------------------------------------------- */

int kube_api_new(uv_loop_t *loop, const struct kube_api_server *server, struct kube_api **ret,
                 struct fail *f) {
        struct kube_api *a;
        int r = 0;

        assert(!server->cert == !server->key);
        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->loop = loop;
        list_init(&a->requests);
        if (uv_ip4_addr(server->address, server->port, &a->address) < 0 || server->port == 0)
                r = fail(f, -EINVAL, "'%.48s' port %u is no address of a server", server->address,
                         server->port);
        else if (!*server->name || str_copy(a->name, sizeof(a->name), server->name) < 0)
                r = fail(f, -EINVAL, "'%.100s' is no name of a server", server->name);
        else
                r = kube_api_context(server, &a->ctx, f);
        if (r < 0) {
                free(a);
                return r;
        }
        (void)snprintf(a->peer, sizeof(a->peer), "%.15s:%u", server->address, server->port);
        *ret = a;
        return 0;
}

/* ---- the end of a request ------------------------------------------------------------------ */

/* Bodies may hold a token or a Secret. */
static void wipe(struct buf *b) {
        if (b->data)
                explicit_bzero(b->data, b->capacity);
        buf_done(b);
}

static void on_handle_closed(uv_handle_t *handle) {
        struct kube_api_request *q = handle->data;

        if (--q->handles > 0)
                return;
        wipe(&q->out);
        wipe(&q->in);
        wipe(&q->body);
        free(q);
}

static void close_handle(struct kube_api_request *q, uv_handle_t *handle) {
        handle->data = q;
        uv_close(handle, on_handle_closed);
}

static void request_end(struct kube_api_request *q, int result, const char *why) {
        const bool good = result == 0;

        if (q->state == REQUEST_DEAD)
                return;
        q->state = REQUEST_DEAD;
        list_remove(&q->item);
        q->api->n_requests--;
        q->api = NULL;
        if (good)
                (void)tls_close(q->ssl);
        SSL_free(take_ptr(q->ssl));
        close_handle(q, (uv_handle_t *)&q->poll);
        close_handle(q, (uv_handle_t *)&q->timer);
        (void)close(q->fd); /* libuv lets go of it in uv_close() */
        q->fd = -EBADF;
        q->done(q->arg, result, why, good ? q->status : 0, good ? str_or(q->body.data, "") : "",
                good ? q->body.len : 0);
}

static void request_fail(struct kube_api_request *q, int error, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void request_fail(struct kube_api_request *q, int error, const char *format, ...) {
        char why[sizeof(((struct fail *)0)->text)];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        request_end(q, error, why);
}

static void request_unreachable(struct kube_api_request *q, int error) {
        if (error == -ECONNREFUSED)
                request_fail(q, error, "nothing listens on %s", q->api->peer);
        else
                request_fail(q, error, "cannot reach %s: %s", q->api->peer, strerror(-error));
}

/* 'f' holds io/tls's sentence, if any. */
static void request_cut(struct kube_api_request *q, int error, const struct fail *f) {
        struct fail why = { 0 };

        if (error == -EPIPE)
                error = -ECONNRESET;
        if (error == -ECONNRESET && q->answered)
                error = fail(&why, error, "%s: the connection ended inside the answer",
                             q->api->peer);
        else
                error = kube_api_explain(q->ssl, error, q->api->peer, q->api->name, f, &why);
        request_end(q, error, fail_text(&why));
}

void kube_api_cancel(struct kube_api_request *q) {
        request_end(q, -ECANCELED, "cancelled");
}

void kube_api_free(struct kube_api *a) {
        if (!a || a->freeing)
                return;
        a->freeing = true;
        while (!list_empty(&a->requests))
                kube_api_cancel(container_of(a->requests.next, struct kube_api_request, item));
        SSL_CTX_free(a->ctx);
        free(a);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* False: the request is over. */
static bool read_head(struct kube_api_request *q) {
        struct http_head head;
        long n;

        do {
                n = http_parse_response(str_or(q->in.data, ""), q->in.len, &q->scanned,
                                        q->head_only, &head);
                if (n <= 0)
                        break;
                buf_consume(&q->in, (size_t)n);
                q->scanned = 0;
        } while (head.status < 200);
        if (n < 0) {
                request_fail(q, -EPROTO, "what answers on %s speaks no HTTP", q->api->peer);
                return false;
        }
        if (n == 0)
                return true;
        q->answered = true;
        q->status = head.status;
        http_body_begin(&q->reader, &head);
        return true;
}

static int deliver(struct kube_api_request *q, const char *data, size_t len) {
        if (!q->chunk)
                return buf_add(&q->body, data, len);
        if (len > KUBE_API_STREAM_BYTES - q->streamed)
                return -EMSGSIZE;
        q->streamed += len;
        q->chunk(q->arg, q->status, data, len);
        return 0;
}

static void too_large(struct kube_api_request *q) {
        request_fail(q, -EMSGSIZE, "%s: its answer is larger than %d MB", q->api->peer,
                     (q->chunk ? KUBE_API_STREAM_BYTES : KUBE_API_BODY_BYTES) / (1024 * 1024));
}

static void read_body(struct kube_api_request *q) {
        struct http_text data = { str_or(q->in.data, ""), q->in.len };
        long n;

        while ((n = http_body_next(&q->reader, &data)) > 0) {
                int r = deliver(q, data.at, (size_t)n);

                if (q->state == REQUEST_DEAD)
                        return; /* ended by who took the piece */
                if (r == -EMSGSIZE)
                        too_large(q);
                else if (r < 0)
                        request_end(q, r, "out of memory");
                if (r < 0)
                        return;
                http_body_take(&q->reader, &data, (size_t)n);
        }
        buf_consume(&q->in, q->in.len - data.len);
        if (n < 0)
                request_fail(q, -EPROTO, "%s: its answer is not well-formed", q->api->peer);
        else if (q->reader.done)
                request_end(q, 0, "");
}

static void read_end(struct kube_api_request *q) {
        if (q->answered && q->reader.kind == HTTP_BODY_UNTIL_CLOSE)
                request_end(q, 0, "");
        else
                request_fail(q, -ECONNRESET, "%s: the connection ended %s the answer", q->api->peer,
                             q->answered ? "inside" : "before");
}

static void request_read(struct kube_api_request *q) {
        for (unsigned turns = 0; q->state == REQUEST_OPEN && turns < TURN_READS; turns++) {
                struct fail f = { 0 };
                ssize_t n;

                if (buf_reserve(&q->in, READ_BYTES) < 0) {
                        request_end(q, -ENOMEM, "out of memory");
                        return;
                }
                n = tls_read(q->ssl, q->in.data + q->in.len, READ_BYTES, &f);
                if (n == -EAGAIN)
                        return;
                if (n <= 0) {
                        if (n == 0)
                                read_end(q);
                        else
                                request_cut(q, (int)n, &f);
                        return;
                }
                q->in.len += (size_t)n;
                if (!q->answered && !read_head(q))
                        return;
                if (q->answered)
                        read_body(q);
        }
}

/* ---- sending ------------------------------------------------------------------------------- */

static void request_send(struct kube_api_request *q) {
        struct fail f = { 0 };
        ssize_t n = 0;

        q->want_write = false;
        while (q->sent < q->out.len) {
                n = tls_write(q->ssl, q->out.data + q->sent, q->out.len - q->sent, &f);
                if (n < 0)
                        break;
                q->sent += (size_t)n;
        }
        if (n == -EAGAIN) {
                q->want_write = tls_wants_write(q->ssl);
        } else if (n < 0) {
                request_read(q); /* what it said before it went tells more */
                if (q->state == REQUEST_OPEN)
                        request_cut(q, (int)n, &f);
        }
}

static void request_handshake(struct kube_api_request *q) {
        struct fail f = { 0 };
        int r = tls_handshake(q->ssl, &f);

        q->want_write = r == -EAGAIN && tls_wants_write(q->ssl);
        if (r == -EAGAIN)
                return;
        if (r < 0) {
                request_cut(q, r, &f);
                return;
        }
        q->state = REQUEST_OPEN;
        request_send(q);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void request_update(struct kube_api_request *q) {
        int events = UV_READABLE;

        if (q->state == REQUEST_DEAD)
                return;
        if (q->state == REQUEST_CONNECTING)
                events = UV_WRITABLE;
        else if (q->want_write)
                events |= UV_WRITABLE;
        (void)uv_poll_start(&q->poll, events, on_poll);
}

static int connect_result(const struct kube_api_request *q) {
        socklen_t len = sizeof(int);
        int error = 0;

        if (getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                return -errno;
        return -error;
}

static void on_poll(uv_poll_t *handle, int status, int events) {
        struct kube_api_request *q = container_of(handle, struct kube_api_request, poll);
        int r;

        switch (q->state) {
        case REQUEST_CONNECTING:
                r = connect_result(q);
                if (r < 0) {
                        request_unreachable(q, r);
                } else {
                        q->state = REQUEST_HANDSHAKE;
                        request_handshake(q);
                }
                break;
        case REQUEST_HANDSHAKE:
                request_handshake(q);
                break;
        case REQUEST_OPEN:
                /* a negative status (the socket has an error): reading gets it */
                if (status < 0 || (events & UV_READABLE))
                        request_read(q);
                if (q->state == REQUEST_OPEN && (events & UV_WRITABLE))
                        request_send(q);
                break;
        case REQUEST_DEAD:
                break;
        }
        request_update(q);
}

static void on_timer(uv_timer_t *timer) {
        struct kube_api_request *q = container_of(timer, struct kube_api_request, timer);
        const char *peer = q->api->peer;

        if (q->refused < 0)
                request_unreachable(q, q->refused);
        else if (q->state == REQUEST_CONNECTING)
                request_fail(q, -ETIMEDOUT, "%s does not answer", peer);
        else if (q->state == REQUEST_HANDSHAKE)
                request_fail(q, -ETIMEDOUT, "%s takes connections but does not speak TLS in time",
                             peer);
        else
                request_fail(q, -ETIMEDOUT, "%s did not answer the request in time", peer);
}

/* ---- asking -------------------------------------------------------------------------------- */

/* Every byte from 'low' up to a tilde. */
static bool printable(const char *s, char low, size_t most) {
        size_t n = 0;

        for (; s[n]; n++)
                if (s[n] < low || s[n] > '~' || n == most)
                        return false;
        return n > 0;
}

static bool ask_valid(const struct kube_api_ask *ask) {
        return printable(ask->method, 'A', WORD_BYTES) && *ask->path == '/' &&
               printable(ask->path, '!', PATH_BYTES) &&
               (!ask->type || printable(ask->type, ' ', WORD_BYTES));
}

static int write_request(struct kube_api_request *q, const struct kube_api_ask *ask) {
        const struct kube_api *a = q->api;
        const bool v6 = strchr(a->name, ':');
        int r;

        /* at once: a buffer that grows leaves copies of what may be a secret behind */
        r = buf_reserve(&q->out, ask->len + PATH_BYTES + SIZE_KUBE_HOST + 512);
        if (r == 0)
                r = buf_printf(&q->out,
                               "%s %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n"
                               "User-Agent: bramble/" BRAMBLE_VERSION "\r\n"
                               "Accept: application/json, */*\r\nConnection: close\r\n",
                               ask->method, ask->path, v6 ? "[" : "", a->name, v6 ? "]" : "",
                               ntohs(a->address.sin_port));
        if (r == 0 && ask->type)
                r = buf_printf(&q->out, "Content-Type: %s\r\nContent-Length: %zu\r\n", ask->type,
                               ask->len);
        if (r == 0)
                r = buf_add_text(&q->out, "\r\n");
        return r == 0 && ask->type ? buf_add(&q->out, ask->body, ask->len) : r;
}

/* The parts of a request that its handles do not own yet. */
static int request_new(struct kube_api *a, const struct kube_api_ask *ask,
                       struct kube_api_request **ret) {
        struct kube_api_request *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return -ENOMEM;
        q->api = a;
        q->chunk = ask->chunk;
        q->head_only = str_eq(ask->method, "HEAD");
        q->body.limit = KUBE_API_BODY_BYTES;
        q->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        r = q->fd < 0 ? -errno : write_request(q, ask);
        if (r == 0)
                r = tls_new(a->ctx, q->fd, false, &q->ssl);
        if (r == 0)
                r = kube_api_expect(q->ssl, a->name);
        if (r == 0)
                r = uv_poll_init(a->loop, &q->poll, q->fd);
        if (r == 0) {
                *ret = q;
                return 0;
        }
        SSL_free(q->ssl);
        if (q->fd >= 0)
                (void)close(q->fd);
        wipe(&q->out);
        free(q);
        return r;
}

static void request_connect(struct kube_api_request *q, usec_t timeout_usec) {
        const struct sockaddr *to = (const void *)&q->api->address;
        uint64_t ms = timeout_usec / USEC_PER_MSEC + (timeout_usec % USEC_PER_MSEC > 0);

        if (connect(q->fd, to, sizeof(q->api->address)) < 0 && errno != EINPROGRESS) {
                q->refused = -errno;
                ms = 0;
        } else {
                request_update(q);
        }
        /* from now, not from when this turn of the loop began */
        uv_update_time(q->timer.loop);
        (void)uv_timer_start(&q->timer, on_timer, ms, 0);
}

int kube_api_request(struct kube_api *a, const struct kube_api_ask *ask, kube_api_cb done,
                     void *arg, struct kube_api_request **ret) {
        struct kube_api_request *q = NULL;
        int r;

        assert(ask->timeout_usec > 0 && (ask->type || ask->len == 0));
        if (a->freeing)
                return -ECANCELED;
        if (!ask_valid(ask))
                return -EINVAL;
        if (ask->len > KUBE_API_SEND_BYTES)
                return -EMSGSIZE;
        if (a->n_requests == KUBE_API_REQUESTS)
                return -EBUSY;
        r = request_new(a, ask, &q);
        if (!q)
                return r;
        q->done = done;
        q->arg = arg;
        (void)uv_timer_init(a->loop, &q->timer);
        q->handles = 2;
        list_append(&a->requests, &q->item);
        a->n_requests++;
        request_connect(q, ask->timeout_usec);
        if (ret)
                *ret = q;
        return 0;
}
