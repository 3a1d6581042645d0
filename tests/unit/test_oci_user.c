#include "io/oci_user.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "# a comment\n"
                             "broken\n"
                             "app:x:1000:1001::/home/app:/bin/sh\n"
                             "far:x:99999999999:1::/:\n"
                             "last:x:7:8::/:";
static const char group[] = "root:x:0:\n"
                            "app:x:1001:\n"
                            "video:x:44:app,other\n"
                            "wheel:x:10:other,app\n"
                            "apple:x:50:apps,ap\n"
                            "last:x:8:last";

static void users(void **state) {
        static const struct {
                const char *user;
                int result;
                uint32_t uid, gid, n_groups, groups[2];
        } cases[] = {
                { "", 0, 0, 0, 0, { 0 } },
                { "root", 0, 0, 0, 0, { 0 } },
                { "app", 0, 1000, 1001, 2, { 44, 10 } },
                { "1000", 0, 1000, 1001, 2, { 44, 10 } },
                { "app:video", 0, 1000, 44, 0, { 0 } },
                { "app:77", 0, 1000, 77, 0, { 0 } },
                { "1234", 0, 1234, 0, 0, { 0 } },
                { "1234:5678", 0, 1234, 5678, 0, { 0 } },
                { "1234:wheel", 0, 1234, 10, 0, { 0 } },
                { "app:", 0, 1000, 1001, 2, { 44, 10 } },
                { "last", 0, 7, 8, 1, { 8 } },
                { "ghost", -ENOENT, 0, 0, 0, { 0 } },
                { "app:ghosts", -ENOENT, 0, 0, 0, { 0 } },
                { "far", -ENOENT, 0, 0, 0, { 0 } },
                { "99999999999", -ENOENT, 0, 0, 0, { 0 } },
                { "-1", -ENOENT, 0, 0, 0, { 0 } },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct oci_user u = { 0 };
                struct fail f = { 0 };

                assert_int_equal(oci_user_find(cases[i].user, passwd, strlen(passwd), group,
                                               strlen(group), &u, &f),
                                 cases[i].result);
                assert_int_equal(f.text[0] != '\0', cases[i].result < 0);
                assert_int_equal(u.uid, cases[i].uid);
                assert_int_equal(u.gid, cases[i].gid);
                assert_int_equal(u.n_groups, cases[i].n_groups);
                for (uint32_t g = 0; g < u.n_groups; g++)
                        assert_int_equal(u.groups[g], cases[i].groups[g]);
        }
}

static void no_files(void **state) {
        struct oci_user u;

        (void)state;
        assert_int_equal(oci_user_find("root", NULL, 0, NULL, 0, &u, NULL), 0);
        assert_int_equal(oci_user_find("5", NULL, 0, NULL, 0, &u, NULL), 0);
        assert_int_equal(u.uid, 5);
        assert_int_equal(oci_user_find("app", NULL, 0, NULL, 0, &u, NULL), -ENOENT);
}

static void needs(void **state) {
        static const struct {
                const char *user;
                bool want;
        } cases[] = {
                { "", false },   { "0", false },   { "root", false },    { "1:2", false },
                { "app", true }, { "1000", true }, { "1000:app", true }, { "app:1", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(oci_user_needs_files(cases[i].user), cases[i].want);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(users),
                cmocka_unit_test(no_files),
                cmocka_unit_test(needs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
