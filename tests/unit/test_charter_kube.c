/* charter_kube - the epochs and control planes of a Kubernetes cluster. */
#include "charter_fixture.h"

/* A cluster of epoch 1 on board 1 that answers. */
static void kube_prepare(struct charter *c) {
        prepare(c);
        assert_int_equal(charter_apply(c, KUBE(CHARTER_KUBE_MOVE, 0, .node = 1, .kube_key = { 7 })),
                         0);
        assert_int_equal(charter_apply(c, KUBE(CHARTER_KUBE_FOUNDED, 1, .version = "v1.20.2",
                                               .digest = DIGEST)),
                         0);
}

static void kube_epochs(void **state) {
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_FOUNDED, 0, .version = "v1.20.2",
                                                .digest = DIGEST)),
                         -EINVAL); /* nobody was told to make one */
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 1, .node = 1)), -ESTALE);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 0, .node = 9)), -ENOENT);
        assert_int_equal(
                charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 0, .node = 2, .kube_key = { 7 })), 0);
        assert_int_equal(c.kube.epoch, 1);
        assert_int_equal(c.kube.made, 1);
        assert_int_equal(c.master, 2);
        assert_false(c.kube.founded);
        /* two that decide at once: the second changes nothing */
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 0, .node = 3)), -ESTALE);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 3)), -EINVAL);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_FOUNDED, 1, .version = "1.20",
                                                .digest = DIGEST)),
                         -EINVAL);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_FOUNDED, 1, .version = "v1.20.2",
                                                .digest = DIGEST)),
                         0);
        assert_true(c.kube.founded);
        /* moved with a snapshot: the same CA and the same key; the old master's word is stale */
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 1, .node = 3,
                                                .kube_restore = true, .kube_key = { 8 })),
                         0);
        assert_int_equal(c.kube.epoch, 2);
        assert_int_equal(c.master, 3);
        assert_int_equal(c.kube.key[0], 7);
        assert_int_equal(c.kube.made, 1); /* it is the same cluster */
        assert_string_equal(c.kube.ca_hash, DIGEST);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_FOUNDED, 1, .version = "v1.20.2",
                                                .digest = DIGEST)),
                         -ESTALE);
        charter_done(&c);
}

static void kube_planes(void **state) {
        struct charter c = { 0 };

        (void)state;
        kube_prepare(&c);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 1)), -EEXIST);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_REMOVE, 1, .node = 1)), -EINVAL);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 2)), 0);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 3)), 0);
        assert_int_equal(charter_apply(&c, ADD(4)), 0);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 4)), -ENOSPC);
        /* who carries it stays a member; who makes it is the master */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_REMOVE, .node = 3)), -EINVAL);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MASTER_SET, .node = 2)), -EINVAL);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_REMOVE, 1, .node = 1)), 0);
        assert_int_equal(c.master, 2);
        assert_true(charter_kube_carries(&c.kube, 3));
        assert_false(charter_kube_carries(&c.kube, 1));
        /* off: nobody carries it; on again: a new epoch */
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_OFF, 1, .kube_off = true)), 0);
        assert_int_equal(c.kube.n_planes, 0);
        assert_true(c.kube.off);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_OFF, 1, .kube_off = false)), 0);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 1, .node = 4)), 0);
        assert_int_equal(c.kube.epoch, 2);
        assert_int_equal(c.kube.made, 2); /* and this is another */
        assert_false(c.kube.off);
        charter_done(&c);
}

static void kube_adopted(void **state) {
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 0, .node = 2)), 0);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_FOUNDED, 1, .version = "v1.28.0",
                                                .digest = DIGEST, .kube_adopted = true)),
                         0);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_MOVE, 1, .node = 1)), -EINVAL);
        charter_done(&c);
}

/* A snapshot that an older bramble wrote. */
static void kube_from_version_1(void **state) {
        struct charter c = { 0 }, again = { 0 };
        auto_buf struct buf b = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_REMOVE, FN("f"))), 0);
        assert_int_equal(charter_encode(&c, &b), 0);
        b.data[5] = 1; /* the version, and no Kubernetes: */
        b.len -= 4 + 4 + 4 + 4 + 4 + 4 +
                 (4 + SIZE_KUBE_KEY); /* epoch, flags, made, n, two texts, key */
        b.len -= TAIL_BYTES;
        without_cordons(&c, &b);
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_int_equal(again.kube.epoch, 0);
        assert_int_equal(again.n_members, 3);
        charter_done(&again);
        charter_done(&c);
}

static void kube_survives(void **state) {
        struct charter c = { 0 }, again = { 0 };
        auto_buf struct buf b = { 0 };

        (void)state;
        kube_prepare(&c);
        assert_int_equal(charter_apply(&c, KUBE(CHARTER_KUBE_PLANE_ADD, 1, .node = 3)), 0);
        assert_int_equal(charter_encode(&c, &b), 0);
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_memory_equal(&c.kube, &again.kube, sizeof(c.kube));
        charter_done(&again);
        charter_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kube_epochs),   cmocka_unit_test(kube_planes),
                cmocka_unit_test(kube_adopted),  cmocka_unit_test(kube_from_version_1),
                cmocka_unit_test(kube_survives),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
