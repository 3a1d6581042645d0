/* The client against a small gRPC server of our own on the same loop. */
#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "io/containerd_api.h"
#include "io/grpc.h"
#include "io/grpc_frame.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

static uv_loop_t loop;
static uv_timer_t patience;
static char dir[64], path[96];

/* ---- the server: what it answers depends on the path ---- */

struct served {
        struct list link; /* connection.streams */
        int32_t id;
        char path[64];
        char lease[32];
        char namespace[32];
        char timeout[16];
        struct buf in;
        struct buf out;
        size_t out_at;
        bool finishing; /* no more data: the trailers come */
        const char *status;
        const char *message;
};

struct connection {
        uv_pipe_t pipe;
        nghttp2_session *session;
        struct list streams;
        char in[65536];
};

static struct {
        uv_pipe_t listener;
        struct connection *connection;
        unsigned accepted;
        unsigned requests;
        size_t got_bytes; /* of messages */
        unsigned got;
        unsigned resets;
        size_t sent_bytes;
        bool listening;
} server;

static void server_flush(struct connection *c);

static void add_message(struct served *s, const char *text) {
        Ctr__VersionResponse m = CTR__VERSION_RESPONSE__INIT;
        uint8_t prefix[GRPC_PREFIX_BYTES];
        size_t len;

        m.version = (char *)(uintptr_t)text;
        len = ctr__version_response__get_packed_size(&m);
        grpc_frame_prefix(prefix, (uint32_t)len);
        assert_int_equal(buf_add(&s->out, prefix, sizeof(prefix)), 0);
        assert_int_equal(buf_reserve(&s->out, len), 0);
        (void)ctr__version_response__pack(&m, (uint8_t *)s->out.data + s->out.len);
        s->out.len += len;
}

static ssize_t server_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
                           uint32_t *flags, nghttp2_data_source *source, void *arg) {
        struct served *s = source->ptr;
        size_t n = s->out.len - s->out_at;
        nghttp2_nv trailers[2] = {
                { (uint8_t *)(uintptr_t) "grpc-status", (uint8_t *)(uintptr_t)s->status, 11,
                  strlen(s->status), 0 },
                { (uint8_t *)(uintptr_t) "grpc-message", (uint8_t *)(uintptr_t)s->message, 12,
                  strlen(s->message), 0 },
        };

        (void)arg;
        if (n == 0 && !s->finishing)
                return NGHTTP2_ERR_DEFERRED;
        if (n > length)
                n = length;
        if (n > 0)
                memcpy(buf, s->out.data + s->out_at, n);
        s->out_at += n;
        server.sent_bytes += n;
        if (s->out_at == s->out.len && s->finishing) {
                *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
                (void)nghttp2_submit_trailer(session, id, trailers, 2);
        }
        return (ssize_t)n;
}

