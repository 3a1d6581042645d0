#include "gateway/client.h"

#include "base/str.h"
#include "gateway/client_private.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct client *client_of(struct sock *s) {
        return container_of(s, struct client, sock);
}

static struct deadlines *deadlines_of(const struct client *c) {
        return &c->server->g->deadlines;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void shut_down(struct client *c, bool reset) {
        if (c->state == CLIENT_CLOSED)
                return;
        c->state = CLIENT_CLOSED;
        c->ops = NULL;
        deadline_clear(&c->deadline);
        deadline_clear(&c->write_deadline);
        list_remove(&c->link);
        if (reset)
                sock_reset(&c->sock);
        else
                sock_close(&c->sock);
}

void client_close(struct client *c) {
        const struct exchange_ops *ops = c->ops;
        void *arg = c->arg;

        shut_down(c, false);
        if (ops)
                ops->closed(arg);
}

void client_abort(struct client *c) {
        c->ops = NULL;
        shut_down(c, true);
}

void client_retire(struct client *c) {
        c->retire = true;
        if (c->state != CLIENT_HEAD || c->in.len > 0)
                return;
        if (c->used)
                client_close(c);
        else /* its first request may be on its way, and nobody repeats that one by himself */
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_FIRST);
}

/* Says no more, and reads on for a while: closing with unread bytes would be a RST, which can
 * take our last words from the peer before it has read them. */
static void linger(struct client *c) {
        c->state = CLIENT_LINGER;
        buf_done(&c->in);
        c->held = false;
        (void)sock_resume(&c->sock);
        deadline_clear(&c->deadline);
        sock_shutdown(&c->sock);
        if (!sock_queued(&c->sock))
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_LINGER);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Nobody answers this request (any more): its bytes go nowhere, up to a limit. */
static bool throw_away(struct client *c, size_t len) {
        c->thrown += len;
        if (c->thrown <= GATEWAY_DISCARD_BYTES)
                return true;
        /* It is read no further, but not closed at once either: the answer may still be on its way,
         * and a RST would take it along. */
        if (c->state != CLIENT_LINGER)
                linger(c);
        sock_pause(&c->sock);
        return false;
}

static void hand_out(struct client *c, const char *data, size_t len) {
        if (len == 0)
                return;
        if (!c->ops)
                (void)throw_away(c, len);
        else if (c->ops->body)
                c->ops->body(c->arg, data, len);
}

static void next_request(struct client *c) {
        if (c->retire) {
                linger(c);
                return;
        }
        c->state = CLIENT_HEAD;
        c->scanned = 0;
        c->head_begun = false;
        deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_IDLE);
}

/* The request is whole. */
static void body_over(struct client *c) {
        deadline_clear(&c->deadline);
        if (!c->ops) { /* answered already */
                next_request(c);
                return;
        }
        c->state = CLIENT_WAIT;
        if (c->ops->end)
                c->ops->end(c->arg);
}

/* Bytes taken of a chunked body; *ret_end where it is whole. */
static long take_chunks(struct client *c, const char *data, size_t len, bool *ret_end) {
        size_t at = 0;
        int r = HTTP_CHUNK_MORE;

        while (at < len && r != HTTP_CHUNK_END && c->state == CLIENT_BODY) {
                struct http_text view;
                size_t used;

                r = http_chunks_step(&c->chunks, data + at, len - at, &used, &view);
                if (r < 0)
                        return r;
                at += used;
                if (r == HTTP_CHUNK_DATA && !c->raw)
                        hand_out(c, view.at, view.len);
        }
        if (c->raw && c->state == CLIENT_BODY)
                hand_out(c, data, at);
        *ret_end = r == HTTP_CHUNK_END;
        return (long)at;
}

/* What follows cannot be told apart from anything: the connection ends with this answer. */
static void refuse(struct client *c, unsigned status, const char *sentence) {
        c->keep_alive = c->expects = false;
        c->body = HTTP_BODY_UNTIL_CLOSE;
        c->state = CLIENT_BODY;
        reply_error(c, status, "%s", sentence);
}

