#include "core/kube_snapshot.h"

#include "base/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define START (1000 * USEC_PER_SEC)

static void first_one(void **state) {
        struct kube_snapshot_timer t = { 0 };

        (void)state;
        assert_false(kube_snapshot_due(&t, 1, START + USEC_PER_DAY)); /* another's work */
        kube_snapshot_primary(&t, true, START);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_FIRST_USEC - 1));
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_FIRST_USEC));
        kube_snapshot_primary(&t, true, START + 30 * USEC_PER_SEC); /* nothing new */
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_FIRST_USEC));
        kube_snapshot_primary(&t, false, START + USEC_PER_MIN);
        kube_snapshot_primary(&t, true, START + USEC_PER_MIN + 1);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_FIRST_USEC + 1));
}

static struct kube_snapshot_timer taken(void) {
        struct kube_snapshot_timer t = { 0 };

        kube_snapshot_primary(&t, true, 1);
        kube_snapshot_counted(&t, 17);
        assert_true(kube_snapshot_due(&t, 1, START));
        kube_snapshot_begun(&t, START);
        return t;
}

static void when_something_changed(void **state) {
        struct kube_snapshot_timer t = taken();

        (void)state;
        kube_snapshot_counted(&t, 17);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC));
        assert_false(kube_snapshot_due(&t, 1, START + USEC_PER_DAY));
        kube_snapshot_outdated(&t);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC - 1));
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC));
        t.taken_counter = 17;
        kube_snapshot_counted(&t, 18);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC - 1));
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC));
        kube_snapshot_begun(&t, START + KUBE_SNAPSHOT_EVERY_USEC);
        kube_snapshot_counted(&t, 3); /* the API server began anew: who knows */
        assert_true(kube_snapshot_due(&t, 1, START + 2 * KUBE_SNAPSHOT_EVERY_USEC));
}

static void other_planes_count_for_themselves(void **state) {
        struct kube_snapshot_timer t = taken();

        (void)state;
        assert_false(kube_snapshot_due(&t, 3, START + KUBE_SNAPSHOT_HOURLY_USEC - 1));
        assert_true(kube_snapshot_due(&t, 3, START + KUBE_SNAPSHOT_HOURLY_USEC));
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_HOURLY_USEC));
}

static void nobody_counts(void **state) {
        struct kube_snapshot_timer t = { 0 };

        (void)state;
        kube_snapshot_primary(&t, true, 1);
        kube_snapshot_begun(&t, START);
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC));
        kube_snapshot_counted(&t, 0); /* the first word, after the first snapshot */
        assert_true(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_EVERY_USEC));
}

static void after_a_failure(void **state) {
        struct kube_snapshot_timer t = taken();

        (void)state;
        kube_snapshot_failed(&t, START + USEC_PER_SEC);
        assert_false(kube_snapshot_due(&t, 1, START + KUBE_SNAPSHOT_RETRY_USEC));
        assert_true(kube_snapshot_due(&t, 1, START + USEC_PER_SEC + KUBE_SNAPSHOT_RETRY_USEC));
        kube_snapshot_begun(&t, START + 2 * USEC_PER_MIN);
        assert_false(kube_snapshot_due(&t, 1, START + USEC_PER_DAY));
}

/* ---- keepers ------------------------------------------------------------------------------- */

static void prefers(void **state) {
        static const struct kube_snapshot_board boards[] = {
                { .node = 1, .fit = true, .plane = true },
                { .node = 2 },
                { .node = 3, .fit = true, .plane = true },
                { .node = 4, .fit = true },
                { .node = 5 },
        };
        uint64_t nodes[KUBE_SNAPSHOT_KEEPERS];

        (void)state;
        for (uint64_t salt = 0; salt < 50; salt++) {
                assert_int_equal(kube_snapshot_keepers(boards, 5, 1, salt, nodes), 2);
                assert_int_equal(nodes[0], 4);
                assert_true(nodes[1] == 2 || nodes[1] == 5);
                assert_int_equal(kube_snapshot_keepers(boards, 3, 1, salt, nodes), 2);
                assert_true(nodes[0] == 2 && nodes[1] == 3);
        }
        assert_int_equal(kube_snapshot_keepers(boards, 1, 1, 0, nodes), 0);
        assert_int_equal(kube_snapshot_keepers(boards, 2, 1, 0, nodes), 1);
        assert_int_equal(kube_snapshot_keepers(boards, 0, 1, 0, nodes), 0);
}

/* The order that they are told in means nothing, and one that goes moves nobody else. */
static void stable(void **state) {
        struct kube_snapshot_board boards[8], turned[8];
        uint64_t a[KUBE_SNAPSHOT_KEEPERS], b[KUBE_SNAPSHOT_KEEPERS];
        unsigned often[8] = { 0 };

        (void)state;
        for (size_t i = 0; i < 8; i++)
                boards[i] = (struct kube_snapshot_board){ .node = 100 + i, .fit = true };
        for (size_t i = 0; i < 8; i++)
                turned[i] = boards[7 - i];
        for (uint64_t salt = 1; salt < 400; salt++) {
                assert_int_equal(kube_snapshot_keepers(boards, 8, 100, salt, a), 2);
                assert_int_equal(kube_snapshot_keepers(turned, 8, 100, salt, b), 2);
                assert_true(a[0] == b[0] && a[1] == b[1]);
                often[a[0] - 100]++;
                often[a[1] - 100]++;
                /* without the first: the second stays */
                for (size_t i = 0, n = 0; i < 8; i++)
                        if (boards[i].node != a[0])
                                turned[n++] = boards[i];
                assert_int_equal(kube_snapshot_keepers(turned, 7, 100, salt, b), 2);
                assert_true(b[0] == a[1]);
                for (size_t i = 0; i < 8; i++)
                        turned[i] = boards[7 - i];
        }
        assert_int_equal(often[0], 0); /* itself */
        for (size_t i = 1; i < 8; i++)
                assert_in_range(often[i], 70, 160); /* 798 / 7 = 114 */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_one),
                cmocka_unit_test(when_something_changed),
                cmocka_unit_test(other_planes_count_for_themselves),
                cmocka_unit_test(nobody_counts),
                cmocka_unit_test(after_a_failure),
                cmocka_unit_test(prefers),
                cmocka_unit_test(stable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
