#include "core/image_sweep.h"

#include "base/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

#define DAY UINT64_C(86400)

static void chooses(void **state) {
        static const struct {
                struct image_sweep_item items[4];
                enum image_sweep_action want;
                size_t at;
        } cases[] = {
                /* nothing to give up */
                { { { 0 } }, IMAGE_SWEEP_NOTHING, 0 },
                { { { 9 * DAY, true, true, 5 }, { 9 * DAY, true, true, 0 } },
                  IMAGE_SWEEP_NOTHING,
                  0 },
                { { { DAY - 1, false, true, 0 } }, IMAGE_SWEEP_NOTHING, 0 },
                { { { DAY - 1, false, false, 0 } }, IMAGE_SWEEP_NOTHING, 0 },
                { { { 0, false, true, 1 } }, IMAGE_SWEEP_NOTHING, 0 }, /* the second copy */
                /* the oldest that nobody uses is forgotten */
                { { { DAY, false, true, 0 },
                    { 3 * DAY, false, true, 1 },
                    { 9 * DAY, true, true, 0 } },
                  IMAGE_SWEEP_FORGET,
                  1 },
                /* copies before that, also young ones, the oldest of them first */
                { { { 9 * DAY, false, true, 0 }, { 5, false, true, 2 }, { 7, false, true, 3 } },
                  IMAGE_SWEEP_DROP,
                  2 },
                /* what the bramble does not know before all */
                { { { 9 * DAY, false, true, 2 }, { DAY, false, false, 0 } }, IMAGE_SWEEP_DROP, 1 },
                /* a function names it, with other bytes: they are on the way */
                { { { 9 * DAY, true, false, 0 } }, IMAGE_SWEEP_NOTHING, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t at = 99, n = 0;

                while (n < 4 && (cases[i].items[n].idle_sec || cases[i].items[n].used ||
                                 cases[i].items[n].known))
                        n++;
                assert_int_equal(image_sweep(cases[i].items, n, &at), cases[i].want);
                assert_int_equal(at, cases[i].want == IMAGE_SWEEP_NOTHING ? 99 : cases[i].at);
        }
}

static void spares(void **state) {
        uint64_t holders[] = { 1, 2, 3, 4 };
        struct world_image a = { .name = "a", .n_holders = 4, .holders = holders };
        struct world_image b = { .name = "b", .n_holders = 3, .holders = holders };
        struct world_image c = { .name = "c", .n_holders = 2, .holders = holders };
        struct image_spared s = { 0 };
        usec_t now = 1;

        (void)state;
        /* four boards ask at one moment, and two copies stay */
        assert_true(image_spare(&s, &a, 4, now));
        assert_true(image_spare(&s, &a, 1, now));
        assert_false(image_spare(&s, &a, 2, now));
        assert_false(image_spare(&s, &a, 3, now));
        assert_true(image_spare(&s, &b, 2, now)); /* another image is another matter */
        assert_false(image_spare(&s, &b, 1, now));
        assert_false(image_spare(&s, &c, 1, now));
        /* they did not do it: they hold it still */
        now += IMAGE_SPARED_USEC;
        assert_true(image_spare(&s, &a, 2, now));
        /* they did: what the world says counts */
        b.n_holders = 2;
        assert_false(image_spare(&s, &b, 1, now));
        /* not all at once */
        b.n_holders = 3;
        for (int i = 0; i < IMAGE_SPARED - 1; i++) {
                (void)snprintf(b.name, sizeof(b.name), "x%d", i);
                assert_true(image_spare(&s, &b, 1, now));
        }
        (void)snprintf(b.name, sizeof(b.name), "y");
        assert_false(image_spare(&s, &b, 1, now));
}

static void limit(void **state) {
        (void)state;
        assert_int_equal(image_sweep_limit(4000000000), 500000000);
        assert_int_equal(image_sweep_limit(UINT64_C(32000000000)), 1000000000);
        assert_int_equal(image_sweep_limit(0), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(chooses), cmocka_unit_test(spares),
                                            cmocka_unit_test(limit) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
