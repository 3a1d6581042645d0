#include "core/http_forward.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct http_forward call = {
        .id = "an-id",
        .start_ns = UINT64_C(1700000000123456789),
        .peer = "10.0.0.9",
        .function = "hello",
};
#define CALL "X-Call-Id: an-id\r\nX-Start-Time: 1700000000123456789\r\n"

static void requests(void **state) {
        static const struct {
                const char *in, *rest;
                bool upgrade;
                const char *want;
        } cases[] = {
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\n\r\n", "", false,
                  "GET / HTTP/1.1\r\nHost: m1\r\nX-Forwarded-Host: m1\r\n"
                  "X-Forwarded-For: 10.0.0.9\r\n" CALL "\r\n" },
                { "GET /function/hello/a/b?c=%20d HTTP/1.0\r\n\r\n", "/a/b", false,
                  "GET /a/b?c=%20d HTTP/1.1\r\nHost: hello\r\nX-Forwarded-For: 10.0.0.9\r\n" CALL
                  "\r\n" },
                { "POST /function/hello? HTTP/1.1\r\nHost: m1\r\nContent-Length: 007\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  "", false,
                  "POST /? HTTP/1.1\r\nHost: m1\r\nX-Forwarded-Host: m1\r\n"
                  "X-Forwarded-For: 10.0.0.9\r\n" CALL "Content-Length: 7\r\n\r\n" },
                { "POST /function/hello HTTP/1.1\r\nHost: m1\r\nTransfer-Encoding: Chunked\r\n"
                  "TE: trailers\r\nTrailer: X\r\nAccept:  */*  \r\nEmpty:\r\n\r\n",
                  "", false,
                  "POST / HTTP/1.1\r\nHost: m1\r\nAccept: */*\r\nEmpty: \r\n"
                  "X-Forwarded-Host: m1\r\nX-Forwarded-For: 10.0.0.9\r\n" CALL
                  "Transfer-Encoding: chunked\r\n\r\n" },
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\nX-Forwarded-For: 1.1.1.1\r\n"
                  "X-Forwarded-Host: example.org\r\nX-FORWARDED-FOR: 2.2.2.2\r\n"
                  "X-Call-Id: theirs\r\nX-Start-Time: 1\r\n\r\n",
                  "", false,
                  "GET / HTTP/1.1\r\nHost: m1\r\nX-Forwarded-Host: example.org\r\n"
                  "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.9\r\n" CALL "\r\n" },
                /* whoever is logged in to the dashboard keeps that from functions */
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\nX-Bramble-CSRF: token\r\n"
                  "Cookie: a=1; bramble_session=token; b=2\r\nX-Bramble-CSRF-Not: 1\r\n\r\n",
                  "", false,
                  "GET / HTTP/1.1\r\nHost: m1\r\nCookie: a=1; b=2\r\nX-Bramble-CSRF-Not: 1\r\n"
                  "X-Forwarded-Host: m1\r\nX-Forwarded-For: 10.0.0.9\r\n" CALL "\r\n" },
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\n"
                  "cookie: bramble_session=token;bramble_login=x\r\nCookie: other=bramble_\r\n\r\n",
                  "", false,
                  "GET / HTTP/1.1\r\nHost: m1\r\nCookie: other=bramble_\r\n"
                  "X-Forwarded-Host: m1\r\nX-Forwarded-For: 10.0.0.9\r\n" CALL "\r\n" },
                /* a client that wants headers gone that others rely on */
                { "POST /function/hello HTTP/1.1\r\nHost: m1\r\nContent-Length: 3\r\n"
                  "Connection: host, content-length, x-forwarded-for, x-mine\r\nX-Mine: 1\r\n\r\n",
                  "", false,
                  "POST / HTTP/1.1\r\nHost: hello\r\nX-Forwarded-Host: m1\r\n"
                  "X-Forwarded-For: 10.0.0.9\r\n" CALL "Content-Length: 3\r\n\r\n" },
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\nConnection: keep-alive, Upgrade\r\n"
                  "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
                  "", true,
                  "GET / HTTP/1.1\r\nHost: m1\r\nSec-WebSocket-Key: x\r\nX-Forwarded-Host: m1\r\n"
                  "X-Forwarded-For: 10.0.0.9\r\n" CALL
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
                { "GET /function/hello HTTP/1.1\r\nHost: m1\r\nConnection: Upgrade\r\n"
                  "Upgrade: h2c\r\n\r\n",
                  "", false,
                  "GET / HTTP/1.1\r\nHost: m1\r\nX-Forwarded-Host: m1\r\n"
                  "X-Forwarded-For: 10.0.0.9\r\n" CALL "\r\n" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_forward own = call;
                struct http_head head;
                struct buf out = { 0 };
                size_t scanned = 0;

                own.rest = (struct http_text){ cases[i].rest, strlen(cases[i].rest) };
                assert_true(http_parse_request(cases[i].in, strlen(cases[i].in), &scanned, &head) >
                            0);
                assert_int_equal(http_forward_request(&out, &head, &own, cases[i].upgrade), 0);
                assert_string_equal(out.data, cases[i].want);
                buf_done(&out);
        }
}

