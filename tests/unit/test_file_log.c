#include "io/file_log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct seen {
        unsigned n;
        char first[64], last[64];
};

static void on_line(void *arg, const struct file_log_line *line) {
        struct seen *s = arg;

        if (s->n++ == 0)
                (void)snprintf(s->first, sizeof(s->first), "%s", line->text);
        (void)snprintf(s->last, sizeof(s->last), "%u %s", line->instance, line->text);
}

static int make_dir(void **state) {
        char *dir = strdup("/tmp/bramble-file-log-XXXXXX");

        *state = mkdtemp(dir);
        return *state ? 0 : -1;
}

static int remove_dir(void **state) {
        char path[128];

        for (int i = 0; i < 2; i++) {
                (void)snprintf(path, sizeof(path), "%s/f.ns.%s", (char *)*state, i ? "log" : "old");
                (void)unlink(path);
        }
        (void)rmdir(*state);
        free(*state);
        return 0;
}

static void keeps_the_newest_lines(void **state) {
        struct seen s = { 0 };
        char text[32];

        for (unsigned i = 0; i < 20; i++) {
                (void)snprintf(text, sizeof(text), "line %u", i);
                assert_int_equal(file_log_write(*state, "f", "ns", 7, i, text, strlen(text)), 0);
        }
        assert_int_equal(file_log_read(*state, "f", "ns", 3, on_line, &s), 0);
        assert_int_equal(s.n, 3);
        assert_string_equal(s.first, "line 17");
        assert_string_equal(s.last, "7 line 19");
        s.n = 0;
        assert_int_equal(file_log_read(*state, "f", "ns", 100, on_line, &s), 0);
        assert_int_equal(s.n, 20);
        s.n = 0;
        assert_int_equal(file_log_read(*state, "g", "ns", 100, on_line, &s), 0);
        assert_int_equal(s.n, 0);
}

static void stays_small(void **state) {
        char text[1000], path[128];
        struct seen s = { 0 };
        struct stat st;

        memset(text, 'x', sizeof(text));
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(file_log_write(*state, "f", "ns", 1, i, text, sizeof(text)), 0);
        for (int i = 0; i < 2; i++) {
                (void)snprintf(path, sizeof(path), "%s/f.ns.%s", (char *)*state, i ? "log" : "old");
                assert_int_equal(stat(path, &st), 0);
                assert_true(st.st_size < FILE_LOG_BYTES + 2000);
        }
        assert_int_equal(file_log_read(*state, "f", "ns", 200, on_line, &s), 0);
        assert_int_equal(s.n, 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(keeps_the_newest_lines, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(stays_small, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
