#include "io/sysctl.h"

#include "base/scope.h"
#include "root_fixture.h"

static void table(void **state) {
        static const struct {
                const char *now, *value;
                int want;
        } cases[] = {
                { "1\n", "1", 0 },
                { "1", "1", 0 },
                { "0\n", "1", 1 },
                { "10\n", "1", 1 },
                { "", "1", 1 },
                { "32768\t60999\n", "32768 60999", 0 },
                { "32768\t60999\n", "32768 61000", 1 },
                { "32768\n", "32768 60999", 1 },
                { "fq_codel\n", "fq", 1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct fail f = { 0 };
                char want[64];

                root_put("proc/sys/net/ipv4/x", cases[i].now, 0644);
                assert_int_equal(sysctl_ensure(root, "net/ipv4/x", cases[i].value, &f),
                                 cases[i].want);
                assert_string_equal(f.text, "");
                (void)snprintf(want, sizeof(want), "%s\n", cases[i].value);
                assert_string_equal(root_text("proc/sys/net/ipv4/x"),
                                    cases[i].want ? want : cases[i].now);
        }
}

static void failures(void **state) {
        struct fail f = { 0 };
        char name[200];

        (void)state;
        assert_int_equal(sysctl_ensure(root, "net/bridge/bridge-nf-call-iptables", "1", &f),
                         -ENOENT);
        assert_string_equal(f.text, "the kernel has no /proc/sys/net/bridge/bridge-nf-call-"
                                    "iptables: load the module br_netfilter");
        root_put("proc/sys/net/dir/x", "0\n", 0644);
        f = (struct fail){ 0 };
        assert_int_equal(sysctl_ensure(root, "net/dir", "1", &f), -EISDIR);
        assert_string_equal(f.text, "cannot make /proc/sys/net/dir say 1: Is a directory");
        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(sysctl_ensure(root, name, "1", NULL), -ENAMETOOLONG);
}

/* Read-only, and right already: nothing is even opened for writing. */
static void read_only(void **state) {
        struct fail f = { 0 };

        (void)state;
        root_put("proc/sys/vm/x", "1\n", 0444);
        assert_int_equal(sysctl_ensure(root, "vm/x", "1", &f), 0);
        if (geteuid() == 0)
                return; /* root may write it all the same */
        assert_int_equal(sysctl_ensure(root, "vm/x", "0", &f), -EACCES);
        assert_string_equal(f.text, "cannot make /proc/sys/vm/x say 0: Permission denied");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(table, root_make, root_remove),
                cmocka_unit_test_setup_teardown(failures, root_make, root_remove),
                cmocka_unit_test_setup_teardown(read_only, root_make, root_remove),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
