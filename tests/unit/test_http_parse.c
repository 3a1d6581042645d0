#include "core/http_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define HOST "Host: b\r\n"

static long parse_request(const char *text, struct http_head *h) {
        size_t scanned = 0;

        return http_parse_request(text, strlen(text), &scanned, h);
}

static void requests(void **state) {
        static const struct {
                const char *in;
                const char *method, *path, *query;
                enum http_body body;
                uint64_t length;
                bool keep_alive, upgrade, expect;
        } cases[] = {
                { "GET / HTTP/1.1\r\n" HOST "\r\n", "GET", "/", "", 0, 0, true, false, false },
                { "GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n", "GET", "/a/b", "c=d&e", 0, 0, true,
                  false, false },
                { "GET /a? HTTP/1.0\r\n\r\n", "GET", "/a", "", 0, 0, false, false, false },
                { "GET /\xc3\xbc HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/\xc3\xbc",
                  "", 0, 0, true, false, false },
                { "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n", "PUT", "/x", "",
                  HTTP_BODY_LENGTH, 17, true, false, false },
                { "PUT /x HTTP/1.1\r\n" HOST "content-length: 5\r\nContent-Length:5\r\n\r\n", "PUT",
                  "/x", "", HTTP_BODY_LENGTH, 5, true, false, false },
                { "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "PUT", "/x", "",
                  HTTP_BODY_LENGTH, 0, true, false, false },
                { "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", "POST", "/x",
                  "", HTTP_BODY_CHUNKED, 0, true, false, false },
                { "POST /x HTTP/1.1\r\n" HOST
                  "Expect: 100-continue\r\nContent-Length: 3\r\nConnection: foo, close\r\n\r\n",
                  "POST", "/x", "", HTTP_BODY_LENGTH, 3, false, false, true },
                { "GET /ws HTTP/1.1\r\n" HOST
                  "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
                  "GET", "/ws", "", 0, 0, true, true, false },
                { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS", "", "", 0, 0, true, false,
                  false },
                { "X-Y!z /?? HTTP/1.9\r\n" HOST "\r\n", "X-Y!z", "/", "?", 0, 0, true, false,
                  false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_head h;

                assert_int_equal(parse_request(cases[i].in, &h), strlen(cases[i].in));
                assert_true(http_text_is(&h.method, cases[i].method));
                assert_true(http_text_is(&h.path, cases[i].path));
                assert_true(http_text_is(&h.query, cases[i].query));
                assert_int_equal(h.body, cases[i].body);
                assert_int_equal(h.length, cases[i].length);
                assert_int_equal(h.keep_alive, cases[i].keep_alive);
                assert_int_equal(h.upgrade, cases[i].upgrade);
                assert_int_equal(h.expect_continue, cases[i].expect);
        }
}

/* Everything that two servers could read in two ways, and plain rubbish. */
static void refused_requests(void **state) {
        static const struct {
                const char *in;
                long want;
        } cases[] = {
                { "POST / HTTP/1.1\r\n" HOST
                  "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST
                  "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
                  -EOPNOTSUPP },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", -EOPNOTSUPP },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", -EOPNOTSUPP },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n",
                  -EOPNOTSUPP },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
                  "chunked\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST
                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST
                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
                  -EBADMSG },
                { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n", -EBADMSG },
                { "POST / HTTP/1.1\r\n" HOST " Transfer-Encoding: chunked\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X: a\rContent-Length: 3\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X: a\nContent-Length: 3\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "\n", -EBADMSG },
                { "\n", -EBADMSG },
                { "\r\n", -EBADMSG },
                { "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST "X(: a\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n\r\n", -EBADMSG },
                { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", -EBADMSG },
                { "GET  / HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET /  HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET / HTTP/1.1 \r\n" HOST "\r\n", -EBADMSG },
                { "GET /a b HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET /a\tb HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET /a#b HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { " GET / HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "G@T / HTTP/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET /\r\n" HOST "\r\n", -EBADMSG },
                { "GET / http/1.1\r\n" HOST "\r\n", -EBADMSG },
                { "GET / HTTP/11\r\n" HOST "\r\n", -EBADMSG },
                { "GET / HTTP/2.0\r\n" HOST "\r\n", -EPROTONOSUPPORT },
                { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", -EPROTONOSUPPORT },
                { "GET / HTTP/1.1\r\n" HOST "\r", 0 },
                { "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_head h;
                long got = parse_request(cases[i].in, &h);

                if (got != cases[i].want)
                        fail_msg("case %zu: %ld, not %ld", i, got, cases[i].want);
        }
}

static void nul_bytes(void **state) {
        static const char in[] = "GET / HTTP/1.1\r\nHost: b\r\nX: a\0b\r\n\r\n";
        struct http_head h;
        size_t scanned = 0;

        (void)state;
        assert_int_equal(http_parse_request(in, sizeof(in) - 1, &scanned, &h), -EBADMSG);
}

static void large_heads(void **state) {
        char *text = malloc(HTTP_HEAD_BYTES + 16);
        struct http_head h;
        size_t scanned = 0, at;

        (void)state;
        assert_non_null(text);
        memset(text, 'a', HTTP_HEAD_BYTES + 16);
        assert_int_equal(http_parse_request(text, HTTP_HEAD_BYTES - 1, &scanned, &h), 0);
        assert_int_equal(scanned, HTTP_HEAD_BYTES - 1);
        assert_int_equal(http_parse_request(text, HTTP_HEAD_BYTES, &scanned, &h), -E2BIG);

        strcpy(text, "GET / HTTP/1.0\r\n");
        at = strlen(text);
        for (unsigned i = 0; i <= HTTP_HEADERS; i++, at += 5)
                strcpy(text + at, "A:b\r\n");
        strcpy(text + at, "\r\n");
        scanned = 0;
        assert_int_equal(http_parse_request(text, at + 2, &scanned, &h), -E2BIG);
        strcpy(text + at - 5, "\r\n");
        scanned = 0;
        assert_int_equal(http_parse_request(text, at - 3, &scanned, &h), at - 3);
        assert_int_equal(h.n_headers, HTTP_HEADERS);
        free(text);
}

static void responses(void **state) {
        static const struct {
                const char *in;
                bool head;
                long want; /* 0: the whole input */
                uint16_t status;
                enum http_body body;
                bool keep_alive;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 0, 200, HTTP_BODY_LENGTH,
                  true },
                { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 0, 200, HTTP_BODY_NONE,
                  true },
                { "HTTP/1.1 200\r\n\r\n", false, 0, 200, HTTP_BODY_UNTIL_CLOSE, false },
                { "HTTP/1.1 200 \r\n\r\n", false, 0, 200, HTTP_BODY_UNTIL_CLOSE, false },
                { "HTTP/1.0 200 Not bad\r\n\r\n", false, 0, 200, HTTP_BODY_UNTIL_CLOSE, false },
                { "HTTP/1.1 204 No\r\n\r\n", false, 0, 204, HTTP_BODY_NONE, true },
                { "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", false, 0, 304, HTTP_BODY_NONE,
                  true },
                { "HTTP/1.1 100 Continue\r\n\r\n", false, 0, 100, HTTP_BODY_NONE, true },
                { "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false, 0, 101,
                  HTTP_BODY_NONE, true },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
                  false, 0, 200, HTTP_BODY_CHUNKED, false },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
                  false, -EBADMSG, 0, 0, false },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, -EOPNOTSUPP, 0, 0,
                  false },
                { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, -EBADMSG, 0, 0,
                  false },
                { "HTTP/1.1 99 X\r\n\r\n", false, -EBADMSG, 0, 0, false },
                { "HTTP/1.1 600 X\r\n\r\n", false, -EBADMSG, 0, 0, false },
                { "HTTP/1.1 2000 X\r\n\r\n", false, -EBADMSG, 0, 0, false },
                { "HTTP/1.1  200 X\r\n\r\n", false, -EBADMSG, 0, 0, false },
                { "HTTP/2.0 200 X\r\n\r\n", false, -EPROTONOSUPPORT, 0, 0, false },
                { "hello, I am no HTTP server\r\n\r\n", false, -EBADMSG, 0, 0, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                long want = cases[i].want ? cases[i].want : (long)strlen(cases[i].in);
                struct http_head h;
                size_t scanned = 0;
                long got = http_parse_response(cases[i].in, strlen(cases[i].in), &scanned,
                                               cases[i].head, &h);

                if (got != want)
                        fail_msg("case %zu: %ld, not %ld", i, got, want);
                if (want < 0)
                        continue;
                assert_int_equal(h.status, cases[i].status);
                assert_int_equal(h.body, cases[i].body);
                assert_int_equal(h.keep_alive, cases[i].keep_alive);
        }
}

static void headers(void **state) {
        static const char in[] = "GET / HTTP/1.1\r\nHOST:  b \t\r\nConnection: X-Gone , close\r\n"
                                 "Accept: a,b\r\nConnection: x-other\r\nEmpty:\r\n\r\n";
        static const struct {
                const char *name;
                bool want;
        } hop[] = {
                { "Connection", true },       { "keep-alive", true },      { "TE", true },
                { "Proxy-Connection", true }, { "Proxy-Foo", true },       { "Upgrade", true },
                { "x-gone", true },           { "X-Other", true },         { "Host", false },
                { "Accept", false },          { "Content-Length", false }, { "x", false },
        };
        struct http_head h;
        struct http_text list = { " gzip;q=1 ,, chunked", 20 };

        (void)state;
        assert_true(parse_request(in, &h) > 0);
        assert_true(http_text_is(http_header(&h, "host"), "b"));
        assert_true(http_text_is(http_header(&h, "empty"), ""));
        assert_null(http_header(&h, "hos"));
        assert_null(http_header(&h, "hostt"));
        for (size_t i = 0; i < sizeof(hop) / sizeof(hop[0]); i++) {
                struct http_text name = { hop[i].name, strlen(hop[i].name) };

                assert_int_equal(http_hop_by_hop(&h, &name), hop[i].want);
        }
        assert_true(http_list_has(&list, "chunked"));
        assert_true(http_list_has(&list, "GZIP;q=1"));
        assert_false(http_list_has(&list, "gzip"));
        assert_true(http_text_is_nocase(&(struct http_text){ "AbC", 3 }, "aBc"));
        assert_false(http_text_is_nocase(&(struct http_text){ "AbC", 3 }, "aB"));
}

static void incomplete_heads_are_searched_once(void **state) {
        static const char in[] = "GET / HTTP/1.1\r\nHost: b\r\n\r\nGET /next";
        struct http_head h;
        size_t scanned = 0;

        (void)state;
        for (size_t len = 0; len < 27; len++) {
                assert_int_equal(http_parse_request(in, len, &scanned, &h), 0);
                assert_true(scanned <= len);
        }
        assert_int_equal(http_parse_request(in, 27, &scanned, &h), 27);
}

/* Reads a whole chunked body in pieces of 'step' bytes. */
static int read_chunks(const char *in, size_t step, char *body, size_t *ret_used) {
        struct http_chunks c = { 0 };
        size_t len = strlen(in), at = 0;

        body[0] = '\0';
        for (;;) {
                size_t piece = len - at < step ? len - at : step, used;
                struct http_text data;
                int r = http_chunks_step(&c, in + at, piece, &used, &data);

                if (r == HTTP_CHUNK_DATA)
                        strncat(body, data.at, data.len);
                at += used;
                *ret_used = at;
                if (r < 0 || r == HTTP_CHUNK_END || at == len)
                        return r == HTTP_CHUNK_DATA ? HTTP_CHUNK_MORE : r;
        }
}

static void chunks(void **state) {
        static const struct {
                const char *in;
                int want;
                const char *body;
                size_t rest; /* bytes behind the body */
        } cases[] = {
                { "0\r\n\r\n", HTTP_CHUNK_END, "", 0 },
                { "3\r\nabc\r\n0\r\n\r\nGET", HTTP_CHUNK_END, "abc", 3 },
                { "00A\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n", HTTP_CHUNK_END, "0123456789x", 0 },
                { "3;a=b;c=\"d\"\r\nabc\r\n0;x\r\n\r\n", HTTP_CHUNK_END, "abc", 0 },
                { "0\r\nX-Sum: 1\r\nY:\r\n\r\n", HTTP_CHUNK_END, "", 0 },
                { "3\r\nab", HTTP_CHUNK_MORE, "ab", 0 },
                { "3\r\nabc\r\n", HTTP_CHUNK_MORE, "abc", 0 },
                { "fffffffffffffff\r\nab", HTTP_CHUNK_MORE, "ab", 0 },
                { "ffffffffffffffff\r\nab", -EBADMSG, "", 0 },
                { "\r\n", -EBADMSG, "", 0 },
                { "3\nabc\r\n", -EBADMSG, "", 0 },
                { "3\r\nabcd\r\n", -EBADMSG, "abc", 0 },
                { "3\r\nabc\n0\r\n\r\n", -EBADMSG, "abc", 0 },
                { "3 \r\nabc\r\n", -EBADMSG, "", 0 },
                { " 3\r\nabc\r\n", -EBADMSG, "", 0 },
                { "0x3\r\nabc\r\n", -EBADMSG, "", 0 },
                { "-3\r\nabc\r\n", -EBADMSG, "", 0 },
                { "3\r\r\nabc\r\n", -EBADMSG, "", 0 },
                { "3;a\nb\r\nabc\r\n", -EBADMSG, "", 0 },
                { "0\r\nX\r\n\r\n", -EBADMSG, "", 0 },
                { "0\r\n X: y\r\n\r\n", -EBADMSG, "", 0 },
                { "0\r\nX : y\r\n\r\n", -EBADMSG, "", 0 },
                { "0\r\nX: y\n\r\n", -EBADMSG, "", 0 },
                { "0\r\n\n", -EBADMSG, "", 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t len = strlen(cases[i].in);

                for (size_t step = 1; step <= len; step++) {
                        char body[64];
                        size_t used;
                        int got = read_chunks(cases[i].in, step, body, &used);

                        if (got != cases[i].want || strcmp(body, cases[i].body) != 0)
                                fail_msg("case %zu step %zu: %d '%s'", i, step, got, body);
                        if (got == HTTP_CHUNK_END)
                                assert_int_equal(len - used, cases[i].rest);
                }
        }
}

static void endless_chunk_lines(void **state) {
        struct http_chunks c = { 0 };
        struct http_text data;
        size_t used;
        int r = HTTP_CHUNK_MORE;
        unsigned n = 0;

        (void)state;
        assert_int_equal(http_chunks_step(&c, "1;", 2, &used, &data), HTTP_CHUNK_MORE);
        for (; r == HTTP_CHUNK_MORE; n++)
                r = http_chunks_step(&c, "x", 1, &used, &data);
        assert_int_equal(r, -EBADMSG);
        assert_true(n < 2000);

        c = (struct http_chunks){ 0 };
        assert_int_equal(http_chunks_step(&c, "0\r\n", 3, &used, &data), HTTP_CHUNK_MORE);
        for (n = 0, r = HTTP_CHUNK_MORE; r == HTTP_CHUNK_MORE; n++)
                r = http_chunks_step(&c, "X: y\r\n", 6, &used, &data);
        assert_int_equal(r, -EBADMSG);
        assert_true(n < 4000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests),
                cmocka_unit_test(refused_requests),
                cmocka_unit_test(nul_bytes),
                cmocka_unit_test(large_heads),
                cmocka_unit_test(responses),
                cmocka_unit_test(headers),
                cmocka_unit_test(incomplete_heads_are_searched_once),
                cmocka_unit_test(chunks),
                cmocka_unit_test(endless_chunk_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
