#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/charter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Builds a command: cmd(CHARTER_MASTER_SET, .node = 2). */
#define cmd(op_, ...) (&(struct charter_command){ .op = (op_), __VA_ARGS__ })
#define FN(n)         .name = n, .namespace = "openfaas-fn"
#define SET(n, ...)                                                                        \
        cmd(CHARTER_FUNCTION_SET, FN(n), .image = "figlet:1", .spec = "{}", .spec_len = 2, \
            __VA_ARGS__)
#define SECRET(n, text, ...) SEALED(n, text, 5, __VA_ARGS__)
#define SEALED(n, text, key, ...)                                         \
        cmd(CHARTER_SECRET_SET, FN(n), .sealed = (const uint8_t *)(text), \
            .sealed_len = sizeof(text) - 1, .secrets_key = (key), __VA_ARGS__)
#define SPACE(n, ...) cmd(CHARTER_NAMESPACE_SET, .name = n, __VA_ARGS__)
#define OFF(id_, ...) \
        cmd(CHARTER_SHUTDOWN_SET, .shutdown = { .id = (id_), .timeout_sec = 90, __VA_ARGS__ })
#define ADD(n) cmd(CHARTER_MEMBER_ADD, .board = { .node = (n), .id = "3B+" })

static void found(struct charter *c) {
        assert_int_equal(charter_apply(c, cmd(CHARTER_FOUND, .bramble = 7, .cluster = "home",
                                              .user = "admin", .password = "secret",
                                              .board = { .node = 1, .id = "3B+" })),
                         0);
}

/* m1 and w1 w2 (nodes 1, 2, 3), function "f" with two replicas on nodes 1 and 2. */
static void prepare(struct charter *c) {
        found(c);
        assert_int_equal(charter_apply(c, ADD(2)), 0);
        assert_int_equal(charter_apply(c, ADD(3)), 0);
        assert_int_equal(charter_apply(c, SET("f", .replicas = 2, .memory_bytes = 64 << 20,
                                              .created_unix = 99)),
                         0);
        for (uint64_t node = 1; node <= 2; node++)
                assert_int_equal(
                        charter_apply(c, cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = node)), 0);
        assert_int_equal(charter_apply(c, cmd(CHARTER_IMAGE_SET, .image = "figlet:1",
                                              .digest = DIGEST, .size_bytes = 5)),
                         0);
}

static void names_and_subnets(void **state) {
        struct charter c = { 0 };

        (void)state;
        found(&c);
        assert_string_equal(charter_member(&c, 1)->name, "m1");
        assert_int_equal(charter_member(&c, 1)->subnet, 1);
        assert_int_equal(c.master, 1);
        assert_int_equal(charter_apply(&c, ADD(20)), 0);
        assert_int_equal(charter_apply(&c, ADD(10)), 0);
        assert_string_equal(charter_member(&c, 20)->name, "w1");
        assert_string_equal(charter_member(&c, 10)->name, "w2");
        assert_int_equal(charter_member(&c, 10)->subnet, 3);

        /* a known board (re-flashed) keeps its name, and its board is refreshed */
        assert_int_equal(
                charter_apply(&c, cmd(CHARTER_MEMBER_ADD, .board = { .node = 20, .cores = 4 })), 0);
        assert_int_equal(c.n_members, 3);
        assert_string_equal(charter_member(&c, 20)->name, "w1");
        assert_int_equal(charter_member(&c, 20)->board.cores, 4);

        /* a removed one is new: the subnet may be used again, the name is not */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_REMOVE, .node = 20)), 0);
        assert_null(charter_member_by_name(&c, "w1"));
        assert_int_equal(charter_apply(&c, ADD(20)), 0);
        assert_string_equal(charter_member(&c, 20)->name, "w3");
        assert_int_equal(charter_member(&c, 20)->subnet, 2);
        assert_int_equal(charter_member_by_name(&c, "w2")->node, 10);
        charter_done(&c);
}

