#include "core/frame.h"

#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void parses(void **state) {
        static const struct {
                const char *in;
                size_t len;
                long want;
                enum frame_type type;
                uint32_t stream;
                size_t body;
        } cases[] = {
                { "", 0, 0, 0, 0, 0 },
                { "\0\0\0", 3, 0, 0, 0, 0 },
                { "\0\0\0\5", 4, 0, 0, 0, 0 },
                { "\0\0\0\5\1\0\0\0", 8, 0, 0, 0, 0 },
                { "\0\0\0\5\1\0\0\0\7", 9, 9, FRAME_HELLO, 7, 0 },
                { "\0\0\0\5\1\0\0\0\7more", 13, 9, FRAME_HELLO, 7, 0 },
                { "\0\0\0\7\x8\xff\xfe\xfd\xfc", 9, 0, 0, 0, 0 },
                { "\0\0\0\7\x8\xff\xfe\xfd\xfc"
                  "ab",
                  11, 11, FRAME_DATA, 0xfffefdfc, 2 },
                { "\xff\xff\xff\xff", 4, -EMSGSIZE, 0, 0, 0 },
                { "GET / HTTP/1.1", 14, -EMSGSIZE, 0, 0, 0 },
                { "\0\0\0\4", 4, -EBADMSG, 0, 0, 0 },
                { "\0\0\0\0", 4, -EBADMSG, 0, 0, 0 },
                { "\0\0\0\5\0", 5, -EBADMSG, 0, 0, 0 },
                { "\0\0\0\5\xe", 5, -EBADMSG, 0, 0, 0 },
                { "\0\0\0\5\xff", 5, -EBADMSG, 0, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct frame f = { 0 };
                /* exactly these bytes, so that the sanitizer sees one read too many */
                auto_free char *in = malloc(cases[i].len ? cases[i].len : 1);

                assert_non_null(in);
                memcpy(in, cases[i].in, cases[i].len);
                assert_int_equal(frame_parse(in, cases[i].len, &f), cases[i].want);
                if (cases[i].want <= 0)
                        continue;
                assert_int_equal(f.type, cases[i].type);
                assert_int_equal(f.stream, cases[i].stream);
                assert_int_equal(f.len, cases[i].body);
                assert_ptr_equal(f.body, in + FRAME_HEADER);
        }
}

static void limit(void **state) {
        uint8_t in[FRAME_HEADER];
        struct frame f;

        (void)state;
        frame_header(in, FRAME_DATA, 1, FRAME_BODY_MAX);
        assert_int_equal(frame_parse(in, sizeof(in), &f), 0);
        /* one more than the limit */
        for (size_t i = 3; ++in[i] == 0; i--)
                ;
        assert_int_equal(frame_parse(in, sizeof(in), &f), -EMSGSIZE);
        assert_int_equal(frame_parse(in, 4, &f), -EMSGSIZE);
}

static void round_trips(void **state) {
        static const size_t bodies[] = { 0, 1, 255, 256, 65535, 65536, FRAME_BODY_MAX };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
                for (enum frame_type type = FRAME_HELLO; type < FRAME_TYPE_MAX; type++) {
                        size_t len = FRAME_HEADER + bodies[i];
                        auto_free uint8_t *data = calloc(1, len);
                        struct frame f;

                        assert_non_null(data);
                        frame_header(data, type, 0xdeadbeef, bodies[i]);
                        assert_int_equal(frame_parse(data, len, &f), len);
                        assert_int_equal(f.type, type);
                        assert_int_equal(f.stream, 0xdeadbeef);
                        assert_int_equal(f.len, bodies[i]);
                        assert_int_equal(frame_parse(data, len - 1, &f), 0);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parses),
                cmocka_unit_test(limit),
                cmocka_unit_test(round_trips),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
