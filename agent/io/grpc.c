#include "io/grpc.h"

#include "base/scope.h"
#include "io/grpc_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum { RETRY_FIRST_MS = 50, RETRY_MOST_MS = 2000, ANSWER_MS = 10000 };

static void connect_now(struct grpc *g);

void grpc_break(struct grpc *g, int error, const char *why) {
        if (g->broken)
                return;
        g->broken = error;
        (void)snprintf(g->why, sizeof(g->why), "%s", why);
        grpc_run_later(g);
}

/* ---- sending ---- */

static void on_write(uv_write_t *write, int status);

/* Fills the socket's buffer from nghttp2; false where there is nothing to send. */
static bool collect(struct grpc *g, struct buf *out) {
        while (out->len < GRPC_WRITE_BYTES) {
                const uint8_t *data;
                ssize_t n = nghttp2_session_mem_send(g->session, &data);

                if (n == 0)
                        break;
                if (n < 0 || buf_add(out, data, (size_t)n) < 0) {
                        grpc_break(g, n < 0 ? -EPROTO : -ENOMEM, "cannot send to the server");
                        return false;
                }
        }
        return out->len > 0;
}

static void flush(struct grpc *g) {
        struct grpc_socket *s = g->socket;

        while (g->session && !g->broken && !s->writing && collect(g, &s->out)) {
                uv_buf_t data = uv_buf_init(s->out.data, (unsigned)s->out.len);
                int n = uv_try_write((uv_stream_t *)&s->pipe, &data, 1);

                if (n == UV_EAGAIN)
                        n = 0;
                if (n >= 0 && (size_t)n == s->out.len) {
                        s->out.len = 0;
                        continue;
                }
                if (n >= 0) {
                        data = uv_buf_init(s->out.data + n, (unsigned)s->out.len - (unsigned)n);
                        n = uv_write(&s->write, (uv_stream_t *)&s->pipe, &data, 1, on_write);
                }
                if (n < 0)
                        grpc_break(g, -ECONNRESET, "the connection broke");
                else
                        s->writing = true;
        }
}

/* ---- ends ---- */

static void on_socket_closed(uv_handle_t *handle) {
        struct grpc_socket *s = handle->data;

        buf_done(&s->out);
        free(s);
}

static void abandon_socket(struct grpc *g) {
        struct grpc_socket *s = take_ptr(g->socket);

        nghttp2_session_del(take_ptr(g->session));
        if (!s)
                return;
        s->g = NULL;
        uv_close((uv_handle_t *)&s->pipe, on_socket_closed);
}

static void on_retry(uv_timer_t *timer) {
        struct grpc *g = timer->data;

        if (g->socket)
                grpc_break(g, -ETIMEDOUT, "the server took the connection but does not answer");
        else
                connect_now(g);
}

static void drop(struct grpc *g) {
        struct grpc_call *c, *next;
        bool was_up = g->up;
        int error = g->broken;

        g->up = false;
        g->announce = false;
        abandon_socket(g);
        list_each(c, next, &g->calls, link) grpc_call_close(c, -ECONNRESET, g->why);
        grpc_deliver(g);
        g->broken = 0;
        if (g->closing)
                return;
        (void)uv_timer_start(&g->retry, on_retry, g->delay_ms, 0);
        g->delay_ms = g->delay_ms * 2 < RETRY_MOST_MS ? g->delay_ms * 2 : RETRY_MOST_MS;
        if (was_up || !g->told_down) {
                g->told_down = true;
                g->state(g->arg, false, error, g->why);
        }
}

static void run(struct grpc *g) {
        do {
                if (g->announce) {
                        g->announce = false;
                        g->told_down = false;
                        g->delay_ms = RETRY_FIRST_MS;
                        (void)uv_timer_stop(&g->retry);
                        g->state(g->arg, true, 0, "");
                }
                if (!g->closing)
                        grpc_deliver(g);
                if (!g->closing && !g->broken)
                        flush(g);
                if (!g->closing && g->broken)
                        drop(g);
        } while (!g->closing && !list_empty(&g->ready));
}

static void on_later(uv_idle_t *later) {
        struct grpc *g = later->data;

        (void)uv_idle_stop(later);
        run(g);
}

void grpc_run_later(struct grpc *g) {
        if (!g->closing)
                (void)uv_idle_start(&g->later, on_later);
}

static void on_write(uv_write_t *write, int status) {
        struct grpc_socket *s = write->data;

        s->writing = false;
        s->out.len = 0;
        if (!s->g)
                return;
        if (status < 0)
                grpc_break(s->g, -ECONNRESET, "the connection broke");
        run(s->g);
}

/* ---- receiving ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
        struct grpc_socket *s = handle->data;

        (void)suggested;
        *buf = uv_buf_init(s->in, sizeof(s->in));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
        struct grpc_socket *s = stream->data;
        struct grpc *g = s->g;

        if (!g || len == 0)
                return;
        if (len < 0) {
                grpc_break(g, -ECONNRESET,
                           len == UV_EOF ? "the server closed the connection"
                                         : "the connection broke");
        } else {
                ssize_t n = nghttp2_session_mem_recv(g->session, (const uint8_t *)buf->base,
                                                     (size_t)len);

                if (n < 0)
                        grpc_break(g, -EPROTO, "the server does not speak HTTP/2");
        }
        run(g);
}

/* ---- connecting ---- */

