#include "charter_fixture.h"

#include "base/str.h"

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_and_subnets), cmocka_unit_test(answers),
                cmocka_unit_test(before_founding),   cmocka_unit_test(functions),
                cmocka_unit_test(instances),         cmocka_unit_test(limits),
                cmocka_unit_test(command_codec),     cmocka_unit_test(command_too_long),
                cmocka_unit_test(snapshot_codec),    cmocka_unit_test(snapshot_invariants),
                cmocka_unit_test(same_everywhere),   cmocka_unit_test(renames),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
