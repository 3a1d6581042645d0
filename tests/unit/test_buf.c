#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void grows(void **state) {
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(buf_add(&b, "", 0), 0);
        assert_string_equal(b.data, "");
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(buf_add(&b, "0123456789", 10), 0);
        assert_int_equal(b.len, 10000);
        assert_int_equal(strlen(b.data), 10000);
        buf_consume(&b, 9995);
        assert_string_equal(b.data, "56789");
        buf_consume(&b, 99);
        assert_int_equal(b.len, 0);
}

static void keeps_its_limit(void **state) {
        auto_buf struct buf b = { .limit = 8 };

        (void)state;
        assert_int_equal(buf_add_text(&b, "12345"), 0);
        assert_int_equal(buf_add_text(&b, "6789"), -EMSGSIZE);
        assert_string_equal(b.data, "12345");
        assert_int_equal(buf_printf(&b, "%s", "6789"), -EMSGSIZE);
        assert_string_equal(b.data, "12345");
        assert_int_equal(b.len, 5);
        assert_int_equal(buf_printf(&b, "%d", 678), 0);
        assert_string_equal(b.data, "12345678");
        assert_int_equal(buf_add_number(&b, 9), -EMSGSIZE);
        assert_string_equal(b.data, "12345678");
}

/* Around each place where it has to grow in between. */
static void prints(void **state) {
        (void)state;
        for (size_t before = 0; before < 300; before++) {
                auto_buf struct buf b = { 0 };

                for (size_t i = 0; i < before; i++)
                        assert_int_equal(buf_add(&b, "x", 1), 0);
                assert_int_equal(buf_printf(&b, "%s-%d", "some words", 42), 0);
                assert_int_equal(b.len, before + 13);
                assert_string_equal(b.data + before, "some words-42");
        }
}

static void numbers(void **state) {
        static const struct {
                uint64_t in;
                const char *want;
        } cases[] = {
                { 0, "0" },
                { 7, "7" },
                { 10, "10" },
                { 1700000000123456789, "1700000000123456789" },
                { UINT64_MAX, "18446744073709551615" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                auto_buf struct buf b = { 0 };

                assert_int_equal(buf_add_number(&b, cases[i].in), 0);
                assert_string_equal(b.data, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(grows),
                cmocka_unit_test(keeps_its_limit),
                cmocka_unit_test(prints),
                cmocka_unit_test(numbers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
