#include "base/scope.h"
#include "base/str.h"
#include "io/grpc_frame.h"
#include "io/grpc_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void make_ready(struct grpc_call *c) {
        if (list_empty(&c->ready))
                list_append(&c->g->ready, &c->ready);
        grpc_run_later(c->g);
}

/* ---- ends ---- */

void grpc_call_close(struct grpc_call *c, int result, const char *why) {
        struct grpc *g = c->g;

        if (c->closed)
                return;
        c->closed = true;
        c->result = result;
        if (why != c->why)
                (void)snprintf(c->why, sizeof(c->why), "%s", why);
        if (c->stream > 0 && g->session) {
                (void)nghttp2_session_set_stream_user_data(g->session, c->stream, NULL);
                (void)nghttp2_submit_rst_stream(g->session, NGHTTP2_FLAG_NONE, c->stream,
                                                NGHTTP2_CANCEL);
        }
        c->stream = 0;
        make_ready(c);
}

static void call_free(struct grpc_call *c) {
        buf_done(&c->in);
        buf_done(&c->out);
        free(c);
}

static void forget(struct grpc_call *c) {
        list_remove(&c->link);
        list_remove(&c->ready);
        c->g->n_calls--;
}

/* The one reply of a unary call. */
static void finish_unary(struct grpc_call *c) {
        ProtobufCMessage *reply = NULL;
        const uint8_t *message;
        size_t len, used;

        if (c->result == 0) {
                int r = grpc_frame_next(c->in.data, c->in.len, GRPC_MESSAGE_MAX, &message, &len,
                                        &used);

                if (r == 1 && used == c->in.len)
                        reply = protobuf_c_message_unpack(c->method->reply, NULL, len, message);
                if (!reply) {
                        c->result = r < 0 ? r : -EPROTO;
                        (void)snprintf(c->why, sizeof(c->why), "the server's answer to %s is bad",
                                       c->method->path);
                }
        }
        c->done(c->arg, c->result, c->why, reply);
        if (reply)
                protobuf_c_message_free_unpacked(reply, NULL);
}

void grpc_call_finish(struct grpc_call *c) {
        bool nested = c->busy;

        forget(c);
        c->busy = c->gone = true;
        if (c->done)
                finish_unary(c);
        else
                c->ops.done(c->arg, c->result, c->why);
        if (!nested)
                call_free(c);
}

void grpc_cancel(struct grpc_call *c) {
        if (!c || c->gone)
                return;
        grpc_call_close(c, -ECANCELED, "");
        forget(c);
        c->gone = true;
        if (!c->busy)
                call_free(c);
}

void grpc_calls_expire(struct grpc *g) {
        uint64_t now = uv_now(g->loop);
        struct grpc_call *c, *next;
        char why[GRPC_WHY_BYTES];

        list_each(c, next, &g->calls, link) {
                if (c->closed || !c->deadline_ms || c->deadline_ms > now)
                        continue;
                (void)snprintf(why, sizeof(why), "no answer to %s within %u s", c->method->path,
                               c->method->timeout_ms / 1000);
                grpc_call_close(c, -ETIMEDOUT, why);
        }
}

/* ---- delivery: the only place where callbacks of calls are called, but for grpc_close ---- */

static void give_window(struct grpc_call *c) {
        if (c->held && c->stream > 0 && c->g->session)
                (void)nghttp2_session_consume_stream(c->g->session, c->stream, c->held);
        c->held = 0;
}

static void deliver_messages(struct grpc_call *c) {
        size_t at = 0;

        while (!c->gone && !c->paused && c->in.len > at) {
                const uint8_t *data;
                size_t len, used;
                ProtobufCMessage *message;
                int r = grpc_frame_next(c->in.data + at, c->in.len - at, GRPC_MESSAGE_MAX, &data,
                                        &len, &used);

                if (r == 0)
                        break;
                message =
                        r < 0 ? NULL : protobuf_c_message_unpack(c->method->reply, NULL, len, data);
                if (!message) {
                        c->in.len = 0;
                        if (c->result == 0)
                                c->closed = false; /* the server may have called it a success */
                        grpc_call_close(c, r < 0 ? r : -EBADMSG, "the server sent a bad message");
                        return;
                }
                if (c->ops.message)
                        c->ops.message(c->arg, message);
                protobuf_c_message_free_unpacked(message, NULL);
                at += used;
        }
        buf_consume(&c->in, at);
        if (c->in.len == 0 && c->in.capacity > GRPC_WINDOW_BYTES)
                buf_done(&c->in);
        if (!c->gone && !c->paused)
                give_window(c);
}