static void refuse_head(struct client *c, long error) {
        c->old = c->is_head = false;
        switch (error) {
        case -E2BIG:
                refuse(c, 431, "The head of the request is larger than this gateway takes.");
                break;
        case -EPROTONOSUPPORT:
                refuse(c, 505, "This gateway speaks HTTP/1.1 and HTTP/1.0.");
                break;
        case -EOPNOTSUPP:
                refuse(c, 501, "Of transfer codings, only 'chunked' is understood.");
                break;
        default:
                refuse(c, 400, "This is no request as HTTP/1.1 has them.");
                break;
        }
}

/* The body cannot be had.  Whoever is at work is told to give up. */
static void refuse_body(struct client *c, unsigned status, const char *sentence) {
        const struct exchange_ops *ops = c->ops;

        c->ops = NULL;
        if (ops)
                ops->closed(c->arg);
        if (c->answered)
                client_abort(c);
        else
                refuse(c, status, sentence);
}

static long take_body(struct client *c, const char *data, size_t len) {
        bool end = false;
        long used;

        switch (c->body) {
        case HTTP_BODY_LENGTH:
                used = (long)(len < c->left ? len : (size_t)c->left);
                c->left -= (size_t)used;
                end = c->left == 0;
                hand_out(c, data, (size_t)used);
                break;
        case HTTP_BODY_CHUNKED:
                used = take_chunks(c, data, len, &end);
                break;
        case HTTP_BODY_UNTIL_CLOSE: /* after a request that could not be read */
                used = (long)len;
                hand_out(c, data, len);
                break;
        case HTTP_BODY_NONE:
        default:
                used = 0;
                end = true;
                break;
        }
        if (used < 0) {
                refuse_body(c, 400, "The chunks of the request's body are wrong.");
                return (long)len;
        }
        if (c->state != CLIENT_BODY)
                return used;
        if (end)
                body_over(c);
        else if (!c->held)
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_BODY);
        return used;
}

static void start_request(struct client *c, const struct http_head *head) {
        c->raw = c->held = c->answered = c->endless = false;
        c->old = head->minor == 0;
        c->is_head = http_text_is(&head->method, "HEAD");
        c->keep_alive = head->keep_alive;
        c->expects = head->expect_continue && head->body != HTTP_BODY_NONE;
        c->keep = false;
        c->body = head->body;
        c->left = head->length;
        c->thrown = 0;
        c->chunks = (struct http_chunks){ 0 };
        c->state = CLIENT_BODY;
        deadline_clear(&c->deadline);
        c->server->handle(c, head);
}

/* Bytes taken; 0: more are needed; negative: the request was refused. */
static long take_head(struct client *c, const char *data, size_t len) {
        struct http_head head;
        long used = http_parse_request(data, len, &c->scanned, &head);

        if (used < 0) {
                refuse_head(c, used);
                return (long)len;
        }
        if (used == 0) {
                /* counted from the head's first byte: a byte now and then does not help */
                if (!c->head_begun)
                        deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_HEAD);
                c->head_begun = true;
                return 0;
        }
        c->scanned = 0;
        c->used = true;
        start_request(c, &head);
        if (c->state == CLIENT_BODY && client_body_is_over(c))
                body_over(c);
        else if (c->state == CLIENT_BODY && !c->held && !c->expects)
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_BODY);
        return used;
}

/* The connection's reading head: works through 'data' and keeps what is not yet to be read. */
static void consume(struct client *c, const char *data, size_t len) {
        size_t at = 0;
        long used = 1;

        c->consuming = true;
        while (at < len && used > 0) {
                switch (c->state) {
                case CLIENT_HEAD:
                        used = take_head(c, data + at, len - at);
                        break;
                case CLIENT_BODY:
                        used = take_body(c, data + at, len - at);
                        break;
                case CLIENT_TUNNEL:
                        hand_out(c, data + at, len - at);
                        used = (long)(len - at);
                        break;
                case CLIENT_WAIT:
                        used = 0; /* the next request has to wait */
                        break;
                case CLIENT_LINGER:
                        used = throw_away(c, len - at) ? (long)(len - at) : -1;
                        break;
                case CLIENT_CLOSED:
                default:
                        used = -1;
                        break;
                }
                if (used > 0)
                        at += (size_t)used;
        }
        c->consuming = false;
        if (used < 0 || c->state == CLIENT_CLOSED)
                return;
        if (at < len && buf_add(&c->in, data + at, len - at) < 0) {
                client_close(c);
                return;
        }
        if (c->ops && c->ops->flush)
                c->ops->flush(c->arg);
}

