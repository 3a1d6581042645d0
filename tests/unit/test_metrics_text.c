#include "core/metrics_text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void labels(void **state) {
        static const struct {
                const char *value, *want;
        } cases[] = {
                { "", "a=\"\"" },
                { "m1", "a=\"m1\"" },
                { "say \"hi\"", "a=\"say \\\"hi\\\"\"" },
                { "C:\\x", "a=\"C:\\\\x\"" },
                { "one\ntwo", "a=\"one\\ntwo\"" },
                { "tab\there", "a=\"tab?here\"" },
                { "\xc3\xa9t\xc3\xa9", "a=\"??t??\"" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct metrics_labels l = { 0 };

                metrics_text_label(&l, "a", cases[i].value);
                assert_string_equal(l.text, cases[i].want);
                assert_int_equal(l.len, strlen(cases[i].want));
                metrics_text_label(&l, "b", "2");
                assert_string_equal(l.text + strlen(cases[i].want), ",b=\"2\"");
        }
}

/* A label that does not fit is left out whole, those before and after it stay. */
static void labels_have_a_limit(void **state) {
        struct metrics_labels l = { 0 };
        char large[METRICS_LABELS_BYTES + 10];

        (void)state;
        memset(large, 'x', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        metrics_text_label(&l, "a", "1");
        metrics_text_label(&l, "b", large);
        assert_string_equal(l.text, "a=\"1\"");
        large[METRICS_LABELS_BYTES - 10] = '\0';
        metrics_text_label(&l, "b", large);
        assert_string_equal(l.text, "a=\"1\"");
        metrics_text_label(&l, "c", "3");
        assert_string_equal(l.text, "a=\"1\",c=\"3\"");
        /* quotes take twice their room */
        memset(large, '"', METRICS_LABELS_BYTES / 2);
        large[METRICS_LABELS_BYTES / 2] = '\0';
        metrics_text_label(&l, "d", large);
        assert_string_equal(l.text, "a=\"1\",c=\"3\"");
}

static void values(void **state) {
        static const struct {
                double value;
                const char *want;
        } cases[] = {
                { 0, "x 0\n" },
                { 1, "x 1\n" },
                { 0.1, "x 0.1\n" },
                { -3.5, "x -3.5\n" },
                { 61.224, "x 61.224\n" },
                { 1700000000.25, "x 1700000000.25\n" },
                { 4096.0 * 1024 * 1024 * 1024, "x 4398046511104\n" },
        };
        auto_buf struct buf out = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                out.len = 0;
                metrics_text_sample(&out, "x", NULL, cases[i].value);
                assert_string_equal(out.data, cases[i].want);
        }
        out.len = 0;
        metrics_text_count(&out, "x", NULL, UINT64_MAX);
        assert_string_equal(out.data, "x 18446744073709551615\n");
}

static void families(void **state) {
        struct metrics_labels none = { 0 }, one = { 0 };
        auto_buf struct buf out = { 0 };

        (void)state;
        metrics_text_label(&one, "cpu", "0");
        metrics_text_family(&out, "t_total", "counter", "Some help.");
        metrics_text_count(&out, "t_total", &none, 1);
        metrics_text_count(&out, "t_total", &one, 2);
        metrics_text_one(&out, "u", "gauge", "Other help.", 0.5);
        assert_string_equal(out.data, "# HELP t_total Some help.\n# TYPE t_total counter\n"
                                      "t_total 1\nt_total{cpu=\"0\"} 2\n"
                                      "# HELP u Other help.\n# TYPE u gauge\nu 0.5\n");
}

/* Where the buffer ends, a line is there whole or not at all. */
static void lines_are_whole(void **state) {
        (void)state;
        for (size_t limit = 1; limit < 60; limit++) {
                auto_buf struct buf out = { .limit = limit };

                metrics_text_count(&out, "first", NULL, 1);
                metrics_text_count(&out, "second_one", NULL, 22);
                metrics_text_count(&out, "x", NULL, 3);
                assert_true(out.len <= limit);
                assert_true(out.len == 0 || out.data[out.len - 1] == '\n');
                if (limit < 4)
                        assert_int_equal(out.len, 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(labels),          cmocka_unit_test(labels_have_a_limit),
                cmocka_unit_test(values),          cmocka_unit_test(families),
                cmocka_unit_test(lines_are_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