static void answers(void **state) {
        static const char nul[] = "{\0}";
        char spec[LIMIT_SPEC_BYTES + 1];
        const struct {
                const struct charter_command *cmd;
                int want;
        } cases[] = {
                { cmd(CHARTER_FOUND, .bramble = 8, .cluster = "x", .board = { .node = 1 }),
                  -EEXIST },
                { cmd(0), -EINVAL },
                { cmd(CHARTER_OP_MAX), -EINVAL },
                { ADD(0), -EINVAL },
                { cmd(CHARTER_MEMBER_REMOVE, .node = 9), -ENOENT },
                { cmd(CHARTER_MEMBER_REMOVE, .node = 1), -EINVAL },
                { cmd(CHARTER_MASTER_SET, .node = 9), -ENOENT },
                { cmd(CHARTER_MEMBER_CORDON, .node = 9), -ENOENT },
                { cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "m1"), -EEXIST },
                { cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "M 1"), -EINVAL },
                { SET("f", .only_new = true), -EEXIST },
                { SET("g", .only_existing = true), -ENOENT },
                { SET("../g"), -EINVAL },
                { SET("g/h"), -EINVAL },
                { SET(""), -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, .name = "g", .namespace = "a/b", .image = "i"),
                  -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, FN("g"), .image = ""), -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, FN("g"), .image = "../i"), -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, FN("g"), .image = "i", .spec_len = 2), -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, FN("g"), .image = "i", .spec = nul, .spec_len = 3),
                  -EINVAL },
                { cmd(CHARTER_FUNCTION_SET, FN("g"), .image = "i", .spec = spec,
                      .spec_len = sizeof(spec)),
                  -ENOSPC },
                { SET("g", .memory_bytes = CHARTER_MEMORY_MAX + 1), -EINVAL },
                { SET("g", .replicas = LIMIT_REPLICAS + 1), -ENOSPC },
                { cmd(CHARTER_FUNCTION_SCALE, FN("g")), -ENOENT },
                { cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = LIMIT_REPLICAS + 1), -ENOSPC },
                { cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = CHARTER_REPLICAS_KEEP),
                  -ENOSPC },
                { cmd(CHARTER_FUNCTION_REMOVE, FN("g")), -ENOENT },
                { cmd(CHARTER_FUNCTION_REMOVE, .name = "f", .namespace = "other"), -ENOENT },
                { cmd(CHARTER_INSTANCE_PLACE, FN("g"), .node = 1), -ENOENT },
                { cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = 9), -ENOENT },
                { cmd(CHARTER_INSTANCE_DROP, .instance = 3), -ENOENT },
                { cmd(CHARTER_INSTANCE_DROP, .instance = 0), -ENOENT },
                { cmd(CHARTER_IMAGE_SET, .image = "i", .digest = "sha256:1"), -EINVAL },
                { cmd(CHARTER_IMAGE_SET, .image = "-i", .digest = DIGEST), -EINVAL },
                { cmd(CHARTER_IMAGE_REMOVE, .image = "i"), -ENOENT },
        };
        struct charter c = { 0 };

        (void)state;
        memset(spec, ' ', sizeof(spec));
        prepare(&c);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf before = { 0 }, after = { 0 };

                assert_int_equal(charter_encode(&c, &before), 0);
                if (charter_apply(&c, cases[i].cmd) != cases[i].want)
                        fail_msg("case %zu", i);
                assert_int_equal(charter_encode(&c, &after), 0);
                assert_int_equal(before.len, after.len); /* a refusal changes nothing at all */
                assert_memory_equal(before.data, after.data, before.len);
        }
        charter_done(&c);
}

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

static void before_founding(void **state) {
        struct charter c = { 0 };

        (void)state;
        assert_int_equal(charter_apply(&c, ADD(1)), -EINVAL);
        assert_int_equal(charter_apply(&c, SET("f")), -EINVAL);
        assert_int_equal(
                charter_apply(&c, cmd(CHARTER_FOUND, .cluster = "x", .board = { .node = 1 })),
                -EINVAL);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FOUND, .bramble = 1, .cluster = "x")),
                         -EINVAL);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FOUND, .bramble = 1, .cluster = "x/y",
                                               .board = { .node = 1 })),
                         -EINVAL);
        assert_int_equal(c.version, 0);
        assert_false(charter_has_work(&c));
        charter_done(&c);
}

