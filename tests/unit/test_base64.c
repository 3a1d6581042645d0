#include "base/buf.h"
#include "base/scope.h"
#include "core/base64.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* RFC 4648 10. */
static void both_ways(void **state) {
        static const struct {
                const char *bytes, *text;
        } cases[] = { { "", "" },
                      { "f", "Zg==" },
                      { "fo", "Zm8=" },
                      { "foo", "Zm9v" },
                      { "foob", "Zm9vYg==" },
                      { "fooba", "Zm9vYmE=" },
                      { "foobar", "Zm9vYmFy" },
                      { "\xff\xfe\xfb", "//77" },
                      { "\xfb\xef", "++8=" } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf text = { 0 }, bytes = { 0 };

                assert_int_equal(base64_encode(cases[i].bytes, strlen(cases[i].bytes), &text), 0);
                assert_int_equal(text.len, strlen(cases[i].text));
                assert_memory_equal(text.data ? text.data : "", cases[i].text, text.len);
                assert_int_equal(base64_decode(cases[i].text, strlen(cases[i].text), &bytes), 0);
                assert_int_equal(bytes.len, strlen(cases[i].bytes));
                assert_memory_equal(bytes.data ? bytes.data : "", cases[i].bytes, bytes.len);
        }
}

static void refused(void **state) {
        static const char *const cases[] = {
                "Z",      "Zg",    "Zg=",  "Zh==", "Zm9=", "====", "Z===",     "Zg==Zg==",
                "Zg==\n", "Zm9v ", "Zm-v", "Zm_v", "Zm=v", "=g==", "Zm9vZ=g=", "Zm\0v"
        };
        auto_buf struct buf out = { 0 };

        (void)state;
        assert_int_equal(buf_add(&out, "x", 1), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t len = i + 1 < ARRAY_SIZE(cases) ? strlen(cases[i]) : 4; /* a NUL in it */

                if (base64_decode(cases[i], len, &out) != -EINVAL)
                        fail_msg("'%s' was taken", cases[i]);
                assert_int_equal(out.len, 1); /* what was there before stays, alone */
        }
}

static void every_length(void **state) {
        uint8_t bytes[100];
        struct buf small = { .limit = 7 };

        (void)state;
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 37 + 11);
        for (size_t len = 0; len <= sizeof(bytes); len++) {
                auto_buf struct buf text = { 0 }, back = { 0 };

                assert_int_equal(base64_encode(bytes, len, &text), 0);
                assert_int_equal(text.len, (len + 2) / 3 * 4);
                assert_int_equal(base64_decode(len ? text.data : "", text.len, &back), 0);
                assert_int_equal(back.len, len);
                if (len)
                        assert_memory_equal(back.data, bytes, len);
        }
        assert_int_equal(base64_encode("foobar", 6, &small), -EMSGSIZE);
        assert_int_equal(small.len, 0);
        assert_int_equal(base64_decode("Zm9vYmFyYQ==", 12, &small), 0); /* room for 7, no more */
        assert_int_equal(small.len, 7);
        buf_done(&small);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways), cmocka_unit_test(refused),
                                            cmocka_unit_test(every_length) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