static void deliver(struct grpc_call *c) {
        c->busy = true;
        if (c->out_full && !c->closed && c->out.len - c->out_at < GRPC_SEND_LOW) {
                c->out_full = false;
                if (c->ops.writable)
                        c->ops.writable(c->arg);
        }
        if (!c->gone && !c->done)
                deliver_messages(c);
        if (!c->gone && c->closed && c->result == 0 && !c->done && !c->paused && c->in.len > 0) {
                c->result = -EBADMSG;
                (void)snprintf(c->why, sizeof(c->why), "the server's last message is cut off");
        }
        if (!c->gone && c->closed && (c->result < 0 || !c->paused))
                grpc_call_finish(c); /* busy: leaves the memory to us */
        c->busy = false;
        if (c->gone)
                call_free(c);
}

void grpc_deliver(struct grpc *g) {
        while (!g->closing && !list_empty(&g->ready)) {
                struct grpc_call *c = container_of(g->ready.next, struct grpc_call, ready);

                list_remove(&c->ready);
                deliver(c);
        }
}

/* ---- what nghttp2 tells us: remembered here, delivered later ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg) {
        struct grpc_call *c = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        const char *text = (const char *)value;
        char number[8];
        uint64_t v;

        (void)flags;
        (void)arg;
        (void)name_len; /* nghttp2 puts a NUL behind both */
        if (!c)
                return 0;
        if (str_eq((const char *)name, ":status")) {
                c->http_status = -1;
                if (str_copy_n(number, sizeof(number), text, value_len) == 0 &&
                    str_to_u64(number, 999, &v) == 0)
                        c->http_status = (int)v;
        } else if (str_eq((const char *)name, "grpc-status")) {
                c->has_status = true;
                c->result = grpc_status_errno(text, value_len);
        } else if (str_eq((const char *)name, "grpc-message")) {
                (void)grpc_status_text(c->why, sizeof(c->why), text, value_len);
        }
        return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t len, void *arg) {
        struct grpc_call *c = nghttp2_session_get_stream_user_data(session, stream_id);

        (void)flags;
        (void)arg;
        (void)nghttp2_session_consume_connection(session, len);
        if (!c)
                return 0;
        c->held += len;
        if (buf_add(&c->in, data, len) < 0)
                grpc_call_close(c, -EMSGSIZE, "the server's message is too large");
        else
                make_ready(c);
        return 0;
}

/* How a stream that the server ended ends for the caller. */
static void judge(struct grpc_call *c, uint32_t error_code) {
        if (c->has_status) {
                if (c->result == 0 || !c->why[0])
                        (void)snprintf(c->why, sizeof(c->why), "%s",
                                       c->result == 0 ? "" : strerror(-c->result));
                grpc_call_close(c, c->result, c->why);
        } else if (error_code == NGHTTP2_REFUSED_STREAM) {
                grpc_call_close(c, -EHOSTDOWN, "the server refuses calls");
        } else if (error_code != NGHTTP2_NO_ERROR) {
                (void)snprintf(c->why, sizeof(c->why), "the server reset the call: %s",
                               nghttp2_http2_strerror(error_code));
                grpc_call_close(c, -ECONNRESET, c->why);
        } else {
                (void)snprintf(c->why, sizeof(c->why), "no gRPC status, HTTP status %d",
                               c->http_status);
                grpc_call_close(c, -EPROTO, c->why);
        }
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t error_code,
                           void *arg) {
        struct grpc_call *c = nghttp2_session_get_stream_user_data(session, stream_id);

        (void)arg;
        if (!c)
                return 0;
        c->stream = 0;
        judge(c, error_code);
        return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg) {
        struct grpc *g = arg;

        if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK) && !g->up) {
                g->up = true;
                g->announce = true;
        } else if (frame->hd.type == NGHTTP2_GOAWAY) {
                grpc_break(g, -ECONNRESET, "the server is going away");
        } else if (frame->hd.type == NGHTTP2_HEADERS && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
                struct grpc_call *c =
                        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

                /* an answer before we said all: nghttp2 would wait for our end too */
                if (c && (!c->out_end || c->out.len > 0))
                        judge(c, NGHTTP2_NO_ERROR);
        }
        return 0;
}