static void functions(void **state) {
        const struct charter_function *f;
        struct charter c = { 0 };
        uint32_t generation;

        (void)state;
        prepare(&c);
        f = charter_function(&c, "f", "openfaas-fn");
        generation = f->generation;
        assert_true(charter_has_work(&c));
        assert_int_equal(c.instances[0].function_generation, generation);

        /* an update that says nothing about replicas keeps them; one that does, sets them */
        assert_int_equal(
                charter_apply(&c, SET("f", .replicas = CHARTER_REPLICAS_KEEP, .created_unix = 100)),
                0);
        f = charter_function(&c, "f", "openfaas-fn");
        assert_int_equal(f->replicas, 2);
        assert_int_equal(f->created_unix, 99);
        assert_true(f->generation > generation);
        assert_int_equal(charter_apply(&c, SET("f", .replicas = 5)), 0);
        assert_int_equal(charter_function(&c, "f", "openfaas-fn")->replicas, 5);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 0)), 0);
        assert_int_equal(charter_function(&c, "f", "openfaas-fn")->replicas, 0);

        /* load changes the number, and not what a person asked for */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 2)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_FOLLOW, FN("f"), .replicas = 6,
                                               .replicas_from = 2)),
                         0);
        f = charter_function(&c, "f", "openfaas-fn");
        assert_int_equal(f->replicas, 6);
        assert_int_equal(f->floor, 2);
        /* a decision that is older than somebody else's */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_FOLLOW, FN("f"), .replicas = 7,
                                               .replicas_from = 2)),
                         -ESTALE);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_FOLLOW, FN("none"))), -ENOENT);
        assert_int_equal(f->replicas, 6);
        assert_int_equal(charter_apply(&c, SET("f", .replicas = CHARTER_REPLICAS_KEEP)), 0);
        assert_int_equal(charter_function(&c, "f", "openfaas-fn")->floor, 2);
        assert_int_equal(charter_apply(&c, SET("f", .replicas = 6)), 0);
        assert_int_equal(charter_function(&c, "f", "openfaas-fn")->floor, 0);

        /* the order is that of the names; a new one without a number gets one replica */
        assert_int_equal(charter_apply(&c, SET("z", .replicas = CHARTER_REPLICAS_KEEP)), 0);
        assert_int_equal(charter_apply(&c, SET("a")), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_SET, .name = "f", .namespace = "b",
                                               .image = "i")),
                         0);
        assert_string_equal(c.functions[0].name, "a");
        assert_string_equal(c.functions[1].namespace, "b");
        assert_string_equal(c.functions[3].name, "z");
        assert_int_equal(c.functions[3].replicas, 1);
        assert_string_equal(c.functions[1].spec, "");

        /* removing takes its instances, and no others */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("z"), .node = 3)), 0);
        generation = charter_function(&c, "f", "openfaas-fn")->generation;
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_REMOVE, FN("f"))), 0);
        assert_int_equal(c.n_instances, 1);
        assert_int_equal(charter_replicas(&c, "z", "openfaas-fn", 0), 1);
        assert_int_equal(charter_apply(&c, SET("f")), 0);
        assert_true(charter_function(&c, "f", "openfaas-fn")->generation > generation);
        charter_done(&c);
}

static void instances(void **state) {
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(charter_replicas(&c, "f", "openfaas-fn", 0), 2);
        assert_int_equal(charter_replicas(&c, "f", "openfaas-fn", 2), 1);
        assert_int_equal(charter_replicas(&c, "f", "other", 0), 0);
        assert_int_equal(charter_instance(&c, 2)->node, 2);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_REMOVE, .node = 2)), 0);
        assert_null(charter_instance(&c, 2));
        assert_int_equal(charter_instance(&c, 1)->node, 1);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_INSTANCE_DROP, .instance = 1)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = 3)), 0);
        assert_int_equal(c.instances[0].id, 3); /* ids are never used again */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MASTER_SET, .node = 3)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_REMOVE, .node = 1)), 0);
        assert_int_equal(c.n_members, 1);
        /* what a function names stays, whoever asked when: it may be nowhere else */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_IMAGE_REMOVE, .image = "figlet:1")), -EBUSY);
        assert_int_equal(c.n_images, 1);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_FUNCTION_REMOVE, FN("f"))), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_IMAGE_REMOVE, .image = "figlet:1")), 0);
        assert_int_equal(c.n_images, 0);
        charter_done(&c);
}

