/* charter_cordon - boards that take no new work, and snapshots from before there were any. */
#include "charter_fixture.h"

static void cordons(void **state) {
        struct charter c = { 0 };
        uint64_t version;

        (void)state;
        prepare(&c);
        version = c.version;
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_CORDON, .node = 9, .cordoned = true)),
                         -ENOENT);
        assert_int_equal(c.version, version);
        for (int i = 0; i < 2; i++) /* twice is once */
                assert_int_equal(
                        charter_apply(&c, cmd(CHARTER_MEMBER_CORDON, .node = 2, .cordoned = true)),
                        0);
        assert_true(charter_member(&c, 2)->cordoned);
        assert_false(charter_member(&c, 1)->cordoned);
        /* a board that was flashed anew stays what a person made it */
        assert_int_equal(charter_apply(&c, ADD(2)), 0);
        assert_true(charter_member(&c, 2)->cordoned);
        /* what is placed is placement's; the charter takes what it says */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = 2)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_CORDON, .node = 2)), 0);
        assert_false(charter_member(&c, 2)->cordoned);
        charter_done(&c);
}

static void cordons_since_version_4(void **state) {
        struct charter c = { 0 }, again = { 0 };
        auto_buf struct buf b = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_encode(&c, &b), 0);
        without_cordons(&c, &b);
        b.len -= 8; /* nor was there a record of a shutdown */
        b.data[5] = 3;
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_int_equal(again.n_members, 3);
        assert_false(again.members[0].cordoned || again.members[2].cordoned);
        charter_done(&again);
        b.data[5] = 4; /* and there they must be */
        assert_int_equal(charter_decode(b.data, b.len, &again), -EBADMSG);

        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_CORDON, .node = 2, .cordoned = true)),
                         0);
        buf_done(&b);
        assert_int_equal(charter_encode(&c, &b), 0);
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_true(charter_member(&again, 2)->cordoned);
        assert_false(charter_member(&again, 3)->cordoned);
        charter_done(&again);
        charter_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cordons),
                cmocka_unit_test(cordons_since_version_4),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
