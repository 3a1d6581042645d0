#include "core/http_body.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* Feeds 'in' in pieces of 'step' bytes to a reader that takes at most 'take' bytes at a time. */
static int read_all(const struct http_head *head, const char *in, size_t step, size_t take,
                    char *ret_body, size_t *ret_rest) {
        struct http_body_reader b;
        struct http_text data = { in, 0 };
        size_t len = strlen(in), given = 0, out = 0;

        http_body_begin(&b, head);
        for (;;) {
                long n = http_body_next(&b, &data);
                size_t some = (size_t)n < take ? (size_t)n : take;

                if (n < 0)
                        return (int)n;
                if (n > 0) {
                        memcpy(ret_body + out, data.at, some);
                        out += some;
                        http_body_take(&b, &data, some);
                } else if (b.done || given == len) {
                        break;
                } else { /* as a connection does: what comes stands behind what was left */
                        size_t more = len - given < step ? len - given : step;

                        data.len += more;
                        given += more;
                }
        }
        ret_body[out] = '\0';
        *ret_rest = data.len + len - given;
        return b.done;
}

static void bodies(void **state) {
        static const struct {
                enum http_body kind;
                uint64_t length;
                const char *in, *body;
                int result; /* 1: done */
                size_t rest;
        } cases[] = {
                { HTTP_BODY_NONE, 0, "GET /", "", 1, 5 },
                { HTTP_BODY_LENGTH, 0, "GET /", "", 1, 5 },
                { HTTP_BODY_LENGTH, 5, "helloGET /", "hello", 1, 5 },
                { HTTP_BODY_LENGTH, 5, "hel", "hel", 0, 0 },
                { HTTP_BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nGET /", "hello", 1, 5 },
                { HTTP_BODY_CHUNKED, 0, "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n", "abcde", 1,
                  0 },
                { HTTP_BODY_CHUNKED, 0, "3\r\nab", "ab", 0, 0 },
                { HTTP_BODY_CHUNKED, 0, "3\nabc", "", -EBADMSG, 0 },
                { HTTP_BODY_CHUNKED, 0, "3\r\nabcd", "", -EBADMSG, 0 },
                { HTTP_BODY_UNTIL_CLOSE, 0, "whatever", "whatever", 0, 0 },
        };
        static const size_t sizes[] = { 1, 2, 3, 1000 };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (size_t k = 0; k < 16; k++) {
                        struct http_head h = { .body = cases[i].kind, .length = cases[i].length };
                        char body[64] = "";
                        size_t rest = 0;
                        int r = read_all(&h, cases[i].in, sizes[k / 4], sizes[k % 4], body, &rest);

                        assert_int_equal(r, cases[i].result);
                        if (r < 0)
                                continue;
                        assert_string_equal(body, cases[i].body);
                        assert_int_equal(rest, cases[i].rest);
                }
}

static void nearly_done(void **state) {
        struct http_head length = { .body = HTTP_BODY_LENGTH, .length = 10 };
        struct http_head chunked = { .body = HTTP_BODY_CHUNKED };
        struct http_body_reader b;

        (void)state;
        http_body_begin(&b, &length);
        assert_false(http_body_ends_within(&b, 9));
        assert_true(http_body_ends_within(&b, 10));
        http_body_begin(&b, &chunked);
        assert_false(http_body_ends_within(&b, UINT64_MAX));
        b.done = true;
        assert_true(http_body_ends_within(&b, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bodies),
                cmocka_unit_test(nearly_done),
        };

        return cmocka_run_group_tests_name("http_body", tests, NULL, NULL);
}
