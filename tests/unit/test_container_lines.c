#include "io/container_lines.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct buf told;

static void on_line(void *arg, const char *text, size_t len) {
        (void)arg;
        assert_true(len <= CONTAINER_LINE_MAX);
        assert_int_equal(buf_add(&told, text, len), 0);
        assert_int_equal(buf_add_text(&told, "|"), 0);
}

static void lines(void **state) {
        /* each string of 'in' is one read */
        static const struct {
                const char *in[4];
                const char *want;
        } cases[] = {
                { { "a\nb\n" }, "a|b|" }, { { "a", "b\n", "c" }, "ab|c|" },
                { { "\n\n" }, "||" },     { { "a\r\nb\r", "\nc\r" }, "a|b|c|" },
                { { "" }, "" },           { { "x\n", "y" }, "x|y|" },
                { { "x", "\n" }, "x|" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct container_lines l = { 0 };

                buf_done(&told);
                assert_int_equal(buf_add_text(&told, ""), 0);
                for (size_t j = 0; j < 4 && cases[i].in[j]; j++)
                        container_lines_feed(&l, cases[i].in[j], strlen(cases[i].in[j]), on_line,
                                             NULL);
                container_lines_end(&l, on_line, NULL);
                assert_string_equal(told.data, cases[i].want);
        }
        buf_done(&told);
}

/* Whatever the sizes of reads and lines, no byte is lost and no piece is too long. */
static void pieces(void **state) {
        static const size_t sizes[] = { 1, 8191, 8192, 8193, 16384, 20000 };

        (void)state;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct container_lines l = { 0 };
                char *data = malloc(sizes[i] + 1);
                size_t bars = 0;

                assert_non_null(data);
                memset(data, 'x', sizes[i]);
                data[sizes[i]] = '\n';
                buf_done(&told);
                for (size_t at = 0; at <= sizes[i]; at += 777)
                        container_lines_feed(&l, data + at,
                                             sizes[i] + 1 - at < 777 ? sizes[i] + 1 - at : 777,
                                             on_line, NULL);
                container_lines_feed(&l, data, sizes[i] + 1, on_line, NULL);
                container_lines_end(&l, on_line, NULL);
                for (size_t at = 0; at < told.len; at++)
                        bars += told.data[at] == '|';
                assert_int_equal(told.len - bars, 2 * sizes[i]);
                assert_int_equal(bars, 2 * ((sizes[i] + 8191) / 8192));
                free(data);
        }
        buf_done(&told);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines),
                cmocka_unit_test(pieces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
