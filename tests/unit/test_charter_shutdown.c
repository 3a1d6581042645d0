/* charter_shutdown - boards that are being switched off, one alone or all. */
#include "charter_fixture.h"

/* While all boards are being switched off nothing moves; one board alone stops nobody. */
static void shutdowns(void **state) {
        const struct charter_command *all = OFF(9, .n = 2, .boards = { { 1, 11 }, { 2, 12 } });
        const struct charter_command *one = OFF(8, .only = 2, .n = 1, .boards = { { 2, 12 } });
        const struct charter_command *other = OFF(7, .only = 3, .n = 1, .boards = { { 3, 0 } });
        const struct charter_command *refused[] = {
                cmd(CHARTER_MEMBER_REMOVE, .node = 3),
                cmd(CHARTER_MASTER_SET, .node = 2),
                SET("g"),
                cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 4),
                cmd(CHARTER_FUNCTION_FOLLOW, FN("f"), .replicas = 4, .replicas_from = 2),
                cmd(CHARTER_FUNCTION_REMOVE, FN("f")),
                cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = 3),
                cmd(CHARTER_INSTANCE_DROP, .instance = 1),
                cmd(CHARTER_KUBE_MOVE, .node = 2),
                cmd(CHARTER_KUBE_PLANE_ADD, .node = 2),
                cmd(CHARTER_KUBE_PLANE_REMOVE, .node = 1),
                cmd(CHARTER_KUBE_OFF, .kube_off = true),
        };
        auto_buf struct buf out = { 0 };
        struct charter c = { 0 }, got = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, one), 0);
        assert_false(charter_frozen(&c));
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 2)), 0);
        assert_int_equal(charter_apply(&c, one), -EALREADY);
        assert_int_equal(charter_apply(&c, other), -EBUSY);
        assert_int_equal(charter_apply(&c, all), 0); /* of which the one board is a part */
        assert_true(charter_frozen(&c));
        assert_int_equal(charter_apply(&c, all), -EALREADY);
        assert_int_equal(charter_apply(&c, other), -EALREADY);
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                if (charter_apply(&c, refused[i]) != -ESHUTDOWN)
                        fail_msg("case %zu", i);
        assert_int_equal(charter_apply(&c, ADD(2)), 0); /* boards come back */
        assert_int_equal(charter_encode(&c, &out), 0);
        assert_int_equal(charter_decode(out.data, out.len, &got), 0);
        assert_true(charter_frozen(&got));
        assert_int_equal(charter_shutdown_boot(&got.shutdown, 2), 12);
        assert_int_equal(charter_shutdown_boot(&got.shutdown, 3), 0);
        charter_done(&got);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SHUTDOWN_CLEAR, .shutdown = { .id = 8 })),
                         -ENOENT);
        /* the power is back: nothing is frozen, and boards are waited for */
        assert_false(charter_awaits(&c, 2));
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SHUTDOWN_CLEAR,
                                               .shutdown = { .id = 9, .returning = true })),
                         0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SHUTDOWN_CLEAR,
                                               .shutdown = { .id = 9, .returning = true })),
                         -EINVAL);
        assert_false(charter_frozen(&c));
        assert_true(charter_awaits(&c, 2) && !charter_awaits(&c, 3));
        assert_int_equal(charter_apply(&c, refused[2]), 0);
        assert_int_equal(charter_apply(&c, all), 0); /* and again */
        assert_true(charter_frozen(&c));
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SHUTDOWN_CLEAR, .shutdown = { .id = 9 })),
                         0);
        /* a board that is removed is not switched off */
        assert_int_equal(charter_apply(&c, other), 0);
        assert_int_equal(charter_apply(&c, refused[0]), 0);
        assert_int_equal(c.shutdown.id, 0);
        charter_done(&c);
}

static void what_a_person_wants_of_a_shutdown(void **state) {
        static const struct {
                struct charter_shutdown now;
                uint64_t only;
                bool reboot;
                enum shutdown_wish want;
        } cases[] = {
                { { 0 }, 2, false, SHUTDOWN_WISH_NEW },
                { { 0 }, 0, true, SHUTDOWN_WISH_NEW },
                { { .id = 9, .only = 2 }, 2, false, SHUTDOWN_WISH_SAME },
                { { .id = 9, .only = 2, .reboot = true }, 2, true, SHUTDOWN_WISH_SAME },
                { { .id = 9, .only = 2, .reboot = true }, 2, false, SHUTDOWN_WISH_CONTRARY },
                { { .id = 9, .only = 2 }, 2, true, SHUTDOWN_WISH_CONTRARY },
                { { .id = 9, .only = 2, .reboot = true }, 3, false, SHUTDOWN_WISH_NEW },
                { { .id = 9, .only = 2, .reboot = true }, 0, false, SHUTDOWN_WISH_NEW },
                { { .id = 9 }, 2, false, SHUTDOWN_WISH_SAME }, /* a part of all */
                { { .id = 9 }, 0, false, SHUTDOWN_WISH_SAME },
                { { .id = 9 }, 2, true, SHUTDOWN_WISH_CONTRARY },
                { { .id = 9, .reboot = true }, 0, false, SHUTDOWN_WISH_CONTRARY },
                { { .id = 9, .returning = true }, 0, true, SHUTDOWN_WISH_NEW },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (charter_shutdown_wish(&cases[i].now, cases[i].only, cases[i].reboot) !=
                    cases[i].want)
                        fail_msg("case %zu", i);
}

static void shutdowns_that_make_no_sense(void **state) {
        const struct charter_command *bad[] = {
                OFF(0, .n = 1, .boards = { { 1, 11 } }),
                OFF(9, .n = 0),
                OFF(9, .returning = true, .n = 1, .boards = { { 1, 11 } }),
                OFF(9, .n = 2, .boards = { { 1, 11 }, { 1, 11 } }),
                OFF(9, .n = 1, .boards = { { 0, 11 } }),
                OFF(9, .only = 2, .n = 1, .boards = { { 1, 11 } }),
                OFF(9, .only = 2, .n = 2, .boards = { { 2, 12 }, { 1, 11 } }),
                cmd(CHARTER_SHUTDOWN_SET,
                    .shutdown = { .id = 9, .timeout_sec = 4, .n = 1, .boards = { { 1, 11 } } }),
                cmd(CHARTER_SHUTDOWN_SET,
                    .shutdown = { .id = 9, .timeout_sec = 3601, .n = 1, .boards = { { 1, 11 } } }),
        };
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (charter_apply(&c, bad[i]) != -EINVAL)
                        fail_msg("case %zu", i);
        assert_int_equal(charter_apply(&c, OFF(9, .only = 5, .n = 1, .boards = { { 5, 0 } })),
                         -ENOENT);
        assert_int_equal(c.shutdown.id, 0);
        charter_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shutdowns),
                cmocka_unit_test(what_a_person_wants_of_a_shutdown),
                cmocka_unit_test(shutdowns_that_make_no_sense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