static void on_connect(uv_connect_t *connect, int status) {
        struct grpc_socket *s = connect->data;
        struct grpc *g = s->g;
        char why[GRPC_WHY_BYTES];

        if (!g)
                return;
        if (status == 0)
                status = grpc_session_new(g);
        if (status == 0)
                status = uv_read_start((uv_stream_t *)&s->pipe, on_alloc, on_read);
        if (status < 0) {
                (void)snprintf(why, sizeof(why), "cannot connect to %s: %s", g->path,
                               strerror(-status));
                grpc_break(g, status, why);
        }
        run(g);
}

static void connect_now(struct grpc *g) {
        struct grpc_socket *s = calloc(1, sizeof(*s));

        if (!s || uv_pipe_init(g->loop, &s->pipe, 0) < 0) {
                free(s);
                grpc_break(g, -ENOMEM, "out of memory");
                return;
        }
        s->g = g;
        s->pipe.data = s->connect.data = s->write.data = s;
        g->socket = s;
        (void)uv_timer_start(&g->retry, on_retry, ANSWER_MS, 0);
        uv_pipe_connect(&s->connect, &s->pipe, g->path, on_connect);
}

/* ---- deadlines ---- */

static void on_deadline(uv_timer_t *timer) {
        struct grpc *g = timer->data;

        grpc_calls_expire(g);
        grpc_arm_deadline(g);
        run(g);
}

void grpc_arm_deadline(struct grpc *g) {
        uint64_t now = uv_now(g->loop), first = UINT64_MAX;
        struct grpc_call *c, *next;

        list_each(c, next, &g->calls, link) {
                if (c->deadline_ms && !c->closed && c->deadline_ms < first)
                        first = c->deadline_ms;
        }
        if (first == UINT64_MAX)
                (void)uv_timer_stop(&g->deadline);
        else
                (void)uv_timer_start(&g->deadline, on_deadline, first > now ? first - now : 0, 0);
}

/* ---- life ---- */

static void free_headers(struct grpc_header *headers) {
        for (struct grpc_header *h = headers; h && h->name; h++) {
                free((char *)(uintptr_t)h->name);
                free((char *)(uintptr_t)h->value);
        }
        free(headers);
}

static int copy_headers(const struct grpc_header *headers, struct grpc_header **ret) {
        struct grpc_header *copy;
        size_t n = 0;

        while (headers && headers[n].name)
                n++;
        copy = calloc(n + 1, sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                copy[i].name = strdup(headers[i].name);
                copy[i].value = strdup(headers[i].value);
                if (!copy[i].name || !copy[i].value) {
                        free_headers(copy);
                        return -ENOMEM;
                }
        }
        *ret = copy;
        return 0;
}

static void on_handle_closed(uv_handle_t *handle) {
        struct grpc *g = handle->data;

        if (--g->handles > 0)
                return;
        free_headers(g->headers);
        free(g->path);
        free(g);
}

int grpc_open(uv_loop_t *loop, const struct grpc_config *config, grpc_state_cb state, void *arg,
              struct grpc **ret) {
        struct sockaddr_un address;
        struct grpc *g;

        if (strlen(config->socket) >= sizeof(address.sun_path))
                return -ENAMETOOLONG; /* libuv would cut it */
        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        g->path = strdup(config->socket);
        if (!g->path || copy_headers(config->headers, &g->headers) < 0) {
                free(g->path);
                free(g);
                return -ENOMEM;
        }
        g->loop = loop;
        g->state = state;
        g->arg = arg;
        g->delay_ms = RETRY_FIRST_MS;
        list_init(&g->calls);
        list_init(&g->ready);
        (void)uv_timer_init(loop, &g->retry);
        (void)uv_timer_init(loop, &g->deadline);
        (void)uv_idle_init(loop, &g->later);
        g->retry.data = g->deadline.data = g->later.data = g;
        g->handles = 3;
        (void)uv_timer_start(&g->retry, on_retry, 0, 0);
        *ret = g;
        return 0;
}

void grpc_close(struct grpc *g) {
        if (!g || g->closing)
                return;
        g->closing = true;
        g->up = false;
        abandon_socket(g);
        while (!list_empty(&g->calls)) {
                struct grpc_call *c = container_of(g->calls.next, struct grpc_call, link);

                grpc_call_close(c, -ECANCELED, "the connection is closed");
                grpc_call_finish(c);
        }
        uv_close((uv_handle_t *)&g->retry, on_handle_closed);
        uv_close((uv_handle_t *)&g->deadline, on_handle_closed);
        uv_close((uv_handle_t *)&g->later, on_handle_closed);
}

bool grpc_up(const struct grpc *g) {
        return g->up;
}