static void responses(void **state) {
        static const struct {
                const char *in;
                bool head_request, chunked;
                const char *connection, *want;
        } cases[] = {
                { "HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nServer: x\r\nConnection: close\r\n"
                  "Keep-Alive: 5\r\nX-Call-Id: theirs\r\n\r\n",
                  false, true, "",
                  "HTTP/1.1 200 Fine\r\nServer: x\r\n" CALL "Content-Length: 5\r\n\r\n" },
                { "HTTP/1.0 404\r\n\r\n", false, true, "Connection: close\r\n",
                  "HTTP/1.1 404 Not Found\r\n" CALL "Connection: close\r\n\r\n" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, true, "",
                  "HTTP/1.1 200 OK\r\n" CALL "Transfer-Encoding: chunked\r\n\r\n" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, false,
                  "Connection: close\r\n", "HTTP/1.1 200 OK\r\n" CALL "Connection: close\r\n\r\n" },
                { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, true, "",
                  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" CALL "\r\n" },
                { "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, true, "",
                  "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" CALL "\r\n" },
                { "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, true, "",
                  "HTTP/1.1 204 No Content\r\n" CALL "\r\n" },
                { "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: bramble_session=; "
                  "Max-Age=0\r\n"
                  "set-cookie: =bramble_login=x\r\nClear-Site-Data: \"*\"\r\n"
                  "Content-Length: 5\r\n\r\n",
                  false, true, "",
                  "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n" CALL "Content-Length: 5\r\n\r\n" },
                { "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false, true, "",
                  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" },
                { "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                  false, true, "Connection: close\r\n",
                  "HTTP/1.1 101 Switching\r\n" CALL
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_head head;
                struct buf out = { 0 };
                size_t scanned = 0;

                assert_true(http_parse_response(cases[i].in, strlen(cases[i].in), &scanned,
                                                cases[i].head_request, &head) > 0);
                assert_int_equal(http_forward_response(&out, &head, &call, cases[i].connection,
                                                       cases[i].chunked),
                                 0);
                assert_string_equal(out.data, cases[i].want);
                buf_done(&out);
        }
}

/* Inside of a container nobody is forwarded, and what the gateway said is to be seen. */
static void as_it_was(void **state) {
        static const char request[] = "POST /a HTTP/1.1\r\nHost: m1\r\nX-Call-Id: i\r\n"
                                      "X-Start-Time: 1\r\nX-Forwarded-For: 1.1.1.1\r\n"
                                      "Expect: 100-continue\r\nConnection: close\r\n"
                                      "Content-Length: 3\r\n\r\n",
                          response[] = "HTTP/1.1 200 OK\r\nX-Call-Id: i\r\nKeep-Alive: 5\r\n"
                                       "Content-Length: 3\r\n\r\n";
        struct http_forward own = { .function = "localhost", .rest = { "/b/a", 4 } };
        struct http_head head;
        struct buf out = { 0 };
        size_t scanned = 0;

        (void)state;
        assert_true(http_parse_request(request, sizeof(request) - 1, &scanned, &head) > 0);
        assert_int_equal(http_forward_request(&out, &head, &own, false), 0);
        assert_string_equal(out.data, "POST /b/a HTTP/1.1\r\nHost: m1\r\nX-Call-Id: i\r\n"
                                      "X-Start-Time: 1\r\nX-Forwarded-For: 1.1.1.1\r\n"
                                      "Content-Length: 3\r\n\r\n");
        buf_done(&out);
        scanned = 0;
        assert_true(http_parse_response(response, sizeof(response) - 1, &scanned, false, &head) >
                    0);
        assert_int_equal(http_forward_response(&out, &head, &own, "X: y\r\n", false), 0);
        assert_string_equal(out.data, "HTTP/1.1 200 OK\r\nX-Call-Id: i\r\nContent-Length: 3\r\n"
                                      "X: y\r\n\r\n");
        buf_done(&out);
}

static void sandbox(void **state) {
        static const char in[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        struct http_forward boxed = call;
        struct http_head head;
        size_t scanned = 0;
        struct buf out = { 0 };

        (void)state;
        boxed.sandbox = true;
        assert_true(http_parse_response(in, sizeof(in) - 1, &scanned, false, &head) > 0);
        assert_int_equal(http_forward_response(&out, &head, &call, "", true), 0);
        assert_null(strstr(out.data, "sandbox"));
        out.len = 0;
        assert_int_equal(http_forward_response(&out, &head, &boxed, "", true), 0);
        assert_non_null(strstr(out.data, "\r\nContent-Security-Policy: sandbox allow-scripts "));
        assert_null(strstr(out.data, "allow-same-origin"));
        buf_done(&out);
}

static void ids(void **state) {
        static const char given[] = "GET / HTTP/1.0\r\nX-CALL-ID: a b\r\n\r\n",
                          empty[] = "GET / HTTP/1.0\r\nX-Call-Id:\r\n\r\n";
        char large[HTTP_FORWARD_ID_MAX + 64];
        struct http_head head;
        size_t scanned = 0;

        (void)state;
        assert_true(http_parse_request(given, sizeof(given) - 1, &scanned, &head) > 0);
        assert_true(http_text_is(http_forward_id(&head), "a b"));
        scanned = 0;
        assert_true(http_parse_request(empty, sizeof(empty) - 1, &scanned, &head) > 0);
        assert_null(http_forward_id(&head));

        strcpy(large, "GET / HTTP/1.0\r\nX-Call-Id: ");
        memset(large + strlen(large) + 1, 'a', HTTP_FORWARD_ID_MAX + 1);
        large[strlen(large)] = 'a';
        strcpy(large + 27 + HTTP_FORWARD_ID_MAX + 1, "\r\n\r\n");
        scanned = 0;
        assert_true(http_parse_request(large, strlen(large), &scanned, &head) > 0);
        assert_null(http_forward_id(&head));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests),  cmocka_unit_test(responses),
                cmocka_unit_test(as_it_was), cmocka_unit_test(sandbox),
                cmocka_unit_test(ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