static void answer(struct connection *c, struct served *s) {
        static const nghttp2_nv headers[] = {
                { (uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "200", 7, 3, 0 },
                { (uint8_t *)(uintptr_t) "content-type", (uint8_t *)(uintptr_t) "application/grpc",
                  12, 16, 0 },
        };
        const nghttp2_data_provider data = { .source.ptr = s, .read_callback = server_data };

        assert_int_equal(nghttp2_submit_response(c->session, s->id, headers, 2, &data), 0);
}

/* Only headers: how gRPC answers at once with a failure, or a web server that is none. */
static void answer_headers(struct connection *c, struct served *s, const char *http,
                           const char *status, const char *message) {
        const nghttp2_nv headers[] = {
                { (uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t)http, 7, strlen(http),
                  0 },
                { (uint8_t *)(uintptr_t) "grpc-status", (uint8_t *)(uintptr_t)status, 11,
                  strlen(status), 0 },
                { (uint8_t *)(uintptr_t) "grpc-message", (uint8_t *)(uintptr_t)message, 12,
                  strlen(message), 0 },
        };

        assert_int_equal(nghttp2_submit_response(c->session, s->id, headers, *status ? 3 : 1, NULL),
                         0);
}

static void serve(struct connection *c, struct served *s) {
        s->status = "0";
        s->message = "";
        s->finishing = true;
        if (str_eq(s->path, "/echo")) {
                char text[200];

                (void)snprintf(text, sizeof(text), "%s %s %s", s->namespace, s->lease, s->timeout);
                add_message(s, text);
        } else if (str_eq(s->path, "/missing")) {
                answer_headers(c, s, "200", "5", "no such%20thing%21");
                return;
        } else if (str_eq(s->path, "/web")) {
                answer_headers(c, s, "404", "", "");
                return;
        } else if (str_eq(s->path, "/late-failure")) {
                add_message(s, "half");
                s->status = "13";
                s->message = "broke";
        } else if (str_eq(s->path, "/two")) {
                add_message(s, "one");
                add_message(s, "two");
        } else if (str_eq(s->path, "/garbage")) {
                assert_int_equal(buf_add(&s->out, "\0\0\0\0\3\377\377\377", 8), 0);
        } else if (str_eq(s->path, "/compressed")) {
                assert_int_equal(buf_add(&s->out, "\1\0\0\0\0", 5), 0);
        } else if (str_eq(s->path, "/huge")) {
                assert_int_equal(buf_add(&s->out, "\0\377\0\0\0", 5), 0);
        } else if (str_eq(s->path, "/cut")) {
                assert_int_equal(buf_add(&s->out, "\0\0\0\0\11a", 6), 0);
        } else if (str_eq(s->path, "/never")) {
                s->finishing = false;
        } else if (str_eq(s->path, "/many")) {
                char *big = malloc(10001);

                assert_non_null(big);
                memset(big, 'x', 10000);
                big[10000] = '\0';
                for (unsigned i = 0; i < 200; i++)
                        add_message(s, big);
                free(big);
        } else if (str_eq(s->path, "/reset")) {
                (void)nghttp2_submit_rst_stream(c->session, 0, s->id, NGHTTP2_REFUSED_STREAM);
                return;
        } else if (str_eq(s->path, "/goaway")) {
                (void)nghttp2_submit_goaway(c->session, 0, 0, 0, NULL, 0);
                return;
        }
        answer(c, s);
}

static struct served *served_of(nghttp2_session *session, int32_t id) {
        return nghttp2_session_get_stream_user_data(session, id);
}

static int server_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg) {
        struct connection *c = arg;
        struct served *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->id = frame->hd.stream_id;
        list_append(&c->streams, &s->link);
        (void)nghttp2_session_set_stream_user_data(session, s->id, s);
        return 0;
}

static int server_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
                         void *arg) {
        struct served *s = served_of(session, frame->hd.stream_id);
        const char *n = (const char *)name, *v = (const char *)value;

        (void)name_len;
        (void)flags;
        (void)arg;
        if (str_eq(n, ":path"))
                (void)str_copy_n(s->path, sizeof(s->path), v, len);
        else if (str_eq(n, "containerd-lease"))
                (void)str_copy_n(s->lease, sizeof(s->lease), v, len);
        else if (str_eq(n, "containerd-namespace"))
                (void)str_copy_n(s->namespace, sizeof(s->namespace), v, len);
        else if (str_eq(n, "grpc-timeout"))
                (void)str_copy_n(s->timeout, sizeof(s->timeout), v, len);
        return 0;
}

static int server_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg) {
        struct connection *c = arg;
        struct served *s;

        if (frame->hd.type == NGHTTP2_RST_STREAM)
                server.resets++;
        if (frame->hd.type == NGHTTP2_HEADERS) {
                s = served_of(session, frame->hd.stream_id);
                server.requests++;
                if (s && str_eq(s->path, "/full")) /* refuses in the middle of an upload */
                        answer_headers(c, s, "200", "8", "full");
        }
        if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
            (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
                return 0;
        s = served_of(session, frame->hd.stream_id);
        if (s && !str_eq(s->path, "/full"))
                serve(c, s);
        return 0;
}

static int server_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                        size_t len, void *arg) {
        struct served *s = served_of(session, id);
        const uint8_t *message;
        size_t message_len, used;

        (void)flags;
        (void)arg;
        if (!s)
                return 0;
        assert_int_equal(buf_add(&s->in, data, len), 0);
        while (grpc_frame_next(s->in.data, s->in.len, GRPC_MESSAGE_MAX, &message, &message_len,
                               &used) == 1) {
                server.got++;
                server.got_bytes += message_len;
                buf_consume(&s->in, used);
        }
        return 0;
}

static void served_free(struct served *s) {
        list_remove(&s->link);
        buf_done(&s->in);
        buf_done(&s->out);
        free(s);
}

static int server_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg) {
        struct served *s = served_of(session, id);

        (void)error;
        (void)arg;
        if (s)
                served_free(s);
        return 0;
}