/* A request that nghttp2 gave up before it was sent. */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg) {
        struct grpc *g = arg;
        struct grpc_call *c, *next;

        (void)session; /* may not know the stream yet */
        if (frame->hd.type != NGHTTP2_HEADERS)
                return 0;
        list_each(c, next, &g->calls, link) {
                if (c->stream == frame->hd.stream_id)
                        grpc_call_close(c, -EHOSTDOWN, nghttp2_strerror(error));
        }
        return 0;
}

int grpc_session_new(struct grpc *g) {
        const nghttp2_settings_entry settings[] = {
                { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
                { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_WINDOW_BYTES },
        };
        nghttp2_session_callbacks *callbacks = NULL;
        nghttp2_option *option = NULL;
        int r = -ENOMEM;

        if (nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0) {
                nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
                nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
                nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
                nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
                nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
                nghttp2_option_set_no_auto_window_update(option, 1);
                if (nghttp2_session_client_new2(&g->session, callbacks, g, option) == 0)
                        r = 0;
        }
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        if (r == 0 && (nghttp2_submit_settings(g->session, NGHTTP2_FLAG_NONE, settings,
                                               ARRAY_SIZE(settings)) != 0 ||
                       nghttp2_session_set_local_window_size(g->session, NGHTTP2_FLAG_NONE, 0,
                                                             4 * GRPC_WINDOW_BYTES) != 0))
                r = -ENOMEM;
        return r;
}

/* ---- sending ---- */

static ssize_t on_more(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
                       uint32_t *flags, nghttp2_data_source *source, void *arg) {
        struct grpc_call *c = source->ptr;
        size_t n = c->out.len - c->out_at;

        (void)arg;
        /* a call that is over may be freed before nghttp2 lets go of its stream */
        if (!nghttp2_session_get_stream_user_data(session, stream_id))
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (n == 0 && !c->out_end) {
                c->out_deferred = true;
                return NGHTTP2_ERR_DEFERRED;
        }
        if (n > length)
                n = length;
        if (n > 0)
                memcpy(buf, c->out.data + c->out_at, n);
        c->out_at += n;
        if (c->out_at == c->out.len) {
                if (c->out_end)
                        *flags |= NGHTTP2_DATA_FLAG_EOF;
                c->out_at = c->out.len = 0;
                if (c->out_end || c->out.capacity > GRPC_SEND_LOW)
                        buf_done(&c->out);
        }
        if (c->out_full && c->out.len - c->out_at < GRPC_SEND_LOW)
                make_ready(c);
        return (ssize_t)n;
}

static nghttp2_nv header(const char *name, const char *value) {
        return (nghttp2_nv){
                .name = (uint8_t *)(uintptr_t)name,
                .namelen = strlen(name),
                .value = (uint8_t *)(uintptr_t)value,
                .valuelen = strlen(value),
        };
}

static int submit(struct grpc_call *c, const struct grpc_header *headers, const char *timeout) {
        nghttp2_nv nv[GRPC_HEADERS_MAX] = {
                header(":method", "POST"),
                header(":scheme", "http"),
                header(":path", c->method->path),
                header(":authority", "localhost"),
                header("te", "trailers"),
                header("content-type", "application/grpc"),
                header("user-agent", "bramble/" BRAMBLE_VERSION),
        };
        const nghttp2_data_provider provider = { .source.ptr = c, .read_callback = on_more };
        const struct grpc_header *lists[] = { c->g->headers, headers };
        size_t n = 7;

        if (*timeout)
                nv[n++] = header("grpc-timeout", timeout);
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
                for (const struct grpc_header *h = lists[i]; h && h->name; h++) {
                        if (n == GRPC_HEADERS_MAX)
                                return -E2BIG;
                        nv[n++] = header(h->name, h->value);
                }
        }
        c->stream = nghttp2_submit_request(c->g->session, NULL, nv, n, &provider, c);
        if (c->stream == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) {
                /* after a thousand million calls: a new connection */
                grpc_break(c->g, -ECONNRESET, "the connection is used up");
                return -ENOTCONN;
        }
        return c->stream < 0 ? -ENOMEM : 0;
}

