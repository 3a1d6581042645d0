#include "base/scope.h"
#include "base/str.h"
#include "daemon/calls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char path[128];

static int make_dir(void **state) {
        *state = mkdtemp(strdup("/tmp/bramble-calls-XXXXXX"));
        (void)snprintf(path, sizeof(path), "%s/calls", (char *)*state);
        return *state ? 0 : -1;
}

static int remove_dir(void **state) {
        (void)unlink(path);
        (void)rmdir(*state);
        free(*state);
        return 0;
}

static struct report_calls calls[LIMIT_FUNCTIONS], got[LIMIT_FUNCTIONS];
static uint32_t n_got;

static void fill(uint32_t n) {
        for (uint32_t i = 0; i < n; i++) {
                (void)snprintf(calls[i].function, sizeof(calls[i].function), "f%u", i);
                (void)str_copy(calls[i].namespace, sizeof(calls[i].namespace), "openfaas-fn");
                calls[i].invocations = ((uint64_t)1 << 40) + i;
        }
}

static void there_and_back(void **state) {
        static const uint32_t sizes[] = { 0, 1, 7, LIMIT_FUNCTIONS };

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                fill(sizes[i]);
                assert_int_equal(calls_file_write(*state, 9, calls, sizes[i], i % 2), 0);
                n_got = 0;
                calls_file_read(*state, 9, got, &n_got);
                assert_int_equal(n_got, sizes[i]);
                for (uint32_t j = 0; j < n_got; j++) {
                        assert_string_equal(got[j].function, calls[j].function);
                        assert_string_equal(got[j].namespace, "openfaas-fn");
                        assert_int_equal(got[j].invocations, calls[j].invocations);
                }
                n_got = 0;
                calls_file_read(*state, 8, got, &n_got); /* another bramble's */
                assert_int_equal(n_got, 0);
        }
}

/* Two files: the higher count of each wins. */
static void higher_wins(void **state) {
        memset(got, 0, sizeof(got));
        fill(3);
        assert_int_equal(calls_file_write(*state, 9, calls, 3, false), 0);
        n_got = 2;
        memcpy(got, calls, 2 * sizeof(got[0]));
        got[0].invocations = 5;
        got[1].invocations = UINT64_MAX;
        calls_file_read(*state, 9, got, &n_got);
        assert_int_equal(n_got, 3);
        assert_int_equal(got[0].invocations, calls[0].invocations);
        assert_int_equal(got[1].invocations, UINT64_MAX);
        assert_string_equal(got[2].function, "f2");
}

/* Cut anywhere, or longer than it should be: nothing of it counts. */
static void damaged(void **state) {
        struct stat st;

        fill(2);
        n_got = 0;
        assert_int_equal(calls_file_write(*state, 9, calls, 2, false), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size + 1), 0);
        calls_file_read(*state, 9, got, &n_got);
        assert_int_equal(n_got, 0);
        for (off_t len = st.st_size; len-- > 0;) {
                assert_int_equal(truncate(path, len), 0);
                calls_file_read(*state, 9, got, &n_got);
                assert_int_equal(n_got, 0);
        }
        assert_int_equal(unlink(path), 0);
        calls_file_read(*state, 9, got, &n_got);
        assert_int_equal(n_got, 0);
        assert_true(calls_file_write("/nonexistent", 9, calls, 2, false) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(there_and_back, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(higher_wins, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(damaged, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
