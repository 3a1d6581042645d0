#include "io/grpc_frame.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void frames(void **state) {
        static const struct {
                const char *in;
                size_t len;
                size_t max;
                int want;
                size_t message;
        } cases[] = {
                { "", 0, 100, 0, 0 },
                { "\0\0\0\0", 4, 100, 0, 0 },
                { "\0\0\0\0\0", 5, 100, 1, 0 },
                { "\0\0\0\0\3abc", 8, 100, 1, 3 },
                { "\0\0\0\0\3abcd", 9, 100, 1, 3 }, /* the next begins */
                { "\0\0\0\0\3ab", 7, 100, 0, 0 },
                { "\0\0\0\0\3abc", 8, 3, 1, 3 },
                { "\0\0\0\0\4", 5, 3, -EMSGSIZE, 0 },
                { "\0\377\377\377\377", 5, 100, -EMSGSIZE, 0 },
                { "\1\0\0\0\0", 5, 100, -EBADMSG, 0 },
                { "<html>", 6, 100, -EBADMSG, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const uint8_t *message = NULL;
                size_t len = 0, used = 0;

                assert_int_equal(grpc_frame_next(cases[i].in, cases[i].len, cases[i].max, &message,
                                                 &len, &used),
                                 cases[i].want);
                if (cases[i].want != 1)
                        continue;
                assert_int_equal(len, cases[i].message);
                assert_int_equal(used, cases[i].message + 5);
                assert_ptr_equal(message, cases[i].in + 5);
        }
}

static void prefixes(void **state) {
        static const uint32_t lengths[] = { 0, 1, 255, 256, 0x12345678 };

        (void)state;
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
                uint8_t p[GRPC_PREFIX_BYTES];

                grpc_frame_prefix(p, lengths[i]);
                assert_int_equal(p[0], 0);
                assert_int_equal((uint32_t)p[1] << 24 | p[2] << 16 | p[3] << 8 | p[4], lengths[i]);
        }
}

static void statuses(void **state) {
        static const struct {
                const char *in;
                int want;
        } cases[] = {
                { "0", 0 },
                { "1", -ECANCELED },
                { "5", -ENOENT },
                { "6", -EEXIST },
                { "9", -EBUSY },
                { "12", -EOPNOTSUPP },
                { "14", -EHOSTDOWN },
                { "16", -EACCES },
                { "17", -EPROTO },
                { "", -EPROTO },
                { "-1", -EPROTO },
                { "x", -EPROTO },
                { "00000000000000000000001", -EPROTO },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(grpc_status_errno(cases[i].in, strlen(cases[i].in)),
                                 cases[i].want);
}

static void texts(void **state) {
        static const struct {
                const char *in;
                const char *want;
        } cases[] = {
                { "", "" },
                { "plain", "plain" },
                { "a%20b", "a b" },
                { "100%", "100%" },
                { "%4", "%4" },
                { "%zz", "%zz" },
                { "%41%62", "Ab" },
                { "%0Aline", "?line" },
                { "%1b[2J", "?[2J" },
                { "%C3%A9", "??" },
                { "longer than the room there is", "longer than the" },
        };
        char text[16];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_string_equal(
                        grpc_status_text(text, sizeof(text), cases[i].in, strlen(cases[i].in)),
                        cases[i].want);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames),
                cmocka_unit_test(prefixes),
                cmocka_unit_test(statuses),
                cmocka_unit_test(texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
