#include "core/registry.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void references(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *host, *repository, *reference;
        } cases[] = {
                { "docker.io/library/alpine:3", 0, "docker.io", "library/alpine", "3" },
                { "localhost:5000/x:y", 0, "localhost:5000", "x", "y" },
                { "ghcr.io/a/b/c@" DIGEST, 0, "ghcr.io", "a/b/c", DIGEST },
                { "m1:5000/a:1@" DIGEST, 0, "m1:5000", "a", DIGEST },
                { "alpine", -EINVAL, "", "", "" }, /* not the whole name */
                { "docker.io/library/alpine", -EINVAL, "", "", "" },
                { "docker.io/../x:1", -EINVAL, "", "", "" },
                { "", -EINVAL, "", "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct registry_reference r = { 0 };

                assert_int_equal(registry_reference(cases[i].in, &r), cases[i].result);
                assert_string_equal(r.host, cases[i].host);
                assert_string_equal(r.repository, cases[i].repository);
                assert_string_equal(r.reference, cases[i].reference);
        }
}

static void hosts(void **state) {
        (void)state;
        assert_string_equal(registry_server("docker.io"), "registry-1.docker.io");
        assert_string_equal(registry_server("ghcr.io"), "ghcr.io");
        assert_true(registry_is_loopback("localhost"));
        assert_true(registry_is_loopback("localhost:5000"));
        assert_true(registry_is_loopback("127.0.0.1:5000"));
        assert_true(registry_is_loopback("127.0.0.1"));
        assert_false(registry_is_loopback("localhost.example.org"));
        assert_false(registry_is_loopback("127.example.org"));
        assert_false(registry_is_loopback("10.0.0.1:5000"));
        assert_true(registry_entry_is("https://index.docker.io/v1/", "docker.io"));
        assert_true(registry_entry_is("docker.io", "docker.io"));
        assert_true(registry_entry_is("ghcr.io", "ghcr.io"));
        assert_true(registry_entry_is("http://m1:5000/v2/", "m1:5000"));
        assert_false(registry_entry_is("https://index.docker.io/v1/", "ghcr.io"));
        assert_false(registry_entry_is("ghcr.io.example.org", "ghcr.io"));
        assert_false(registry_entry_is("m1", "m1:5000"));
}

static void challenges(void **state) {
        static const struct {
                const char *in;
                int result;
                enum registry_scheme scheme;
                const char *realm, *service, *scope;
        } cases[] = {
                { "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
                  "scope=\"repository:library/alpine:pull\"",
                  0, REGISTRY_BEARER, "https://auth.docker.io/token", "registry.docker.io",
                  "repository:library/alpine:pull" },
                { "Basic realm=\"Registry Realm\"", 0, REGISTRY_BASIC, "Registry Realm", "", "" },
                { "basic", 0, REGISTRY_BASIC, "", "", "" },
                { "Basic realm=x, Bearer realm=\"https://a/t\"", 0, REGISTRY_BEARER, "https://a/t",
                  "", "" },
                { "Bearer realm=\"https://a/t\" , Basic realm=x", 0, REGISTRY_BEARER, "https://a/t",
                  "", "" },
                { "Negotiate, Basic realm=\"a\\\"b\"", 0, REGISTRY_BASIC, "a\"b", "", "" },
                { "BEARER REALM = \"https://a/t\", error=\"invalid_token\"", 0, REGISTRY_BEARER,
                  "https://a/t", "", "" },
                { "Bearer service=x", 0, REGISTRY_NONE, "", "", "" }, /* no realm: of no use */
                { "Digest realm=x, nonce=y", 0, REGISTRY_NONE, "", "", "" },
                { "", -EBADMSG, 0, "", "", "" },
                { "realm=x", -EBADMSG, 0, "", "", "" },
                { "Bearer realm=\"open", -EBADMSG, 0, "", "", "" },
                { "Bearer realm=\"bad\\", -EBADMSG, 0, "", "", "" },
                { "Bearer realm=", -EBADMSG, 0, "", "", "" },
                { "Bearer realm=\"a\nb\"", -EBADMSG, 0, "", "", "" },
                { "\x01", -EBADMSG, 0, "", "", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct registry_challenge c = { 0 };

                assert_int_equal(registry_challenge(cases[i].in, strlen(cases[i].in), &c),
                                 cases[i].result);
                assert_int_equal(c.scheme, cases[i].scheme);
                assert_string_equal(c.realm, cases[i].realm);
                assert_string_equal(c.service, cases[i].service);
                assert_string_equal(c.scope, cases[i].scope);
        }
}

static void several_headers(void **state) {
        struct registry_challenge c = { 0 };

        (void)state;
        assert_int_equal(registry_challenge("Bearer realm=\"https://a/t\"", 26, &c), 0);
        assert_int_equal(registry_challenge("Basic realm=x", 13, &c), 0);
        assert_int_equal(c.scheme, REGISTRY_BEARER);
        assert_string_equal(c.realm, "https://a/t");
}

static void too_long(void **state) {
        struct registry_challenge c = { 0 };
        char text[REGISTRY_FIELD + 64];
        int n = snprintf(text, sizeof(text), "Bearer realm=\"%0*d\"", REGISTRY_FIELD, 0);

        (void)state;
        assert_int_equal(registry_challenge(text, (size_t)n, &c), -EBADMSG);
        n = snprintf(text, sizeof(text), "Bearer realm=\"%0*d\"", REGISTRY_FIELD - 1, 0);
        assert_int_equal(registry_challenge(text, (size_t)n, &c), 0);
        assert_int_equal(strlen(c.realm), REGISTRY_FIELD - 1);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(references), cmocka_unit_test(hosts),
                cmocka_unit_test(challenges), cmocka_unit_test(several_headers),
                cmocka_unit_test(too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