static void limits(void **state) {
        struct charter c = { 0 };
        struct charter_command set = *SET("f"), image = *cmd(CHARTER_IMAGE_SET, .digest = DIGEST);
        int r = 0;

        (void)state;
        found(&c);
        for (uint64_t node = 2; node <= LIMIT_BOARDS; node++)
                assert_int_equal(charter_apply(&c, ADD(node)), 0);
        assert_int_equal(charter_apply(&c, ADD(LIMIT_BOARDS + 1)), -ENOSPC);
        assert_int_equal(charter_apply(&c, ADD(LIMIT_BOARDS)), 0);
        for (uint32_t i = 0; i < LIMIT_FUNCTIONS; i++) {
                (void)snprintf(set.name, sizeof(set.name), "f%u", i);
                assert_int_equal(charter_apply(&c, &set), 0);
        }
        assert_int_equal(charter_apply(&c, SET("more")), -ENOSPC);
        assert_int_equal(charter_apply(&c, &set), 0);
        for (uint32_t i = 0; i < LIMIT_IMAGES; i++) {
                (void)snprintf(image.image, sizeof(image.image), "i%u", i);
                assert_int_equal(charter_apply(&c, &image), 0);
        }
        assert_int_equal(
                charter_apply(&c, cmd(CHARTER_IMAGE_SET, .image = "more", .digest = DIGEST)),
                -ENOSPC);
        for (uint32_t i = 0; i < LIMIT_BOARD_INSTANCES; i++)
                assert_int_equal(
                        charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("f1"), .node = 1)), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("f1"), .node = 1)),
                         -ENOSPC);
        for (uint64_t node = 2; r == 0; node++)
                for (uint32_t i = 0; i < LIMIT_BOARD_INSTANCES && r == 0; i++)
                        r = charter_apply(&c, cmd(CHARTER_INSTANCE_PLACE, FN("f2"), .node = node));
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(c.n_instances, LIMIT_INSTANCES);
        charter_done(&c);
}

static void command_codec(void **state) {
        const struct charter_command *commands[] = {
                cmd(CHARTER_FOUND, .bramble = 7, .cluster = "home", .user = "u", .password = "p",
                    .board = { .node = 1, .id = "3B", .ram_bytes = 1 << 30 }),
                ADD(2),
                cmd(CHARTER_MEMBER_REMOVE, .node = 5),
                cmd(CHARTER_MASTER_SET, .node = 6),
                SET("f", .replicas = 3, .memory_bytes = 5, .created_unix = 6, .only_new = true),
                cmd(CHARTER_FUNCTION_SCALE, FN("f"), .replicas = 4),
                cmd(CHARTER_FUNCTION_REMOVE, FN("f")),
                cmd(CHARTER_INSTANCE_PLACE, FN("f"), .node = 8),
                cmd(CHARTER_INSTANCE_DROP, .instance = 9),
                cmd(CHARTER_IMAGE_SET, .image = "i", .digest = DIGEST, .size_bytes = 10),
                cmd(CHARTER_IMAGE_REMOVE, .image = "i"),
                cmd(CHARTER_KUBE_MOVE, .kube_epoch = 1, .node = 9, .kube_restore = true),
                cmd(CHARTER_KUBE_FOUNDED, .kube_epoch = 2, .version = "v1.20.2", .digest = DIGEST),
                cmd(CHARTER_KUBE_PLANE_ADD, .kube_epoch = 2, .node = 3),
                cmd(CHARTER_KUBE_PLANE_REMOVE, .kube_epoch = 2, .node = 3),
                cmd(CHARTER_KUBE_OFF, .kube_epoch = 2, .kube_off = true),
                SECRET("key", "sealed\0bytes", .only_existing = true),
                cmd(CHARTER_SECRET_REMOVE, FN("key")),
                SPACE("dev", .spec = "{}", .spec_len = 2, .only_new = true),
                cmd(CHARTER_NAMESPACE_REMOVE, .name = "dev"),
                cmd(CHARTER_FUNCTION_FOLLOW, FN("f"), .replicas = 4, .replicas_from = 3),
                OFF(9, .reboot = true, .n = 2, .boards = { { 1, 11 }, { 2, 0 } }),
                cmd(CHARTER_SHUTDOWN_CLEAR, .shutdown = { .id = 9 }),
                cmd(CHARTER_MEMBER_CORDON, .node = 2, .cordoned = true),
                cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "kitchen"),
        };

        (void)state;
        assert_int_equal(ARRAY_SIZE(commands), CHARTER_OP_MAX - 1);
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
                auto_buf struct buf once = { 0 }, again = { 0 };
                struct charter_command got;

                assert_int_equal(charter_command_encode(commands[i], &once), 0);
                assert_int_equal(charter_command_decode(once.data, once.len, &got), 0);
                assert_int_equal(got.op, commands[i]->op);
                assert_int_equal(charter_command_encode(&got, &again), 0);
                assert_int_equal(once.len, again.len);
                assert_memory_equal(once.data, again.data, once.len);
                for (size_t len = 0; len < once.len; len++)
                        assert_int_equal(charter_command_decode(once.data, len, &got), -EBADMSG);
                assert_int_equal(buf_add(&once, "x", 1), 0);
                assert_int_equal(charter_command_decode(once.data, once.len, &got), -EBADMSG);
                once.data[0] = 3; /* a version that is not known yet */
                assert_int_equal(charter_command_decode(once.data, once.len - 1, &got), -EBADMSG);
        }
}

