#include "core/route.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct http_text text(const char *s) {
        return (struct http_text){ s, strlen(s) };
}

static void patterns(void **state) {
        static const struct {
                const char *pattern, *path;
                bool want;
                const char *rest;
        } cases[] = {
                { "/healthz", "/healthz", true, "" },
                { "/healthz", "/healthz/", false, NULL },
                { "/healthz", "/health", false, NULL },
                { "/", "/", true, "" },
                { "/", "", false, NULL },
                { "/system/function/*", "/system/function/a.b", true, "a.b" },
                { "/system/function/*", "/system/function/", false, NULL },
                { "/system/function/*", "/system/function/a/b", false, NULL },
                { "/system/function/*", "/system/functions", false, NULL },
                { "/function/**", "/function/a/b", true, "a/b" },
                { "/function/**", "/function/", true, "" },
                { "/function/**", "/function", false, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text path = text(cases[i].path), rest;

                assert_int_equal(route_match(cases[i].pattern, &path, &rest), cases[i].want);
                if (cases[i].want)
                        assert_true(http_text_is(&rest, cases[i].rest));
        }
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void functions(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *name, *namespace, *rest;
        } cases[] = {
                { "hello", 0, "hello", "openfaas-fn", "" },
                { "hello/", 0, "hello", "openfaas-fn", "/" },
                { "hello/a/../b", 0, "hello", "openfaas-fn", "/a/../b" },
                { "figlet.openfaas-fn", 0, "figlet", "openfaas-fn", "" },
                { "figlet.dev/x.y", 0, "figlet", "dev", "/x.y" },
                { "a.b.c", 0, "a.b", "c", "" },
                { "A_b-9", 0, "A_b-9", "openfaas-fn", "" },
                { A63, 0, A63, "openfaas-fn", "" },
                { A63 "a", -EINVAL, NULL, NULL, NULL },
                { "a." A63 "a", -EINVAL, NULL, NULL, NULL },
                { "", -EINVAL, NULL, NULL, NULL },
                { "/", -EINVAL, NULL, NULL, NULL },
                { ".ns", -EINVAL, NULL, NULL, NULL },
                { "a.", -EINVAL, NULL, NULL, NULL },
                { "a%2fb", -EINVAL, NULL, NULL, NULL },
                { "a b", -EINVAL, NULL, NULL, NULL },
                { "a;b/", -EINVAL, NULL, NULL, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text in = text(cases[i].in);
                struct route_function got;

                assert_int_equal(route_function(&in, &got), cases[i].result);
                if (cases[i].result < 0)
                        continue;
                assert_string_equal(got.name, cases[i].name);
                assert_string_equal(got.namespace, cases[i].namespace);
                assert_true(http_text_is(&got.rest, cases[i].rest));
        }
}

static void queries(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *want;
        } cases[] = {
                { "ns=a", 0, "a" },
                { "x=1&ns=a%20b+c&ns=d", 0, "a b c" },
                { "ns=", 0, "" },
                { "ns", 0, "" },
                { "ns&x", 0, "" },
                { "", -ENOENT, NULL },
                { "nsx=1&xns=2", -ENOENT, NULL },
                { "ns=%2", -EINVAL, NULL },
                { "ns=%zz", -EINVAL, NULL },
                { "ns=%00", -EINVAL, NULL },
                { "ns=12345678", -ENAMETOOLONG, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text in = text(cases[i].in);
                char got[8];

                assert_int_equal(route_query(&in, "ns", got, sizeof(got)), cases[i].result);
                if (cases[i].result == 0)
                        assert_string_equal(got, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(patterns),
                cmocka_unit_test(functions),
                cmocka_unit_test(queries),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
