#include "core/watts.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void range(void **state) {
        struct board three = { .idle_mw = 1900, .max_mw = 5100 };
        struct board two = { .idle_mw = 1100, .max_mw = 2100 }, pc = { 0 };
        struct board wrong = { .idle_mw = 500, .max_mw = 400 };
        uint32_t low = 77, high = 77;
        struct watts w = { 0 };

        (void)state;
        assert_false(watts_range(&w, &low, &high));
        watts_add(&w, &pc);
        watts_add(&w, &wrong);
        assert_false(watts_range(&w, &low, &high));
        assert_int_equal(low, 77);
        watts_add(&w, &three);
        watts_add(&w, &two);
        assert_true(watts_range(&w, &low, &high));
        assert_int_equal(low, 3);
        assert_int_equal(high, 8); /* 7.2, rounded up */
        assert_int_equal(w.known, 2);
        assert_int_equal(w.unknown, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(range) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