/* Goes on with what had come before its turn. */
static void consume_kept(struct client *c) {
        struct buf kept = c->in;

        c->in = (struct buf){ 0 };
        consume(c, kept.data, kept.len);
        buf_done(&kept);
}

static void on_data(struct sock *s, const char *data, size_t len) {
        struct client *c = client_of(s);

        if (c->in.len == 0) {
                consume(c, data, len);
        } else {
                if (buf_add(&c->in, data, len) < 0) {
                        client_close(c);
                        return;
                }
                if (c->state != CLIENT_WAIT)
                        consume_kept(c);
        }
        if (c->state != CLIENT_WAIT || c->in.len < GATEWAY_PIPELINE_BYTES)
                return;
        if (c->endless)
                client_close(c);
        else
                sock_pause(s);
}

static void on_end(struct sock *s, int error) {
        struct client *c = client_of(s);

        if (c->state == CLIENT_TUNNEL && error == 0 && c->ops && c->ops->end)
                c->ops->end(c->arg);
        else
                client_close(c);
}

static void on_drained(struct sock *s) {
        struct client *c = client_of(s);

        deadline_clear(&c->write_deadline);
        if (c->state == CLIENT_LINGER)
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_LINGER);
        else if (c->ops && c->ops->drained)
                c->ops->drained(c->arg);
}

static void on_closed(struct sock *s) {
        struct client *c = client_of(s);
        struct server *server = c->server;

        buf_done(&c->in);
        free(c);
        server_client_gone(server);
}

static const struct sock_ops sock_ops = {
        .data = on_data,
        .end = on_end,
        .drained = on_drained,
        .closed = on_closed,
};

static void on_expired(struct deadline *d) {
        struct client *c = container_of(d, struct client, deadline);

        if (c->state == CLIENT_HEAD && c->in.len > 0) {
                c->old = c->is_head = false;
                refuse(c, 408, "The head of the request took too long to come.");
                return;
        }
        if (c->state == CLIENT_BODY && c->ops)
                refuse_body(c, 408, "The body of the request stopped coming.");
        else
                client_close(c);
}

static void on_write_expired(struct deadline *d) {
        client_close(container_of(d, struct client, write_deadline));
}

struct client *client_accept(struct server *server, uv_stream_t *listener, struct tls_server *tls) {
        struct gateway *g = server->g;
        struct client *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        if (sock_init(&c->sock, g->loop, &g->reader, &sock_ops) < 0) {
                free(c);
                return NULL;
        }
        c->server = server;
        server->n_clients++;
        list_append(&server->clients, &c->link);
        deadline_init(&c->deadline, on_expired);
        deadline_init(&c->write_deadline, on_write_expired);
        if (uv_accept(listener, (uv_stream_t *)&c->sock.tcp) < 0 ||
            (tls && sock_start_tls(&c->sock, tls) < 0) || sock_resume(&c->sock) < 0) {
                client_close(c);
                return NULL;
        }
        deadline_set(&g->deadlines, &c->deadline, DEADLINE_CLIENT_HEAD);
        return c;
}

/* ---- for whoever answers -----------------------------------------------------------------------
 */

void client_attach(struct client *c, const struct exchange_ops *ops, void *arg, bool raw) {
        c->ops = ops;
        c->arg = arg;
        c->raw = raw;
}

void client_endless(struct client *c) {
        c->endless = true;
}

struct gateway *client_gateway(const struct client *c) {
        return c->server->g;
}

