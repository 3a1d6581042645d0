#include "gateway/call_counts.h"

#include "base/scope.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MS ((uint64_t)1000000)

static uint64_t value_of(const struct buf *out, const char *sample) {
        const char *at = out->data ? strstr(out->data, sample) : NULL;
        uint64_t v;

        if (!at || (at > out->data && at[-1] != '\n') || at[strlen(sample)] != ' ' ||
            sscanf(at + strlen(sample), " %" SCNu64, &v) != 1)
                fail_msg("no sample '%s' in\n%s", sample, out->data ? out->data : "");
        return v;
}

/* A bucket holds all that took as long as its bound says, or less. */
static void buckets(void **state) {
        static const struct {
                uint64_t ns;
                const char *first; /* the lowest bucket that counts it */
        } cases[] = {
                { 0, "0.005" },
                { 5 * MS, "0.005" },
                { 5 * MS + 1000, "0.01" },
                { 10 * MS, "0.01" },
                { 24 * MS, "0.025" },
                { 50 * MS, "0.05" },
                { 100 * MS + 1000, "0.25" },
                { 500 * MS, "0.5" },
                { 999 * MS, "1" },
                { 2500 * MS, "2.5" },
                { 4000 * MS, "5" },
                { 10000 * MS, "10" },
                { 10001 * MS, "+Inf" },
        };
        static const char *const les[] = { "0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                           "0.5",   "1",    "2.5",   "5",    "10",  "+Inf" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct call_counts counts = { 0 };
                auto_buf struct buf out = { 0 };
                bool counted = false;

                call_counts_begin(&counts);
                call_counts_end(&counts, 200, cases[i].ns);
                call_counts_print_seconds(&counts, "f.ns", &out);
                for (size_t b = 0; b < ARRAY_SIZE(les); b++) {
                        char sample[128];

                        (void)snprintf(sample, sizeof(sample),
                                       "gateway_functions_seconds_bucket{code=\"200\",function_"
                                       "name=\"f.ns\",le=\"%s\"}",
                                       les[b]);
                        counted = counted || strcmp(les[b], cases[i].first) == 0;
                        if (value_of(&out, sample) != (uint64_t)counted)
                                fail_msg("case %zu: %s is %d", i, les[b], !counted);
                }
                call_counts_done(&counts);
        }
}

static void sums(void **state) {
        struct call_counts counts = { 0 };
        auto_buf struct buf out = { 0 };

        (void)state;
        for (unsigned i = 0; i < 5; i++)
                call_counts_begin(&counts);
        assert_int_equal(call_counts_in_flight(&counts), 5);
        call_counts_end(&counts, 200, 1500 * MS);
        call_counts_end(&counts, 200, 750 * MS);
        call_counts_end(&counts, 500, 2 * MS);
        call_counts_end(&counts, 0, 7 * MS);
        assert_int_equal(call_counts_in_flight(&counts), 1);
        call_counts_print_total(&counts, "f.ns", &out);
        assert_string_equal(
                out.data,
                "gateway_function_invocation_total{code=\"200\",function_name=\"f.ns\"} 2\n"
                "gateway_function_invocation_total{code=\"500\",function_name=\"f.ns\"} 1\n"
                "gateway_function_invocation_total{code=\"499\",function_name=\"f.ns\"} "
                "1\n");
        out.len = 0;
        call_counts_print_seconds(&counts, "f.ns", &out);
        assert_non_null(strstr(out.data, "\ngateway_functions_seconds_sum{code=\"200\",function_"
                                         "name=\"f.ns\"} 2.250000\n"));
        assert_int_equal(value_of(&out, "gateway_functions_seconds_count{code=\"200\",function_"
                                        "name=\"f.ns\"}"),
                         2);
        call_counts_done(&counts);
}

/* A function that makes statuses up costs no more than those that have a place. */
static void statuses_have_a_limit(void **state) {
        struct call_counts counts = { 0 };
        auto_buf struct buf out = { 0 };
        unsigned lines = 0;

        (void)state;
        for (unsigned round = 0; round < 2; round++)
                for (unsigned status = 200; status < 1000; status++) {
                        call_counts_begin(&counts);
                        call_counts_end(&counts, status, MS);
                }
        call_counts_print_total(&counts, "f.ns", &out);
        for (const char *at = out.data; (at = strchr(at, '\n')); at++)
                lines++;
        assert_int_equal(lines, CALL_COUNTS_CODES);
        assert_int_equal(value_of(&out, "gateway_function_invocation_total{code=\"206\",function_"
                                        "name=\"f.ns\"}"),
                         2);
        assert_int_equal(value_of(&out, "gateway_function_invocation_total{code=\"other\","
                                        "function_name=\"f.ns\"}"),
                         2 * (800 - 7));
        assert_int_equal(call_counts_in_flight(&counts), 0);
        call_counts_done(&counts);
}

static void nothing_yet(void **state) {
        struct call_counts counts = { 0 };
        auto_buf struct buf out = { 0 };

        (void)state;
        call_counts_print_total(&counts, "f.ns", &out);
        call_counts_print_seconds(&counts, "f.ns", &out);
        assert_int_equal(out.len, 0);
        call_counts_done(&counts);
}

static void quantiles(void **state) {
        struct call_counts counts = { 0 };
        uint64_t buckets[CALL_COUNTS_BUCKETS + 1], all = 0;

        (void)state;
        call_counts_buckets(&counts, buckets);
        assert_int_equal(call_counts_quantile(buckets, 50), 0);
        for (unsigned i = 0; i < 100; i++) {
                call_counts_begin(&counts);
                call_counts_end(&counts, i % 2 ? 200 : 404,
                                (i < 80   ? 4
                                 : i < 99 ? 200
                                          : 20000) *
                                        MS);
        }
        call_counts_buckets(&counts, buckets);
        for (unsigned i = 0; i <= CALL_COUNTS_BUCKETS; i++)
                all += buckets[i];
        assert_int_equal(all, 100);
        assert_int_equal(buckets[0], 80);
        assert_int_equal(buckets[5], 19);
        assert_int_equal(buckets[CALL_COUNTS_BUCKETS], 1);
        assert_int_equal(call_counts_quantile(buckets, 40), 2500); /* half of the first bucket */
        assert_int_equal(call_counts_quantile(buckets, 80), 5000);
        assert_int_equal(call_counts_quantile(buckets, 99), 250000);
        assert_int_equal(call_counts_quantile(buckets, 100), 10000000); /* and more: not known */
        call_counts_done(&counts);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(buckets),
                cmocka_unit_test(sums),
                cmocka_unit_test(statuses_have_a_limit),
                cmocka_unit_test(nothing_yet),
                cmocka_unit_test(quantiles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
