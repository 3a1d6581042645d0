#include "io/cgroup.h"
#include "root_fixture.h"

#include "base/scope.h"

static void put(const char *path, const char *text) {
        root_put(path, text, 0644);
}

/* A file of the kernel is not made shorter by a write: what was behind is still there. */
static void holds(const char *path, const char *want) {
        assert_memory_equal(root_text(path), want, strlen(want));
}

static void v1(void **state) {
        struct cgroup g;
        uint64_t cpu, memory;

        (void)state;
        put("proc/7/cgroup", "9:name=systemd:/fn/a\n6:freezer:/fn/a\n4:memory:/fn/a\n"
                             "2:cpu,cpuacct:/fn/a\n1:cpuset:/\n0::/\n");
        put("sys/fs/cgroup/cpuacct/fn/a/cpuacct.usage", "1234567000\n");
        put("sys/fs/cgroup/memory/fn/a/memory.usage_in_bytes", "5000000\n");
        put("sys/fs/cgroup/memory/fn/a/memory.stat",
            "cache 9\ninactive_file 1\ntotal_inactive_file 1000000\n");
        put("sys/fs/cgroup/freezer/fn/a/freezer.state", "THAWED\n");
        assert_int_equal(cgroup_find(root, 7, &g), 0);
        assert_false(g.v2);
        assert_string_equal(g.freezer, "sys/fs/cgroup/freezer/fn/a");
        assert_int_equal(cgroup_usage(root, &g, &cpu, &memory), 0);
        assert_int_equal(cpu, 1234567);
        assert_int_equal(memory, 4000000);
        assert_int_equal(cgroup_freeze(root, &g, true), 0);
        holds("sys/fs/cgroup/freezer/fn/a/freezer.state", "FROZEN");
        assert_int_equal(cgroup_freeze(root, &g, false), 0);
        holds("sys/fs/cgroup/freezer/fn/a/freezer.state", "THAWED");
        assert_int_equal(cgroup_find(root, 8, &g), -ENOENT);
}

static void v2(void **state) {
        struct cgroup g;
        uint64_t cpu, memory;

        (void)state;
        put("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        put("proc/7/cgroup", "0::/fn/a\n");
        put("sys/fs/cgroup/fn/a/cpu.stat", "usage_usec 1234567\nuser_usec 1\n");
        put("sys/fs/cgroup/fn/a/memory.current", "5000000\n");
        put("sys/fs/cgroup/fn/a/memory.stat", "anon 4\ninactive_file 1000000\n");
        put("sys/fs/cgroup/fn/a/cgroup.freeze", "0\n");
        assert_int_equal(cgroup_find(root, 7, &g), 0);
        assert_true(g.v2);
        assert_int_equal(cgroup_usage(root, &g, &cpu, &memory), 0);
        assert_int_equal(cpu, 1234567);
        assert_int_equal(memory, 4000000);
        assert_int_equal(cgroup_freeze(root, &g, true), 0);
        holds("sys/fs/cgroup/fn/a/cgroup.freeze", "1");
        assert_int_equal(cgroup_freeze(root, &g, false), 0);
        holds("sys/fs/cgroup/fn/a/cgroup.freeze", "0");
}

static void what_is_not_there(void **state) {
        struct cgroup g;
        uint64_t cpu, memory;
        char line[CGROUP_PATH + 64];

        (void)state;
        put("proc/7/cgroup", "x\n3\n5:memory\n4:memory:/fn/gone\n\n:\n::\n");
        assert_int_equal(cgroup_find(root, 7, &g), 0);
        assert_int_equal(cgroup_freeze(root, &g, true), -ENOTSUP);
        assert_int_equal(cgroup_usage(root, &g, &cpu, &memory), -ENOENT);
        (void)memset(line, 'a', sizeof(line)); /* a path that is too long is none */
        (void)memcpy(line, "4:freezer:/", 11);
        line[sizeof(line) - 1] = '\0';
        put("proc/7/cgroup", line);
        assert_int_equal(cgroup_find(root, 7, &g), 0);
        assert_string_equal(g.freezer, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(v1, root_make, root_remove),
                cmocka_unit_test_setup_teardown(v2, root_make, root_remove),
                cmocka_unit_test_setup_teardown(what_is_not_there, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