static int begin(struct grpc *g, const struct grpc_method *method,
                 const struct grpc_header *headers, unsigned timeout_ms, struct grpc_call **ret) {
        struct grpc_call *c;
        char timeout[16] = "";
        int r;

        if (!g->up || g->broken)
                return -ENOTCONN;
        if (g->n_calls >= GRPC_CALLS_MAX)
                return -ENOBUFS;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->g = g;
        c->method = method;
        c->in.limit = GRPC_MESSAGE_MAX + 2 * GRPC_WINDOW_BYTES;
        c->out.limit = GRPC_MESSAGE_MAX + GRPC_SEND_HIGH;
        if (timeout_ms) {
                (void)snprintf(timeout, sizeof(timeout), "%um", timeout_ms);
                c->deadline_ms = uv_now(g->loop) + timeout_ms;
        }
        r = submit(c, headers, timeout);
        if (r < 0) {
                free(c);
                return r;
        }
        list_append(&g->calls, &c->link);
        list_init(&c->ready);
        g->n_calls++;
        if (timeout_ms)
                grpc_arm_deadline(g);
        grpc_run_later(g);
        *ret = c;
        return 0;
}

static int queue_message(struct grpc_call *c, const ProtobufCMessage *message) {
        size_t len = protobuf_c_message_get_packed_size(message);
        uint8_t prefix[GRPC_PREFIX_BYTES];
        int r;

        if (len > GRPC_MESSAGE_MAX)
                return -EMSGSIZE;
        if (c->out_at > 0) {
                buf_consume(&c->out, c->out_at);
                c->out_at = 0;
        }
        r = buf_reserve(&c->out, GRPC_PREFIX_BYTES + len);
        if (r < 0)
                return r == -EMSGSIZE ? -ENOBUFS : r;
        grpc_frame_prefix(prefix, (uint32_t)len);
        (void)buf_add(&c->out, prefix, sizeof(prefix));
        (void)protobuf_c_message_pack(message, (uint8_t *)c->out.data + c->out.len);
        c->out.len += len;
        return 0;
}

static void resume_sending(struct grpc_call *c) {
        if (c->out_deferred && c->stream > 0) {
                c->out_deferred = false;
                (void)nghttp2_session_resume_data(c->g->session, c->stream);
        }
        grpc_run_later(c->g);
}

int grpc_unary(struct grpc *g, const struct grpc_method *method, const struct grpc_header *headers,
               const ProtobufCMessage *request, grpc_reply_cb done, void *arg,
               struct grpc_call **ret) {
        struct grpc_call *c;
        int r = begin(g, method, headers, method->timeout_ms, &c);

        if (r < 0)
                return r;
        r = queue_message(c, request);
        if (r < 0) {
                grpc_cancel(c);
                return r;
        }
        c->done = done;
        c->arg = arg;
        c->out_end = true;
        if (ret)
                *ret = c;
        return 0;
}

int grpc_stream(struct grpc *g, const struct grpc_method *method, const struct grpc_header *headers,
                const struct grpc_stream_ops *ops, void *arg, struct grpc_call **ret) {
        struct grpc_call *c;
        int r = begin(g, method, headers, 0, &c);

        if (r < 0)
                return r;
        c->ops = *ops;
        c->arg = arg;
        *ret = c;
        return 0;
}

int grpc_send(struct grpc_call *c, const ProtobufCMessage *message) {
        int r;

        if (c->closed || c->out_end)
                return -EPIPE;
        r = queue_message(c, message);
        if (r < 0)
                return r;
        resume_sending(c);
        if (c->out.len < GRPC_SEND_HIGH)
                return 0;
        c->out_full = true;
        return -EAGAIN;
}

void grpc_send_end(struct grpc_call *c) {
        c->out_end = true;
        if (!c->closed)
                resume_sending(c);
}

void grpc_pause(struct grpc_call *c) {
        c->paused = true;
}

void grpc_resume(struct grpc_call *c) {
        c->paused = false;
        make_ready(c);
}