static void on_connection_closed(uv_handle_t *handle) {
        struct connection *c = handle->data;
        struct served *s, *next;

        list_each(s, next, &c->streams, link) served_free(s);
        nghttp2_session_del(c->session);
        free(c);
}

static void server_hang_up(void) {
        struct connection *c = server.connection;

        if (!c)
                return;
        server.connection = NULL;
        uv_close((uv_handle_t *)&c->pipe, on_connection_closed);
}

static void on_written(uv_write_t *write, int status) {
        (void)status;
        free(write);
}

static void server_flush(struct connection *c) {
        const uint8_t *data;
        ssize_t n;

        while ((n = nghttp2_session_mem_send(c->session, &data)) > 0) {
                uv_write_t *write = malloc(sizeof(*write) + (size_t)n);
                uv_buf_t buf;

                assert_non_null(write);
                buf = uv_buf_init((char *)(write + 1), (unsigned)n);
                memcpy(buf.base, data, (size_t)n);
                (void)uv_write(write, (uv_stream_t *)&c->pipe, &buf, 1, on_written);
        }
}

static void server_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
        struct connection *c = handle->data;

        (void)size;
        *buf = uv_buf_init(c->in, sizeof(c->in));
}

static void server_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct connection *c = stream->data;

        if (c != server.connection)
                return;
        if (n < 0 ||
            nghttp2_session_mem_recv(c->session, (const uint8_t *)buf->base, (size_t)n) < 0)
                server_hang_up();
        else
                server_flush(c);
}

static void on_accept(uv_stream_t *listener, int status) {
        struct connection *c = calloc(1, sizeof(*c));
        nghttp2_session_callbacks *callbacks;

        assert_int_equal(status, 0);
        assert_non_null(c);
        server_hang_up();
        server.connection = c;
        server.accepted++;
        list_init(&c->streams);
        (void)uv_pipe_init(&loop, &c->pipe, 0);
        c->pipe.data = c;
        (void)uv_accept(listener, (uv_stream_t *)&c->pipe);
        (void)nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, server_begin);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, server_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, server_frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, server_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, server_stream_close);
        (void)nghttp2_session_server_new(&c->session, callbacks, c);
        nghttp2_session_callbacks_del(callbacks);
        (void)nghttp2_submit_settings(c->session, 0, NULL, 0);
        (void)uv_read_start((uv_stream_t *)&c->pipe, server_alloc, server_read);
        server_flush(c);
}

static void server_up(void) {
        (void)uv_pipe_init(&loop, &server.listener, 0);
        assert_int_equal(uv_pipe_bind(&server.listener, path), 0);
        assert_int_equal(uv_listen((uv_stream_t *)&server.listener, 8, on_accept), 0);
        server.listening = true;
}

static void server_down(void) {
        server_hang_up();
        uv_close((uv_handle_t *)&server.listener, NULL);
        server.listening = false;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        (void)unlink(path);
}

/* ---- the client's side ---- */

static struct grpc *g;
static struct {
        unsigned ups, downs;
        unsigned dones;
        int result;
        char why[400];
        char text[200];
        unsigned messages;
        size_t bytes;
        unsigned writables;
} seen;

static void on_state(void *arg, bool up, int error, const char *why) {
        (void)arg;
        if (up)
                seen.ups++;
        else
                seen.downs++;
        assert_int_equal(error == 0, up);
        assert_int_equal(why[0] == '\0', up);
}

static void on_reply(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)arg;
        seen.dones++;
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
        assert_int_equal(reply != NULL, result == 0);
        if (reply)
                (void)snprintf(seen.text, sizeof(seen.text), "%s",
                               ((const Ctr__VersionResponse *)reply)->version);
}

static void on_message(void *arg, const ProtobufCMessage *message) {
        (void)arg;
        seen.messages++;
        seen.bytes += strlen(((const Ctr__VersionResponse *)message)->version);
}

static void on_writable(void *arg) {
        (void)arg;
        seen.writables++;
}

static void on_done(void *arg, int result, const char *why) {
        on_reply(arg, result, why, NULL);
}

