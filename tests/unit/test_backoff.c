#include "core/backoff.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void grows(void **state) {
        static const unsigned want_sec[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
        struct backoff b = { 0 };
        usec_t now = 5 * USEC_PER_SEC;

        (void)state;
        for (size_t i = 0; i < sizeof(want_sec) / sizeof(want_sec[0]); i++) {
                usec_t wait;

                backoff_started(&b, now);
                now += USEC_PER_SEC;
                wait = backoff_ended(&b, now);
                assert_int_equal(wait, want_sec[i] * USEC_PER_SEC);
                now += wait;
        }
}

static void forgets_after_a_good_life(void **state) {
        struct backoff b = { .failures = 7 };

        (void)state;
        backoff_started(&b, 1);
        assert_int_equal(backoff_ended(&b, 1 + BACKOFF_GOOD_USEC), 0);
        backoff_started(&b, 2 + BACKOFF_GOOD_USEC);
        assert_int_equal(backoff_ended(&b, 3 + BACKOFF_GOOD_USEC), BACKOFF_FIRST_USEC);
}

static void counts_what_never_started(void **state) {
        struct backoff b = { 0 };

        (void)state;
        assert_int_equal(backoff_ended(&b, 100 * USEC_PER_SEC), BACKOFF_FIRST_USEC);
        assert_int_equal(backoff_ended(&b, 300 * USEC_PER_SEC), 2 * BACKOFF_FIRST_USEC);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(grows),
                                            cmocka_unit_test(forgets_after_a_good_life),
                                            cmocka_unit_test(counts_what_never_started) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