static void command_too_long(void **state) {
        auto_buf struct buf out = { 0 };
        auto_free char *spec = calloc(1, LIMIT_COMMAND_BYTES);
        struct charter_command c = *SET("f");

        (void)state;
        c.spec = spec;
        c.spec_len = LIMIT_COMMAND_BYTES;
        assert_int_equal(charter_command_encode(&c, &out), -EMSGSIZE);
        assert_int_equal(out.len, 0);
}

static void snapshot_codec(void **state) {
        auto_buf struct buf once = { 0 };
        struct charter c = { 0 }, got = { 0 };

        (void)state;
        assert_int_equal(charter_encode(&c, &once), 0); /* an empty one too */
        assert_int_equal(charter_decode(once.data, once.len, &got), 0);
        buf_done(&once);
        prepare(&c);
        assert_int_equal(charter_encode(&c, &once), 0);
        assert_int_equal(charter_decode(once.data, once.len, &got), 0);
        assert_string_equal(got.functions[0].spec, "{}");
        assert_string_equal(got.password, "secret");
        assert_int_equal(got.version, c.version);
        assert_int_equal(got.members[2].node, 3);
        charter_done(&got);
        for (size_t len = 0; len < once.len; len++)
                assert_int_equal(charter_decode(once.data, len, &got), -EBADMSG);
        assert_int_equal(buf_add(&once, "x", 1), 0);
        assert_int_equal(charter_decode(once.data, once.len, &got), -EBADMSG);
        once.data[5] = 5;
        assert_int_equal(charter_decode(once.data, once.len - 1, &got), -EPROTONOSUPPORT);
        charter_done(&c);
}

