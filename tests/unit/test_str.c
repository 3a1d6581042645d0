#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void bytes(void **state) {
        static const struct {
                const char *in;
                int result;
                uint64_t want;
        } cases[] = {
                { "64Mi", 0, 64 << 20 },
                { "1Gi", 0, 1 << 30 },
                { "128M", 0, 128000000 },
                { "5000k", 0, 5000000 },
                { "17", 0, 17 },
                { "0", 0, 0 },
                { "", -EINVAL, 0 },
                { "-5Mi", -EINVAL, 0 },
                { "5 Mi", -EINVAL, 0 },
                { "1.5Gi", -EINVAL, 0 },
                { "Mi", -EINVAL, 0 },
                { "5Mib", -EINVAL, 0 },
                { "+5", -EINVAL, 0 },
                { "99999999999999999999", -ERANGE, 0 },
                { "99999999999Gi", -ERANGE, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t v = 0;

                assert_int_equal(str_to_bytes(cases[i].in, &v), cases[i].result);
                assert_int_equal(v, cases[i].want);
        }
}

static void millicores(void **state) {
        static const struct {
                const char *in;
                int result;
                uint32_t want;
        } cases[] = {
                { "250m", 0, 250 },    { "1", 0, 1000 },     { "0.5", 0, 500 },
                { "1.25", 0, 1250 },   { "-1", -EINVAL, 0 }, { "1.", -EINVAL, 0 },
                { "1.x", -EINVAL, 0 }, { "m", -EINVAL, 0 },  { "2000", -ERANGE, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint32_t v = 0;

                assert_int_equal(str_to_millicores(cases[i].in, &v), cases[i].result);
                assert_int_equal(v, cases[i].want);
        }
}

static void hex(void **state) {
        char text[17];
        uint64_t v;

        (void)state;
        assert_int_equal(str_from_hex64("00000000a1B2c3d4", &v), 0);
        assert_int_equal(v, 0xa1b2c3d4);
        str_hex64(v, text);
        assert_string_equal(text, "00000000a1b2c3d4");
        assert_int_equal(str_from_hex64("", &v), -EINVAL);
        assert_int_equal(str_from_hex64("12345678123456781", &v), -EINVAL);
        assert_int_equal(str_from_hex64("0x12", &v), -EINVAL);
}

static void copies(void **state) {
        char dst[4];

        (void)state;
        assert_int_equal(str_copy(dst, sizeof(dst), "abc"), 0);
        assert_string_equal(dst, "abc");
        assert_int_equal(str_copy(dst, sizeof(dst), "abcd"), -ENAMETOOLONG);
        assert_string_equal(dst, "");
        assert_int_equal(str_copy_n(dst, sizeof(dst), "a\0b", 3), -EINVAL);
        assert_string_equal(str_printable(dst, sizeof(dst), "a\x1b[2J", 5), "a?[");
}

static void sizes(void **state) {
        static const struct {
                uint64_t in;
                const char *want;
        } cases[] = {
                { 0, "0 B" },
                { 999, "999 B" },
                { 1000, "1 kB" },
                { 37123456, "37 MB" },
                { 999999999, "999 MB" },
                { 1073741824, "1.0 GB" },
                { 16000000000, "16.0 GB" },
                { UINT64_MAX, "1844674 TB" },
        };
        char text[16];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_string_equal(str_size(text, cases[i].in), cases[i].want);
}

static void utf8(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "", "" },
                { "plain", "plain" },
                { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8d\x93",
                  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8d\x93" },
                { "\xff\xfe", "??" },
                { "a\x80z", "a?z" },
                { "cut \xe2\x82", "cut ??" },
                { "\xc0\xaf", "??" },           /* overlong */
                { "\xe0\x80\xaf", "???" },      /* overlong */
                { "\xed\xa0\x80", "???" },      /* a surrogate */
                { "\xf4\x90\x80\x80", "????" }, /* above U+10FFFF */
                { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
        };
        char text[64];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(str_copy(text, sizeof(text), cases[i].in), 0);
                assert_string_equal(str_utf8(text), cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bytes),  cmocka_unit_test(millicores), cmocka_unit_test(hex),
                cmocka_unit_test(copies), cmocka_unit_test(sizes),      cmocka_unit_test(utf8),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