const char *client_address(struct client *c) {
        struct sockaddr_storage peer;
        int len = sizeof(peer);

        if (c->address[0])
                return c->address;
        if (uv_tcp_getpeername(&c->sock.tcp, (struct sockaddr *)&peer, &len) == 0) {
                if (peer.ss_family == AF_INET)
                        (void)uv_ip4_name((struct sockaddr_in *)&peer, c->address,
                                          sizeof(c->address));
                else
                        (void)uv_ip6_name((struct sockaddr_in6 *)&peer, c->address,
                                          sizeof(c->address));
        }
        return c->address[0] ? c->address : "unknown";
}

bool client_is_old(const struct client *c) {
        return c->old;
}

bool client_is_head(const struct client *c) {
        return c->is_head;
}

bool client_is_tls(const struct client *c) {
        return c->sock.tls != NULL;
}

void client_send_room(struct client *c, unsigned bytes) {
        int value = (int)bytes;

        (void)uv_send_buffer_size((uv_handle_t *)&c->sock.tcp, &value);
}

bool client_body_is_over(const struct client *c) {
        return c->state != CLIENT_BODY || c->body == HTTP_BODY_NONE ||
               (c->body == HTTP_BODY_LENGTH && c->left == 0);
}

void client_hold(struct client *c, bool hold) {
        if (c->held == hold || c->state == CLIENT_CLOSED)
                return;
        c->held = hold;
        if (hold) {
                sock_pause(&c->sock);
                if (c->state == CLIENT_BODY)
                        deadline_clear(&c->deadline);
                return;
        }
        (void)sock_resume(&c->sock);
        if (c->state == CLIENT_BODY)
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_BODY);
}

void client_continue(struct client *c) {
        static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)line, sizeof(line) - 1);

        if (!c->expects)
                return;
        c->expects = false;
        /* a failure shows again with the response */
        (void)sock_write(&c->sock, &buf, 1);
        if (!c->held && c->state == CLIENT_BODY)
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_BODY);
}

/* What is left of the body is small, and on its way: cheaper to read than a new connection. */
static bool rest_is_small(const struct client *c) {
        return !c->expects && c->body == HTTP_BODY_LENGTH && c->left <= GATEWAY_DISCARD_BYTES;
}

const char *client_connection_line(struct client *c, bool until_close) {
        c->answered = true;
        c->keep = c->keep_alive && !until_close && !c->retire &&
                  (client_body_is_over(c) || rest_is_small(c));
        if (!c->keep)
                return "Connection: close\r\n";
        return c->old ? "Connection: keep-alive\r\n" : "";
}

int client_write(struct client *c, const uv_buf_t *bufs, unsigned n) {
        int r = sock_write(&c->sock, bufs, n);

        if (r > 0 && !deadline_is_set(&c->write_deadline))
                deadline_set(deadlines_of(c), &c->write_deadline, DEADLINE_CLIENT_WRITE);
        return r;
}

void client_tunnel(struct client *c) {
        c->state = CLIENT_TUNNEL;
        deadline_clear(&c->deadline);
        if (c->in.len > 0 && !c->consuming)
                consume_kept(c);
}

void client_shutdown(struct client *c) {
        sock_shutdown(&c->sock);
}

void client_finish(struct client *c) {
        bool over = client_body_is_over(c);

        c->ops = NULL;
        if (c->state == CLIENT_CLOSED)
                return;
        if (!c->keep || c->retire) {
                /* a body that came whole leaves nothing unread behind */
                if (over && c->in.len == 0 && !sock_queued(&c->sock) && !c->consuming)
                        shut_down(c, false);
                else
                        linger(c);
                return;
        }
        client_hold(c, false);
        if (!over) {
                deadline_set(deadlines_of(c), &c->deadline, DEADLINE_CLIENT_BODY);
                return;
        }
        next_request(c);
        (void)sock_resume(&c->sock);
        if (c->in.len > 0 && !c->consuming && c->state == CLIENT_HEAD)
                consume_kept(c);
}