/* Every state that charter_apply() would never make is refused. */
static void snapshot_invariants(void **state) {
        struct charter good = { 0 };
        auto_buf struct buf out = { 0 };

        (void)state;
        prepare(&good);
        for (unsigned i = 0; i < 14; i++) {
                struct charter c = good, got = { 0 };
                struct charter_member members[3];
                struct charter_function functions[1];
                struct charter_instance in[2];

                memcpy(members, good.members, sizeof(members));
                memcpy(functions, good.functions, sizeof(functions));
                memcpy(in, good.instances, sizeof(in));
                c.members = members;
                c.functions = functions;
                c.instances = in;
                switch (i) {
                case 0:
                        c.master = 9;
                        break;
                case 1:
                        members[1].board.node = 3;
                        break;
                case 2:
                        members[1].subnet = 3;
                        break;
                case 3:
                        members[1].subnet = 251;
                        break;
                case 4:
                        memcpy(members[1].name, "m1", 3);
                        break;
                case 5:
                        memcpy(functions[0].name, "a/b", 4);
                        break;
                case 6:
                        functions[0].replicas = 65;
                        break;
                case 7:
                        c.next_generation = functions[0].generation;
                        break;
                case 8:
                        in[1].id = 1;
                        break;
                case 9:
                        in[1].node = 9;
                        break;
                case 10:
                        memcpy(in[1].function, "g", 2);
                        break;
                case 11:
                        c.next_instance = 2;
                        break;
                case 12:
                        c.bramble = 0;
                        break;
                case 13:
                        in[1].function_generation = 2;
                        break;
                default:
                        break;
                }
                out.len = 0;
                assert_int_equal(charter_encode(&c, &out), 0);
                if (charter_decode(out.data, out.len, &got) != -EBADMSG)
                        fail_msg("case %u was taken", i);
        }
        charter_done(&good);
}

static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(*seed >> 33);
}

static struct charter_command random_command(uint64_t *seed) {
        static const char *const names[] = { "a", "b", "c.d", "..", "e" };
        struct charter_command c = {
                .op = next_random(seed) % (CHARTER_OP_MAX + 1),
                .bramble = next_random(seed) % 3,
                .cluster = "home",
                .board = { .node = next_random(seed) % 9 },
                .node = next_random(seed) % 9,
                .namespace = "fn",
                .spec = "{\"service\":1}",
                .spec_len = next_random(seed) % 13,
                .replicas = next_random(seed) % (LIMIT_REPLICAS + 3),
                .memory_bytes = next_random(seed),
                .instance = next_random(seed) % 40,
                .sealed = (const uint8_t *)"0123456789",
                .sealed_len = next_random(seed) % 11,
                .secrets_key = next_random(seed) % 3,
                .digest = DIGEST,
                .only_new = next_random(seed) % 4 == 0,
                .only_existing = next_random(seed) % 4 == 0,
        };

        (void)str_copy(c.name, sizeof(c.name), names[next_random(seed) % ARRAY_SIZE(names)]);
        (void)str_copy(c.image, sizeof(c.image), names[next_random(seed) % ARRAY_SIZE(names)]);
        return c;
}

/* Two boards that apply the same commands, one of them as read from the log and restored from a
 * snapshot after each, always hold the same bytes; and whatever is applied stays valid. */
static void same_everywhere(void **state) {
        (void)state;
        for (uint64_t s = 1; s <= 20; s++) {
                struct charter a = { 0 }, b = { 0 };
                uint64_t seed = s;

                for (unsigned i = 0; i < 300; i++) {
                        struct charter_command made = random_command(&seed), read;
                        auto_buf struct buf wire = { 0 }, one = { 0 }, two = { 0 };

                        if (made.op == 0 || made.op >= CHARTER_OP_MAX)
                                continue;
                        assert_int_equal(charter_command_encode(&made, &wire), 0);
                        assert_int_equal(charter_command_decode(wire.data, wire.len, &read), 0);
                        assert_int_equal(charter_apply(&a, &made), charter_apply(&b, &read));
                        assert_int_equal(charter_encode(&a, &one), 0);
                        assert_int_equal(charter_encode(&b, &two), 0);
                        assert_int_equal(one.len, two.len);
                        assert_memory_equal(one.data, two.data, one.len);
                        charter_done(&b);
                        if (charter_decode(one.data, one.len, &b) != 0)
                                fail_msg("seed %u, command %u: not valid any more", (unsigned)s, i);
                }
                charter_done(&a);
                charter_done(&b);
        }
}

#define KUBE(op_, epoch_, ...) cmd(op_, .kube_epoch = (epoch_), __VA_ARGS__)

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

enum { TAIL_BYTES = 8 + 8 + 4 + 4 + 8 }; /* no secrets, no namespaces, no shutdown */

