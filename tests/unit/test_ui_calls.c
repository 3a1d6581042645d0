#include "gateway/ui_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MSEC 1000000ull

static void rates(void **state) {
        struct ui_state s = { 0 };
        struct ui_calls *c = ui_calls_of(&s, "hello", "dev");

        (void)state;
        assert_non_null(c);
        assert_ptr_equal(ui_calls_of(&s, "hello", "dev"), c);
        assert_true(ui_calls_rate(c) < 0); /* nothing is known */
        ui_calls_sample(c, 1000, 100, NULL);
        assert_true(ui_calls_rate(c) < 0);
        ui_calls_sample(c, 2000, 110, NULL);
        assert_float_equal(ui_calls_rate(c), 10, 0.001);
        for (uint64_t i = 3; i < 20; i++)
                ui_calls_sample(c, i * 1000, 110, NULL);
        assert_float_equal(ui_calls_rate(c), 0, 0.001); /* it has a short memory */
        ui_calls_sample(c, 20000, 115, NULL);
        assert_float_equal(ui_calls_rate(c), 1, 0.001); /* 5 in 5 seconds */
        ui_calls_sample(c, 21000, 3, NULL);             /* deployed anew */
        assert_true(ui_calls_rate(c) < 0);
        ui_calls_sample(c, 22000, 4, NULL);
        assert_float_equal(ui_calls_rate(c), 1, 0.001);
        free(s.calls);
}

static void latencies(void **state) {
        struct function fn = { 0 };
        struct ui_state s = { 0 };
        struct ui_calls *c = ui_calls_of(&s, "hello", "dev");
        uint64_t p50, p99;

        (void)state;
        call_counts_begin(&fn.counts);
        call_counts_end(&fn.counts, 200, 9000 * MSEC); /* long ago */
        ui_calls_sample(c, 1000, 0, &fn);
        assert_false(ui_calls_latency(c, &fn, &p50, &p99));
        assert_false(ui_calls_latency(c, NULL, &p50, &p99));
        for (int i = 0; i < 100; i++) {
                call_counts_begin(&fn.counts);
                call_counts_end(&fn.counts, i % 2 ? 200 : 500, (i < 90 ? 8 : 800) * MSEC);
        }
        assert_true(ui_calls_latency(c, &fn, &p50, &p99));
        assert_in_range(p50, 5000, 10000);
        assert_in_range(p99, 500000, 1000000);
        /* in the window, and in the one after it, then not any more */
        ui_calls_sample(c, 1000 + UI_LATENCY_WINDOW_MS, 0, &fn);
        assert_true(ui_calls_latency(c, &fn, &p50, &p99));
        ui_calls_sample(c, 1000 + 2 * UI_LATENCY_WINDOW_MS, 0, &fn);
        assert_false(ui_calls_latency(c, &fn, &p50, &p99));
        free(s.calls);
        call_counts_done(&fn.counts);
}

static void sweeps(void **state) {
        struct ui_state s = { 0 };
        char name[16];

        (void)state;
        for (int i = 0; i < LIMIT_FUNCTIONS; i++) {
                (void)snprintf(name, sizeof(name), "f%d", i);
                assert_non_null(ui_calls_of(&s, name, "dev"));
        }
        assert_null(ui_calls_of(&s, "one-more", "dev"));
        ui_calls_sweep(&s);
        assert_int_equal(s.n_calls, LIMIT_FUNCTIONS);
        (void)ui_calls_of(&s, "f7", "dev");
        ui_calls_sweep(&s);
        assert_int_equal(s.n_calls, 1);
        assert_string_equal(s.calls[0].name, "f7");
        free(s.calls);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(rates), cmocka_unit_test(latencies),
                                            cmocka_unit_test(sweeps) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
