#include "core/keeper.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

static struct world_member members[] = { { .node = 1, .up = true },
                                         { .node = 2, .up = true },
                                         { .node = 3, .up = false },
                                         { .node = 4, .up = true } };
static const struct world world = { .n_members = 4, .members = members };

static void chooses_a_board_that_is_up_and_lacks_it(void **state) {
        uint64_t holders[] = { 1 };
        struct world_image image = { .digest = "sha256:aa", .n_holders = 1, .holders = holders };
        uint64_t node = keeper_next(&world, &image);

        (void)state;
        assert_true(node == 2 || node == 4);
        assert_int_equal(keeper_next(&world, &image), node); /* and always the same one */
}

static void nothing_to_do(void **state) {
        uint64_t two[] = { 1, 2 };
        struct world_image nobody = { .digest = "sha256:aa" };
        struct world_image enough = { .digest = "sha256:aa", .n_holders = 2, .holders = two };
        struct world_image all = { .digest = "sha256:aa", .n_holders = 1, .holders = two };
        const struct world alone = { .n_members = 1, .members = members };

        (void)state;
        assert_int_equal(keeper_next(&world, &nobody), 0);
        assert_int_equal(keeper_next(&world, &enough), 0);
        assert_int_equal(keeper_next(&alone, &all), 0);
}

static void spreads(void **state) {
        uint64_t holders[] = { 1 };
        unsigned twos = 0;

        (void)state;
        for (unsigned i = 0; i < 100; i++) {
                struct world_image image = { .n_holders = 1, .holders = holders };

                (void)snprintf(image.digest, sizeof(image.digest), "sha256:%02x", i);
                twos += keeper_next(&world, &image) == 2;
        }
        assert_in_range(twos, 20, 80);
}

static void one_board_pulls_for_all(void **state) {
        static struct world_function functions[] = { { .image = "a" }, { .image = "b" } };
        static struct world_instance instances[] = { { .id = 1, .function = 0, .node = 3 },
                                                     { .id = 2, .function = 0, .node = 4 },
                                                     { .id = 3, .function = 0, .node = 1 } };
        struct world w = { .n_members = 4,
                           .members = members,
                           .n_functions = 2,
                           .functions = functions,
                           .n_instances = 3,
                           .instances = instances };
        uint64_t holder[] = { 2 };
        struct world_image a = { .name = "a", .digest = "sha256:aa" };
        struct world_image b = { .name = "b", .digest = "sha256:aa" };
        struct world_image c = { .name = "c", .digest = "sha256:aa" };
        uint64_t node;

        (void)state;
        assert_int_equal(keeper_puller(&w, &a, 9), 4); /* the first replica's board is off */
        node = keeper_puller(&w, &b, 9);               /* no replica: one of those that are on */
        assert_true(node == 1 || node == 2 || node == 4);
        assert_int_equal(keeper_puller(&w, &c, 9), 0); /* nobody needs it */
        /* its card is full, or it has no way out: the next one tries */
        instances[1].state = INSTANCE_BACKOFF;
        assert_int_equal(keeper_puller(&w, &a, 4), 1);
        assert_int_equal(keeper_puller(&w, &a, 1), 1);
        /* nobody can: each for itself, and with no replica one that has */
        instances[2].state = INSTANCE_BACKOFF;
        assert_int_equal(keeper_puller(&w, &a, 4), 4);
        assert_int_equal(keeper_puller(&w, &a, 1), 1);
        assert_int_equal(keeper_puller(&w, &a, 2), 4);
        a.n_holders = 1;
        a.holders = holder;
        assert_int_equal(keeper_puller(&w, &a, 9), 0); /* it comes from a peer */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chooses_a_board_that_is_up_and_lacks_it),
                cmocka_unit_test(nothing_to_do),
                cmocka_unit_test(spreads),
                cmocka_unit_test(one_board_pulls_for_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
