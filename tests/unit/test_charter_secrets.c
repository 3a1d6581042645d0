/* charter_secrets - secrets and namespaces. */
#include "charter_fixture.h"

#include "base/str.h"

static void secrets(void **state) {
        static const uint8_t large[LIMIT_SEALED_BYTES + 1];
        struct charter_command big = *SECRET("big", "");
        struct charter c = { 0 };
        const struct charter_secret *s;
        uint64_t version;
        int r = 0;

        (void)state;
        assert_int_equal(charter_apply(&c, SECRET("key", "x")), -EINVAL);
        prepare(&c);
        assert_int_equal(c.secrets_version, 0);
        assert_int_equal(charter_apply(&c, SECRET("key", "one", .only_existing = true)), -ENOENT);
        assert_int_equal(charter_apply(&c, SECRET("key", "one", .only_new = true)), 0);
        assert_int_equal(c.secrets_version, 1);
        assert_int_equal(charter_apply(&c, SECRET("key", "two", .only_new = true)), -EEXIST);
        assert_int_equal(charter_apply(&c, SECRET("key", "t\0o", .only_existing = true)), 0);
        s = charter_secret(&c, "key", "openfaas-fn");
        assert_int_equal(s->sealed_len, 3);
        assert_memory_equal(s->sealed, "t\0o", 3);
        assert_null(charter_secret(&c, "key", "dev"));
        assert_int_equal(c.secrets_version, 2);

        /* names that are no file, values that are none, another key */
        assert_int_equal(charter_apply(&c, SECRET("../x", "a")), -EINVAL);
        assert_int_equal(charter_apply(&c, SECRET("a/b", "a")), -EINVAL);
        assert_int_equal(charter_apply(&c, SECRET(".a", "a")), -EINVAL);
        assert_int_equal(charter_apply(&c, SECRET("", "a")), -EINVAL);
        assert_int_equal(charter_apply(&c, SECRET("a", "")), -EINVAL);
        assert_int_equal(charter_apply(&c, SEALED("a", "a", 0)), -EINVAL);
        assert_int_equal(charter_apply(&c, SEALED("a", "a", 6)), -ESTALE);
        assert_int_equal(c.secrets_version, 2);

        /* the order is that of the names; a name counts once a namespace */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SECRET_SET, .name = "key", .namespace = "b",
                                               .sealed = large, .sealed_len = 1, .secrets_key = 5)),
                         0);
        assert_int_equal(charter_apply(&c, SECRET("a", "a")), 0);
        assert_string_equal(c.secrets[0].name, "a");
        assert_string_equal(c.secrets[1].namespace, "b");
        assert_string_equal(c.secrets[2].namespace, "openfaas-fn");

        /* limits: of one, of all together, of their number */
        version = c.secrets_version;
        big.sealed = large;
        big.sealed_len = sizeof(large);
        assert_int_equal(charter_apply(&c, &big), -ENOSPC);
        big.sealed_len--;
        for (unsigned i = 0; r == 0; i++) {
                (void)snprintf(big.name, sizeof(big.name), "big%u", i);
                r = charter_apply(&c, &big);
        }
        assert_int_equal(r, -ENOSPC);
        assert_in_range(c.n_secrets, LIMIT_SECRETS_BYTES / LIMIT_SEALED_BYTES, LIMIT_SECRETS - 1);
        (void)snprintf(big.name, sizeof(big.name), "big0"); /* in the place of itself it fits */
        assert_int_equal(charter_apply(&c, &big), 0);
        assert_true(c.secrets_version > version);
        while (c.n_secrets > 0) {
                struct charter_command one = { .op = CHARTER_SECRET_REMOVE };

                (void)str_copy(one.name, sizeof(one.name), c.secrets[0].name);
                (void)str_copy(one.namespace, sizeof(one.namespace), c.secrets[0].namespace);
                assert_int_equal(charter_apply(&c, &one), 0);
        }
        for (unsigned i = 0; i < LIMIT_SECRETS; i++) {
                struct charter_command one = *SECRET("", "x");

                (void)snprintf(one.name, sizeof(one.name), "s%u", i);
                assert_int_equal(charter_apply(&c, &one), 0);
        }
        assert_int_equal(charter_apply(&c, SECRET("more", "x")), -ENOSPC);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SECRET_REMOVE, FN("s3"))), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SECRET_REMOVE, FN("s3"))), -ENOENT);
        assert_int_equal(charter_apply(&c, SECRET("more", "x")), 0);
        charter_done(&c);
}

/* Once the last secret is gone another key may be taken. */
static void secrets_new_key(void **state) {
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, SECRET("a", "a")), 0);
        assert_int_equal(charter_apply(&c, SEALED("a", "b", 6)), -ESTALE);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SECRET_REMOVE, FN("a"))), 0);
        assert_int_equal(charter_apply(&c, SEALED("a", "b", 6)), 0);
        assert_int_equal(c.secrets_key, 6);
        charter_done(&c);
}

