/* How far something slow is, as words: on a terminal of any width, and in a log. */
#include "cli/progress.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define SEC(n) ((n)*USEC_PER_SEC)

static void bars(void **state) {
        static const struct {
                uint64_t done, whole;
                unsigned sec;
                int cols;
                const char *want;
        } tests[] = {
                { 0, 100, 0, 79, "x: [........................]   0 % of 100 B" },
                { 50000000, 100000000, 10, 79,
                  "x: [############............]  50 % of 100 MB, 5 MB/s, 11 s left" },
                { 100, 100, 1, 79, "x: [########################] 100 % of 100 B" },
                { 200, 100, 1, 79, "x: [########################] 100 % of 100 B" },
                { 50000000, 100000000, 1, 79, "x: [############............]  50 % of 100 MB" },
                { 50000000, 100000000, 10, 30, "x:  50 % of 100 MB, 5 MB/s, 11" },
                { 7000000, 0, 10, 79, "x: 7 MB, 700 kB/s" },
                { 0, 0, 0, 79, "x: 0 B" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
                struct progress p = { .what = "x",
                                      .done = tests[i].done,
                                      .whole = tests[i].whole,
                                      .terminal = true,
                                      .cols = tests[i].cols,
                                      .began = SEC(5) };
                char text[PROGRESS_LINE];

                assert_string_equal(progress_text(&p, SEC(5 + tests[i].sec), text), tests[i].want);
        }
}

static void long_words(void **state) {
        struct progress p = { .whole = UINT64_MAX, .done = UINT64_MAX / 2, .terminal = true };
        char text[PROGRESS_LINE];

        (void)state;
        memset(p.what, 'w', sizeof(p.what) - 1);
        for (p.cols = 1; p.cols < PROGRESS_LINE; p.cols++)
                assert_in_range(strlen(progress_text(&p, SEC(100), text)), 1, p.cols);
}

/* A log has a line each tenth, and none where it was quick. */
static void lines(void **state) {
        struct progress p = { .what = "x", .whole = 1000, .cols = PROGRESS_LINE - 1 };
        unsigned said = 0;
        char text[PROGRESS_LINE];

        (void)state;
        for (p.done = 0; p.done <= 1000; p.done++)
                said += progress_due(&p, SEC(1));
        assert_int_equal(said, 0);
        for (p.done = 0; p.done < 1000; p.done++)
                if (progress_due(&p, SEC(10))) {
                        said++;
                        assert_int_equal(p.done % 100, 0);
                }
        assert_int_equal(said, 9);
        p.done = 1000;
        assert_true(progress_due(&p, SEC(10)));
        assert_false(progress_due(&p, SEC(10)));
        assert_string_equal(progress_text(&p, SEC(10), text), "x: 100 % of 1 kB, 100 B/s");
        p.quiet = true;
        p.said = 0;
        assert_false(progress_due(&p, SEC(10)));
}

static void unknown_whole(void **state) {
        struct progress p = { .what = "x" };
        unsigned said = 0;

        (void)state;
        for (p.done = 0; p.done < 100000000; p.done += 500000)
                said += progress_due(&p, SEC(10));
        assert_int_equal(said, 7); /* 1, 2, 4, ... 64 MB */
}

static void redraws(void **state) {
        struct progress p = { .what = "x", .whole = 1000, .done = 1, .terminal = true };

        (void)state;
        assert_true(progress_due(&p, SEC(1)));
        assert_false(progress_due(&p, SEC(1) + 50 * USEC_PER_MSEC));
        assert_true(progress_due(&p, SEC(1) + 100 * USEC_PER_MSEC));
        p.done = 1000; /* the end is always seen */
        assert_true(progress_due(&p, SEC(1) + 101 * USEC_PER_MSEC));
}

static void agents_words(void **state) {
        static const char *const others[] = { "fetching image",
                                              "unpacking image",
                                              "",
                                              "fetching image 12 of 40",
                                              "fetching image x of 40 MB",
                                              "fetching image 1 of 0 MB",
                                              "fetching image 99999999999999999999 of 40 MB",
                                              "fetching image 18446744073709551 of 2 GB" };
        uint64_t done = 1, whole = 2;

        (void)state;
        assert_true(progress_parse("fetching image 12 of 40 MB", &done, &whole));
        assert_int_equal(done, 12000000);
        assert_int_equal(whole, 40000000);
        assert_true(progress_parse("fetching image 0 of 1999 KB", &done, &whole));
        assert_int_equal(done, 0);
        assert_int_equal(whole, 1999000);
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                assert_false(progress_parse(others[i], &done, &whole));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bars),    cmocka_unit_test(long_words),
                cmocka_unit_test(lines),   cmocka_unit_test(unknown_whole),
                cmocka_unit_test(redraws), cmocka_unit_test(agents_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
