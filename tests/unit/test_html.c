#include "core/html.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void escapes(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "plain text", "plain text" },
                { "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;" },
                { "\" onload='x' & y", "&quot; onload=&#39;x&#39; &amp; y" },
                { "a\nb\tc\x01\x7f", "a b c  " },
                { "\xc3\xa4", "\xc3\xa4" }, /* UTF-8 stays */
                { "&amp;", "&amp;amp;" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf b = { 0 };

                assert_int_equal(html_add(&b, cases[i].in), 0);
                assert_string_equal(b.data, cases[i].want);
                buf_done(&b);
        }
}

static void limits(void **state) {
        struct buf b = { .limit = 4 };

        (void)state;
        assert_int_equal(html_add(&b, NULL), 0);
        assert_int_equal(html_add(&b, ""), 0);
        assert_int_equal(html_add(&b, "<"), 0);
        assert_true(html_add(&b, "<") < 0);
        buf_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(escapes), cmocka_unit_test(limits) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
