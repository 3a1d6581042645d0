#include "io/registry_login.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <cmocka.h>

static void parses(void **state) {
        static const struct {
                const char *in, *host;
                int result;
                const char *user, *password, *identity;
        } cases[] = {
                { "{}", "a", -ENOENT, "", "", "" },
                { "{\"auths\":{\"a\":{\"auth\":\"YW5uOnNlOmNyZXQ=\"}}}", "a", 0, "ann", "se:cret",
                  "" },
                { "{\"auths\":{\"a\":{\"auth\":\"YW5uOg==\"}}}", "a", 0, "ann", "", "" },
                { "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpi\"}}}", "docker.io",
                  0, "a", "b", "" },
                { "{\"auths\":{\"https://a:5000\":{\"auth\":\"eDp5\"},\"a:5000\":{\"auth\":"
                  "\"YTpi\"}}}",
                  "a:5000", 0, "a", "b", "" },
                { "{\"auths\":{\"a\":{\"username\":\"u\",\"password\":\"p\"}}}", "a", 0, "u", "p",
                  "" },
                { "{\"auths\":{\"a\":{\"identitytoken\":\"t\"}}}", "a", 0, "", "", "t" },
                { "{\"auths\":{\"a\":{}}}", "a", -ENOENT, "", "", "" },
                { "{\"auths\":{\"a\":{\"auth\":\"YTpi\"}}}", "b", -ENOENT, "", "", "" },
                { "{\"auths\":{\"a\":{\"auth\":\"***\"}}}", "a", -EINVAL, "", "", "" },
                { "{\"auths\":{\"a\":{\"auth\":\"YWJj\"}}}", "a", -EINVAL, "", "", "" },
                { "{\"auths\":{\"a\":{\"auth\":\"AAA=\"}}}", "a", -EINVAL, "", "", "" },
                { "{\"auths\":[1]}", "a", -ENOENT, "", "", "" },
                { "[]", "a", -EINVAL, "", "", "" },
                { "", "a", -EINVAL, "", "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct registry_login l = { 0 };
                int r = registry_login_parse(cases[i].in, strlen(cases[i].in), cases[i].host, &l,
                                             NULL);

                if (r != cases[i].result)
                        fail_msg("%s: %d", cases[i].in, r);
                if (r < 0)
                        continue;
                assert_string_equal(l.user, cases[i].user);
                assert_string_equal(l.password, cases[i].password);
                assert_string_equal(l.identity, cases[i].identity);
        }
}

static void count(void *arg, const char *host, const char *user) {
        (void)host;
        assert_true(user[0]);
        ++*(unsigned *)arg;
}

static void keeps(void **state) {
        char dir[] = "/tmp/test_login.XXXXXX", path[64];
        struct registry_login l;
        struct fail f = { 0 };
        struct stat st;
        unsigned n = 0;

        (void)state;
        assert_non_null(mkdtemp(dir));
        (void)snprintf(path, sizeof(path), "%s/registry.json", dir);
        assert_int_equal(registry_login_find(path, "a", &l, &f), -ENOENT);
        assert_int_equal(registry_login_put(path, "a:5000", "ann", "se:cret", &f), 0);
        assert_int_equal(registry_login_put(path, "b", "bob", "x", &f), 0);
        assert_int_equal(registry_login_put(path, "b", "bob", "y", &f), 0);
        assert_int_equal(chmod(path, 0644), 0); /* as a person might have it */
        assert_int_equal(registry_login_put(path, "c", "carl", "z", &f), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(registry_login_find(path, "a:5000", &l, &f), 0);
        assert_string_equal(l.password, "se:cret");
        assert_int_equal(registry_login_find(path, "b", &l, &f), 0);
        assert_string_equal(l.password, "y");
        assert_int_equal(registry_login_each(path, count, &n, &f), 0);
        assert_int_equal(n, 3);
        assert_int_equal(registry_login_put(path, "d", "with:colon", "x", &f), -EINVAL);
        assert_int_equal(registry_login_remove(path, "b", &f), 0);
        assert_int_equal(registry_login_remove(path, "b", &f), -ENOENT);
        assert_int_equal(registry_login_find(path, "b", &l, &f), -ENOENT);
        assert_int_equal(registry_login_find(path, "c", &l, &f), 0);
        (void)remove(path);
        (void)remove(dir);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(parses), cmocka_unit_test(keeps) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