/* Where the cordon of a member is in a snapshot: what is another byte where it is cordoned. */
static size_t cordon_at(const struct charter *c, const struct buf *b, uint32_t member) {
        auto_buf struct buf with = { 0 };
        size_t at = 0;

        c->members[member].cordoned = true;
        assert_int_equal(charter_encode(c, &with), 0);
        c->members[member].cordoned = false;
        assert_int_equal(with.len, b->len);
        while (at < b->len && b->data[at] == with.data[at])
                at++;
        assert_true(at < b->len);
        return at;
}

/* Members had none before version 4. */
static void without_cordons(const struct charter *c, struct buf *b) {
        for (uint32_t i = c->n_members; i-- > 0;) {
                auto_buf struct buf whole = { 0 };
                size_t at;

                assert_int_equal(charter_encode(c, &whole), 0);
                at = cordon_at(c, &whole, i);
                memmove(b->data + at, b->data + at + 1, b->len - at - 1);
                b->len--;
        }
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

static void renames(void **state) {
        static const char *const wrong[] = { "",   "Kitchen", "a.b",       "-a",      "a-",
                                             "12", "a b",     "localhost", "bramble", "../m1" };
        struct charter c = { 0 };

        (void)state;
        prepare(&c);
        assert_int_equal(
                charter_apply(&c, cmd(CHARTER_MEMBER_RENAME, .node = 9, .name = "kitchen")),
                -ENOENT);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                struct charter_command rename = *cmd(CHARTER_MEMBER_RENAME, .node = 2);

                (void)str_copy(rename.name, sizeof(rename.name), wrong[i]);
                if (charter_apply(&c, &rename) != -EINVAL)
                        fail_msg("'%s' was taken", wrong[i]);
        }
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "m1")),
                         -EEXIST);
        assert_string_equal(charter_member(&c, 2)->name, "w1");
        /* its own again is no change; the master may be called otherwise too */
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "w1")), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_RENAME, .node = 1, .name = "w4")), 0);
        assert_int_equal(charter_apply(&c, cmd(CHARTER_MEMBER_RENAME, .node = 2, .name = "w3")), 0);
        assert_int_equal(charter_member_by_name(&c, "w3")->node, 2);
        assert_int_equal(c.master, 1);
        assert_int_equal(charter_member(&c, 2)->subnet, 2); /* its replicas stay where they are */
        assert_int_equal(charter_replicas(&c, "f", "openfaas-fn", 2), 1);
        /* flashed anew it is still called so, and new boards get what nobody is called */
        assert_int_equal(charter_apply(&c, ADD(2)), 0);
        assert_string_equal(charter_member(&c, 2)->name, "w3");
        assert_int_equal(charter_apply(&c, ADD(7)), 0);
        assert_string_equal(charter_member(&c, 7)->name, "w5");
        assert_int_equal(charter_apply(&c, ADD(8)), 0);
        assert_string_equal(charter_member(&c, 8)->name, "w6");
        charter_done(&c);
}

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
                cmocka_unit_test(names_and_subnets),
                cmocka_unit_test(answers),
                cmocka_unit_test(shutdowns),
                cmocka_unit_test(what_a_person_wants_of_a_shutdown),
                cmocka_unit_test(shutdowns_that_make_no_sense),
                cmocka_unit_test(before_founding),
                cmocka_unit_test(functions),
                cmocka_unit_test(instances),
                cmocka_unit_test(limits),
                cmocka_unit_test(command_codec),
                cmocka_unit_test(command_too_long),
                cmocka_unit_test(snapshot_codec),
                cmocka_unit_test(snapshot_invariants),
                cmocka_unit_test(same_everywhere),
                cmocka_unit_test(kube_epochs),
                cmocka_unit_test(kube_planes),
                cmocka_unit_test(kube_adopted),
                cmocka_unit_test(kube_from_version_1),
                cmocka_unit_test(floor_from_version_2),
                cmocka_unit_test(kube_survives),
                cmocka_unit_test(secrets),
                cmocka_unit_test(secrets_new_key),
                cmocka_unit_test(namespaces),
                cmocka_unit_test(secrets_invariants),
                cmocka_unit_test(secrets_snapshots),
                cmocka_unit_test(cordons_since_version_4),
                cmocka_unit_test(cordons),
                cmocka_unit_test(renames),
                cmocka_unit_test(floors_from_old_logs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
