/* charter_floor - how few replicas there may be, where an older bramble wrote what was wanted. */
#include "charter_fixture.h"

/* A log from before there were floors, and a snapshot of that time: boards that came by the one and
 * by the other have the same charter. */
static void floors_from_old_logs(void **state) {
        static const struct {
                uint32_t set, scale, want;
        } cases[] = {
                { 3, UINT32_MAX, 3 }, /* deployed with a number */
                { 3, 5, 5 },          /* and scaled */
                { CHARTER_REPLICAS_KEEP, UINT32_MAX, 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct charter c = { 0 };
                struct charter_command got;
                auto_buf struct buf b = { 0 };
                const struct charter_function *f;

                found(&c);
                assert_int_equal(charter_command_encode(SET("f", .replicas = cases[i].set), &b), 0);
                b.data[0] = 1; /* as that bramble wrote it: nothing else is different */
                assert_int_equal(charter_command_decode(b.data, b.len, &got), 0);
                assert_int_equal(charter_apply(&c, &got), 0);
                if (cases[i].scale != UINT32_MAX)
                        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SCALE, FN("f"),
                                                               .replicas = cases[i].scale)),
                                         0);
                f = charter_function(&c, "f", "openfaas-fn");
                assert_int_equal(f->replicas, cases[i].want);
                assert_int_equal(f->floor, f->replicas); /* floor_from_version_2() */
                /* of today: its labels say how few there may be */
                assert_int_equal(charter_apply(&c, SET("f", .replicas = 2)), 0);
                assert_int_equal(charter_function(&c, "f", "openfaas-fn")->floor, 0);
                charter_done(&c);
        }
}

/* What was wanted then was wanted by a person. */
static void floor_from_version_2(void **state) {
        static const char number[] = { 0, 0, 0, 61 };
        struct charter c = { 0 }, again = { 0 };
        auto_buf struct buf b = { 0 };
        char *at;

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 61)),
                         0);
        assert_int_equal(charter_encode(&c, &b), 0);
        at = memmem(b.data, b.len, number, sizeof(number)); /* replicas, and then the floor: */
        assert_non_null(at);
        at = memmem(at + 1, b.len - (size_t)(at + 1 - b.data), number, sizeof(number));
        assert_non_null(at);
        memmove(at, at + 4, b.len - (size_t)(at + 4 - b.data));
        b.len -= 4 + TAIL_BYTES;
        without_cordons(&c, &b);
        b.data[5] = 2;
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_int_equal(again.functions[0].replicas, 61);
        assert_int_equal(again.functions[0].floor, 61);
        charter_done(&again);
        charter_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(floors_from_old_logs),
                cmocka_unit_test(floor_from_version_2),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