static void namespaces(void **state) {
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_true(charter_namespace_exists(&c, "openfaas-fn"));
        assert_false(charter_namespace_exists(&c, "dev"));
        assert_int_equal(charter_apply(&c, SPACE("dev", .only_existing = true)), -ENOENT);
        assert_int_equal(charter_apply(&c, SPACE("dev", .only_new = true)), 0);
        assert_true(charter_namespace_exists(&c, "dev"));
        assert_int_equal(charter_apply(&c, SPACE("dev", .only_new = true)), -EEXIST);
        assert_int_equal(charter_apply(&c, SPACE("dev", .spec = "{}", .spec_len = 2)), 0);
        assert_string_equal(charter_namespace(&c, "dev")->about, "{}");
        assert_int_equal(charter_apply(&c, SPACE("a.b")), -EINVAL);
        assert_int_equal(charter_apply(&c, SPACE("../a")), -EINVAL);
        assert_int_equal(charter_apply(&c, SPACE("")), -EINVAL);

        /* the first one: always there, may be described, never removed */
        assert_int_equal(charter_apply(&c, SPACE("openfaas-fn", .only_new = true)), -EEXIST);
        assert_int_equal(charter_apply(&c, SPACE("openfaas-fn", .only_existing = true)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_NAMESPACE_REMOVE, .name = "openfaas-fn")),
                         -EINVAL);

        /* not while something is in it */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_SECRET_SET, .name = "k", .namespace = "dev",
                                               .sealed = (const uint8_t *)"x", .sealed_len = 1,
                                               .secrets_key = 1)),
                         0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_NAMESPACE_REMOVE, .name = "dev")), -EBUSY);
        assert_int_equal(
                charter_apply(&c, cmd(CHARTER_SECRET_REMOVE, .name = "k", .namespace = "dev")), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_NAMESPACE_REMOVE, .name = "dev")), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_NAMESPACE_REMOVE, .name = "dev")), -ENOENT);

        /* a function from before there were namespaces makes its own */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SET, .name = "f",
                                               .namespace = "old", .image = "i")),
                         0);
        assert_true(charter_namespace_exists(&c, "old"));
        assert_int_equal(charter_namespace_functions(&c, "old"), 1);
        assert_int_equal(charter_apply(&c, SPACE("old", .only_new = true)), -EEXIST);
        assert_int_equal(charter_apply(&c, SPACE("old", .only_existing = true)), 0);
        for (unsigned i = c.n_namespaces; i < LIMIT_NAMESPACES; i++) {
                struct charter_command one = *SPACE("");

                (void)snprintf(one.name, sizeof(one.name), "n%u", i);
                assert_int_equal(charter_apply(&c, &one), 0);
        }
        assert_int_equal(charter_apply(&c, SPACE("more")), -ENOSPC);
        assert_int_equal(charter_apply(&c, SPACE("n4", .spec = "x", .spec_len = 1)), 0);
        charter_done(&c);
}

/* What a snapshot says of them that charter_apply() would never make. */
static void secrets_invariants(void **state) {
        struct charter good = { 0 };

        (void)state;
        prepare(&good);
        assert_int_equal(charter_apply(&good, SECRET("a", "x")), 0);
        assert_int_equal(charter_apply(&good, SECRET("b", "x")), 0);
        assert_int_equal(charter_apply(&good, SPACE("d")), 0);
        assert_int_equal(charter_apply(&good, SPACE("e")), 0);
        for (unsigned i = 0; i < 8; i++) {
                struct charter c = good, got = { 0 };
                struct charter_secret two[2] = { good.secrets[0], good.secrets[1] };
                struct charter_namespace spaces[2] = { good.namespaces[0], good.namespaces[1] };
                auto_buf struct buf out = { 0 };
                const struct {
                        void *at;
                        const char *text;
                } breaks[] = { { two[0].name, "b" },         { two[0].name, "c" },
                               { two[1].name, "../x" },      { two[1].namespace, "" },
                               { spaces[0].name, "e" },      { spaces[0].name, "f" },
                               { spaces[1].name, "no.dots" } };

                c.secrets = two;
                c.namespaces = spaces;
                if (i < ARRAY_SIZE(breaks))
                        (void)str_copy(breaks[i].at, SIZE_NAME, breaks[i].text);
                else
                        c.secrets_key = 0;
                assert_int_equal(charter_encode(&c, &out), 0);
                if (charter_decode(out.data, out.len, &got) != -EBADMSG)
                        fail_msg("case %u was taken", i);
        }
        charter_done(&good);
}

/* Version 2 had no secrets and no namespaces; the present one keeps them. */
static void secrets_snapshots(void **state) {
        struct charter c = { 0 }, again = { 0 };
        auto_buf struct buf b = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_REMOVE, FN("f"))), 0);
        assert_int_equal(charter_encode(&c, &b), 0);
        b.data[5] = 2;
        b.len -= TAIL_BYTES;
        without_cordons(&c, &b);
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_int_equal(again.n_images, 1);
        assert_int_equal(again.secrets_version, 0);
        charter_done(&again);
        b.len = 0;
        assert_int_equal(charter_apply(&c, SECRET("a", "x\0y")), 0);
        assert_int_equal(charter_apply(&c, SPACE("d", .spec = "{}", .spec_len = 2)), 0);
        assert_int_equal(charter_encode(&c, &b), 0);
        for (size_t len = 0; len < b.len; len++)
                assert_int_equal(charter_decode(b.data, len, &again), -EBADMSG);
        assert_int_equal(charter_decode(b.data, b.len, &again), 0);
        assert_int_equal(again.secrets_key, 5);
        assert_int_equal(again.secrets_version, 1);
        assert_memory_equal(charter_secret(&again, "a", "openfaas-fn")->sealed, "x\0y", 3);
        assert_string_equal(charter_namespace(&again, "d")->about, "{}");
        charter_done(&again);
        charter_done(&c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(secrets),           cmocka_unit_test(secrets_new_key),
                cmocka_unit_test(namespaces),        cmocka_unit_test(secrets_invariants),
                cmocka_unit_test(secrets_snapshots),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
