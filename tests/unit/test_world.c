#include "core/world.h"

#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static struct world_member members[] = {
        { .node = 1, .name = "m1", .subnet = 1, .up = true },
        { .node = 2, .name = "w1", .subnet = 2, .cordoned = true }
};
static struct world_function functions[] = {
        { .name = "hello",
          .namespace = "openfaas-fn",
          .replicas = 2,
          .stuck = true,
          .reason = "no board has room",
          .spec = (char[]){ "{}" },
          .spec_len = 2 },
};
static struct world_instance instances[] = {
        { .id = 7, .function = 0, .node = 2, .state = INSTANCE_READY, .address = 1, .port = 8080 },
};
static uint64_t holders[] = { 1, 2 };
static struct world_image images[] = {
        { .name = "docker.io/bramble/hello:latest", .n_holders = 2, .holders = holders },
};

static struct world_alarm alarms[] = {
        { .node = 2,
          .kind = ALARM_LOST,
          .severity = SEVERITY_ERROR,
          .age_sec = 90,
          .text = "gone" },
};

static struct world sample(void) {
        return (struct world){ .term = 3,
                               .version = 4,
                               .bramble = 5,
                               .leader = 1,
                               .master = 1,
                               .cluster = "home",
                               .kube = { .epoch = 2,
                                         .founded = true,
                                         .made = 1,
                                         .n_planes = 1,
                                         .planes = { 1 },
                                         .version = "v1.20.2",
                                         .note = "waiting" },
                               .n_members = 2,
                               .members = members,
                               .n_functions = 1,
                               .functions = functions,
                               .n_instances = 1,
                               .instances = instances,
                               .last_event = 77,
                               .n_alarms = 1,
                               .alarms = alarms,
                               .n_images = 1,
                               .images = images };
}

static void survives(void **state) {
        struct world in = sample(), out;
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(world_encode(&in, &b), 0);
        assert_int_equal(world_decode(b.data, b.len, &out), 0);
        assert_string_equal(out.cluster, "home");
        assert_memory_equal(&out.kube, &in.kube, sizeof(in.kube));
        assert_true(world_kube_carries(&out.kube, 1));
        assert_false(world_kube_carries(&out.kube, 2));
        assert_string_equal(world_member(&out, 2)->name, "w1");
        assert_true(world_member(&out, 2)->cordoned && !world_member(&out, 1)->cordoned);
        assert_null(world_member(&out, 3));
        assert_int_equal(world_member_by_name(&out, "w1")->node, 2);
        assert_null(world_member_by_name(&out, "w2"));
        assert_null(world_member_by_name(&out, ""));
        assert_string_equal(world_function(&out, "hello", "openfaas-fn")->spec, "{}");
        assert_true(world_function(&out, "hello", "openfaas-fn")->stuck);
        assert_null(world_function(&out, "hello", "other"));
        assert_int_equal(out.instances[0].state, INSTANCE_READY);
        assert_int_equal(world_image(&out, "docker.io/bramble/hello:latest")->holders[1], 2);
        assert_int_equal(out.last_event, 77);
        assert_string_equal(world_alarm(&out, 2, ALARM_LOST)->text, "gone");
        assert_null(world_alarm(&out, 1, ALARM_LOST));
        assert_null(world_alarm(&out, 2, ALARM_HOT));
        world_done(&out);
        assert_int_equal(out.n_members, 0);
}

static void refuses_what_is_cut(void **state) {
        struct world in = sample(), out;
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(world_encode(&in, &b), 0);
        for (size_t len = 0; len < b.len; len++)
                assert_int_equal(world_decode(b.data, len, &out), -EBADMSG);
        assert_int_equal(buf_add(&b, "x", 1), 0);
        assert_int_equal(world_decode(b.data, b.len, &out), -EBADMSG);
}

/* An instance of a function that is not there would be an index out of bounds. */
static void refuses_dangling_instances(void **state) {
        struct world in = sample(), out;
        auto_buf struct buf b = { 0 };

        (void)state;
        in.n_functions = 0;
        assert_int_equal(world_encode(&in, &b), 0);
        assert_int_equal(world_decode(b.data, b.len, &out), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(survives),
                                            cmocka_unit_test(refuses_what_is_cut),
                                            cmocka_unit_test(refuses_dangling_instances) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
