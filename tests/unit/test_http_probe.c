#include "io/http_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A server on the same loop that says one text to whoever asks, and hangs up, or does not. */
struct server {
        uv_tcp_t listener, client;
        uv_write_t write;
        const char *text; /* NULL: never answers */
        bool stay;
        uint16_t port;
        int answer; /* what the probe said; 1: nothing yet */
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
        static char room[4096];

        (void)handle;
        (void)suggested;
        *ret = uv_buf_init(room, sizeof(room));
}

static void on_written(uv_write_t *write, int status) {
        struct server *s = write->data;

        (void)status;
        if (!s->stay)
                uv_close((uv_handle_t *)&s->client, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct server *s = stream->data;
        uv_buf_t out;

        if (n < 0) {
                if (!uv_is_closing((uv_handle_t *)&s->client))
                        uv_close((uv_handle_t *)&s->client, NULL);
                return;
        }
        assert_memory_equal(buf->base, "GET /healthz HTTP/1.1\r\n", 23);
        if (!s->text)
                return;
        out = uv_buf_init((char *)(uintptr_t)s->text, (unsigned)strlen(s->text));
        s->write.data = s;
        assert_int_equal(uv_write(&s->write, stream, &out, 1, on_written), 0);
}

static void on_client(uv_stream_t *listener, int status) {
        struct server *s = listener->data;

        assert_int_equal(status, 0);
        assert_int_equal(uv_tcp_init(listener->loop, &s->client), 0);
        s->client.data = s;
        assert_int_equal(uv_accept(listener, (uv_stream_t *)&s->client), 0);
        assert_int_equal(uv_read_start((uv_stream_t *)&s->client, on_alloc, on_read), 0);
}

static void serve(uv_loop_t *loop, struct server *s) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        int len = sizeof(address);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(uv_tcp_init(loop, &s->listener), 0);
        s->listener.data = s;
        assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0), 0);
        assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 4, on_client), 0);
        assert_int_equal(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len), 0);
        s->port = ntohs(address.sin_port);
}

static void on_answer(void *arg, int status) {
        struct server *s = arg;

        assert_int_equal(s->answer, 1); /* once */
        s->answer = status;
        uv_close((uv_handle_t *)&s->listener, NULL);
}

static void answers(void **state) {
        static const struct {
                const char *text;
                bool stay;
                int want;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200 },
                { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, 200 },
                { "HTTP/1.0 500 no\r\n\r\n", false, 500 },
                { "HTTP/1.1 200", false, -EPROTO }, /* it ended */
                { "SSH-2.0-OpenSSH\r\n\r\n", false, -EPROTO },
                { "", false, -EPROTO },
                { NULL, true, -ETIMEDOUT },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uv_loop_t loop;
                struct server s = { .text = cases[i].text, .stay = cases[i].stay, .answer = 1 };

                assert_int_equal(uv_loop_init(&loop), 0);
                serve(&loop, &s);
                assert_int_equal(http_probe(&loop, s.port, "/healthz", on_answer, &s), 0);
                (void)uv_run(&loop, UV_RUN_DEFAULT);
                assert_int_equal(s.answer, cases[i].want);
                assert_int_equal(uv_loop_close(&loop), 0);
        }
}

static void nobody_listens(void **state) {
        uv_loop_t loop;
        struct server s = { .answer = 1 };

        (void)state;
        assert_int_equal(uv_loop_init(&loop), 0);
        serve(&loop, &s); /* a port that is free again once this one is closed */
        uv_close((uv_handle_t *)&s.listener, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(uv_tcp_init(&loop, &s.listener), 0); /* for on_answer to close */
        assert_int_equal(http_probe(&loop, s.port, "/healthz", on_answer, &s), 0);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(s.answer, -ECONNREFUSED);
        assert_int_equal(uv_loop_close(&loop), 0);
        assert_int_equal(http_probe(&loop, 1,
                                    "/a-path-that-is-longer-than-sixty-four-bytes-is-"
                                    "no-path-of-a-health-check",
                                    on_answer, &s),
                         -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(answers),
                                            cmocka_unit_test(nobody_listens) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