/* 'reply' is NULL for streams. */
static void on_stream_done(void *arg, int result, const char *why) {
        (void)arg;
        seen.dones++;
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static const struct grpc_stream_ops stream_ops = { on_message, on_writable, on_stream_done };

static void on_impatient(uv_timer_t *timer) {
        (void)timer;
        fail_msg("waited too long: %u done, last %d %s", seen.dones, seen.result, seen.why);
}

#define until(condition)                                                       \
        do {                                                                   \
                (void)uv_timer_start(&patience, on_impatient, PATIENCE_MS, 0); \
                while (!(condition))                                           \
                        (void)uv_run(&loop, UV_RUN_ONCE);                      \
                (void)uv_timer_stop(&patience);                                \
        } while (0)

static struct grpc_method method(const char *name, unsigned timeout_ms) {
        return (struct grpc_method){ name, &ctr__version_response__descriptor, timeout_ms };
}

static const Ctr__Empty nothing = CTR__EMPTY__INIT;

static int unary(const char *name, unsigned timeout_ms) {
        static struct grpc_method m; /* outlives the call, as a method must */

        m = method(name, timeout_ms);
        return grpc_unary(g, &m, NULL, &nothing.base, on_reply, NULL, NULL);
}

static int call(const char *name) {
        unsigned before = seen.dones;

        assert_int_equal(unary(name, 5000), 0);
        assert_int_equal(seen.dones, before); /* never from inside */
        until(seen.dones > before);
        assert_int_equal(seen.dones, before + 1);
        return seen.result;
}

static void open_client(void) {
        static const struct grpc_header headers[] = { { "containerd-namespace", "test" },
                                                      { NULL, NULL } };
        const struct grpc_config config = { .socket = path, .headers = headers };

        memset(&seen, 0, sizeof(seen));
        assert_int_equal(grpc_open(&loop, &config, on_state, NULL, &g), 0);
}

static int setup(void **state) {
        (void)state;
        memset(&server, 0, sizeof(server));
        (void)strcpy(dir, "/tmp/test_grpc.XXXXXX");
        assert_non_null(mkdtemp(dir));
        (void)snprintf(path, sizeof(path), "%s/sock", dir);
        (void)uv_loop_init(&loop);
        (void)uv_timer_init(&loop, &patience);
        server_up();
        open_client();
        until(seen.ups == 1);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        grpc_close(g);
        g = NULL;
        if (server.listening)
                server_down();
        uv_close((uv_handle_t *)&patience, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT); /* ends when nothing is left open */
        (void)rmdir(dir);
        return uv_loop_close(&loop);
}

static void answers(void **state) {
        static const struct {
                const char *name;
                int want;
                const char *why;
        } cases[] = {
                { "/echo", 0, "" },
                { "/missing", -ENOENT, "no such thing!" },
                { "/web", -EPROTO, "no gRPC status, HTTP status 404" },
                { "/late-failure", -EIO, "broke" },
                { "/two", -EPROTO, "the server's answer to /two is bad" },
                { "/garbage", -EPROTO, "the server's answer to /garbage is bad" },
                { "/compressed", -EBADMSG, "the server's answer to /compressed is bad" },
                { "/huge", -EMSGSIZE, "the server's answer to /huge is bad" },
                { "/cut", -EPROTO, "the server's answer to /cut is bad" },
                { "/reset", -EHOSTDOWN, "the server refuses calls" },
                { "/echo", 0, "" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(call(cases[i].name), cases[i].want);
                assert_string_equal(seen.why, cases[i].why);
        }
        assert_int_equal(server.accepted, 1);
}

static void headers(void **state) {
        static const struct grpc_header lease[] = { { "containerd-lease", "l1" }, { NULL, NULL } };
        const struct grpc_method m = method("/echo", 7000);

        (void)state;
        assert_int_equal(grpc_unary(g, &m, lease, &nothing.base, on_reply, NULL, NULL), 0);
        until(seen.dones == 1);
        assert_string_equal(seen.text, "test l1 7000m");
}

static void deadlines(void **state) {
        (void)state;
        assert_int_equal(unary("/never", 50), 0);
        until(seen.dones == 1);
        assert_int_equal(seen.result, -ETIMEDOUT);
        until(server.resets == 1); /* and the server knows */
        assert_int_equal(call("/echo"), 0);
}

static void receives(void **state) {
        const struct grpc_method m = method("/many", 0);
        struct grpc_call *c;
        size_t sent;

        (void)state;
        assert_int_equal(grpc_stream(g, &m, NULL, &stream_ops, NULL, &c), 0);
        assert_int_equal(grpc_send(c, &nothing.base), 0);
        grpc_send_end(c);
        assert_int_equal(grpc_send(c, &nothing.base), -EPIPE);
        until(seen.messages > 0);
        grpc_pause(c);
        sent = seen.messages;
        assert_int_equal(call("/echo"), 0); /* others go on */
        assert_int_equal(call("/echo"), 0);
        assert_int_equal(seen.messages, sent);
        assert_true(server.sent_bytes < 1000000); /* it has to wait: 2 MB are to come */
        grpc_resume(c);
        until(seen.dones == 3);
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.messages, 200);
        assert_int_equal(seen.bytes, 200 * 10000);
}

static void sends(void **state) {
        const struct grpc_method m = method("/upload", 0);
        Ctr__ContentWriteRequest request = CTR__CONTENT_WRITE_REQUEST__INIT;
        size_t bytes = 0, len = 300000;
        uint8_t *data = calloc(1, len);
        unsigned waits = 0;
        struct grpc_call *c;

        (void)state;
        assert_non_null(data);
        request.data.data = data;
        request.data.len = len;
        assert_int_equal(grpc_stream(g, &m, NULL, &stream_ops, NULL, &c), 0);
        for (unsigned i = 0; i < 30; i++) {
                int r = grpc_send(c, &request.base);

                bytes += ctr__content_write_request__get_packed_size(&request);
                if (r == -EAGAIN) {
                        until(seen.writables > waits);
                        waits = seen.writables;
                } else {
                        assert_int_equal(r, 0);
                }
        }
        assert_true(waits > 0);
        grpc_send_end(c);
        until(seen.dones == 1);
        assert_int_equal(seen.result, 0);
        assert_int_equal(server.got, 30);
        assert_int_equal(server.got_bytes, bytes);
        free(data);
}

/* The server says no while we still have things to say. */
static void refused_early(void **state) {
        const struct grpc_method m = method("/full", 0);
        struct grpc_call *c;

        (void)state;
        assert_int_equal(grpc_stream(g, &m, NULL, &stream_ops, NULL, &c), 0);
        assert_int_equal(grpc_send(c, &nothing.base), 0);
        until(seen.dones == 1);
        assert_int_equal(seen.result, -ENOBUFS);
        assert_string_equal(seen.why, "full");
        assert_int_equal(call("/echo"), 0);
}

static void stream_fails(void **state) {
        static const struct {
                const char *name;
                int want;
                unsigned messages;
        } cases[] = {
                { "/late-failure", -EIO, 1 }, { "/two", 0, 2 },
                { "/garbage", -EBADMSG, 0 },  { "/compressed", -EBADMSG, 0 },
                { "/huge", -EMSGSIZE, 0 },    { "/cut", -EBADMSG, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct grpc_method m = method(cases[i].name, 0);
                unsigned before = seen.dones;
                struct grpc_call *c;

                seen.messages = 0;
                assert_int_equal(grpc_stream(g, &m, NULL, &stream_ops, NULL, &c), 0);
                assert_int_equal(grpc_send(c, &nothing.base), 0);
                grpc_send_end(c);
                until(seen.dones > before);
                assert_int_equal(seen.result, cases[i].want);
                assert_int_equal(seen.messages, cases[i].messages);
        }
}

static void cancels(void **state) {
        const struct grpc_method never = method("/never", 0), echo = method("/echo", 5000);
        struct grpc_call *a, *b;

        (void)state;
        assert_int_equal(grpc_stream(g, &never, NULL, &stream_ops, NULL, &a), 0);
        assert_int_equal(grpc_send(a, &nothing.base), 0);
        grpc_send_end(a);
        until(server.requests == 1);
        grpc_cancel(a);
        /* before it was even sent */
        assert_int_equal(grpc_unary(g, &echo, NULL, &nothing.base, on_reply, NULL, &b), 0);
        grpc_cancel(b);
        grpc_cancel(NULL);
        until(server.resets >= 1);
        assert_int_equal(call("/echo"), 0);
        assert_int_equal(seen.dones, 1);
}

static struct grpc_call *to_cancel;

static void cancel_inside(void *arg, const ProtobufCMessage *message) {
        on_message(arg, message);
        if (seen.messages == 2)
                grpc_cancel(to_cancel);
}

static void cancels_inside(void **state) {
        const struct grpc_stream_ops ops = { cancel_inside, NULL, on_done };
        const struct grpc_method m = method("/many", 0);

        (void)state;
        assert_int_equal(grpc_stream(g, &m, NULL, &ops, NULL, &to_cancel), 0);
        assert_int_equal(grpc_send(to_cancel, &nothing.base), 0);
        grpc_send_end(to_cancel);
        until(server.resets == 1);
        assert_int_equal(call("/echo"), 0);
        assert_int_equal(seen.messages, 2);
        assert_int_equal(seen.dones, 1);
}

static void reconnects(void **state) {
        (void)state;
        assert_int_equal(unary("/never", 5000), 0);
        until(server.requests == 1);
        server_hang_up();
        until(seen.dones == 1 && seen.downs == 1);
        assert_int_equal(seen.result, -ECONNRESET);
        until(seen.ups == 2);
        assert_int_equal(call("/echo"), 0);
        /* away for longer: told once, and calls fail at once */
        server_down();
        until(seen.downs == 2);
        assert_false(grpc_up(g));
        assert_int_equal(unary("/echo", 100), -ENOTCONN);
        server_up();
        until(seen.ups == 3);
        assert_int_equal(seen.downs, 2);
        assert_int_equal(call("/echo"), 0);
        assert_int_equal(server.accepted, 3);
}

static void goes_away(void **state) {
        (void)state;
        /* the server says that it did not begin with the call */
        assert_int_equal(call("/goaway"), -EHOSTDOWN);
        until(seen.ups == 2);
        assert_int_equal(call("/echo"), 0);
}

static void closes(void **state) {
        const struct grpc_method m = method("/never", 0);
        struct grpc_call *c;

        (void)state;
        assert_int_equal(unary("/never", 5000), 0);
        assert_int_equal(grpc_stream(g, &m, NULL, &stream_ops, NULL, &c), 0);
        grpc_close(g);
        assert_int_equal(seen.dones, 2);
        assert_int_equal(seen.result, -ECANCELED);
        assert_int_equal(seen.downs, 0);
        grpc_close(NULL);
        open_client();
        until(seen.ups == 1);
}

static void close_inside(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        on_reply(arg, result, why, reply);
        if (g)
                grpc_close(g);
        g = NULL;
}

static void closes_inside(void **state) {
        const struct grpc_method echo = method("/echo", 5000), never = method("/never", 5000);
        const struct grpc_method many = method("/many", 0);
        struct grpc_call *c;

        (void)state;
        assert_int_equal(grpc_unary(g, &never, NULL, &nothing.base, on_reply, NULL, NULL), 0);
        assert_int_equal(grpc_stream(g, &many, NULL, &stream_ops, NULL, &c), 0);
        assert_int_equal(grpc_send(c, &nothing.base), 0);
        grpc_send_end(c);
        assert_int_equal(grpc_unary(g, &echo, NULL, &nothing.base, close_inside, NULL, NULL), 0);
        until(seen.dones == 3);
        open_client();
        until(seen.ups == 1);
}

/* Not there yet, and something that is no server. */
static void waits(void **state) {
        (void)state;
        grpc_close(g);
        server_down();
        open_client();
        until(seen.downs == 1);
        server_up();
        until(seen.ups == 1);
        assert_int_equal(seen.downs, 1);
}

static void too_much(void **state) {
        const struct grpc_config config = {
                .socket = "/a/path/that/is/far/too/long/for/the/address/of/a/unix/socket/because/"
                          "it/has/more/than/one/hundred/and/eight/bytes"
        };
        Ctr__ContentWriteRequest request = CTR__CONTENT_WRITE_REQUEST__INIT;
        const struct grpc_method m = method("/never", 0);
        struct grpc *other = NULL;
        unsigned n = 0;
        int r;

        (void)state;
        assert_int_equal(grpc_open(&loop, &config, on_state, NULL, &other), -ENAMETOOLONG);
        assert_null(other);
        request.data.len = GRPC_MESSAGE_MAX;
        request.data.data = calloc(1, GRPC_MESSAGE_MAX);
        assert_non_null(request.data.data);
        assert_int_equal(grpc_unary(g, &m, NULL, &request.base, on_reply, NULL, NULL), -EMSGSIZE);
        free(request.data.data);
        while ((r = unary("/never", 0)) == 0)
                n++;
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(n, GRPC_CALLS_MAX);
        server_hang_up();
        until(seen.dones == GRPC_CALLS_MAX);
        until(seen.ups == 2);
        assert_int_equal(call("/echo"), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(answers),        TEST(headers),       TEST(deadlines),    TEST(receives),
                TEST(sends),          TEST(refused_early), TEST(stream_fails), TEST(cancels),
                TEST(cancels_inside), TEST(reconnects),    TEST(goes_away),    TEST(closes),
                TEST(closes_inside),  TEST(waits),         TEST(too_much),
        };

        (void)signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
