#include "core/image_name.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void normalises(void **state) {
        static const struct {
                const char *in;
                int result;
                const char *want;
        } cases[] = {
                { "alpine", 0, "docker.io/library/alpine:latest" },
                { "alpine:3.18", 0, "docker.io/library/alpine:3.18" },
                { "functions/alpine", 0, "docker.io/functions/alpine:latest" },
                { "docker.io/alpine", 0, "docker.io/library/alpine:latest" },
                { "index.docker.io/alpine", 0, "docker.io/library/alpine:latest" },
                { "docker.io/library/alpine:latest", 0, "docker.io/library/alpine:latest" },
                { "ghcr.io/openfaas/figlet:1.0", 0, "ghcr.io/openfaas/figlet:1.0" },
                { "localhost/x", 0, "localhost/x:latest" },
                { "localhost:5000/x:y", 0, "localhost:5000/x:y" },
                { "m1:5000/x", 0, "m1:5000/x:latest" },
                { "Registry/x", 0, "Registry/x:latest" },
                { "[::1]/x", -EINVAL, "" },
                { "a/b/c/d", 0, "docker.io/a/b/c/d:latest" },
                { "a__b", 0, "docker.io/library/a__b:latest" },
                { "a--b", 0, "docker.io/library/a--b:latest" },
                { "a@sha256:" HEX, 0, "docker.io/library/a@sha256:" HEX },
                { "a:1@sha256:" HEX, 0, "docker.io/library/a:1@sha256:" HEX },
                { HEX, -EINVAL, "" },
                { HEX ":1", 0, "docker.io/library/" HEX ":1" },
                { "", -EINVAL, "" },
                { "/", -EINVAL, "" },
                { "..", -EINVAL, "" },
                { "../x", -EINVAL, "" },
                { "a/../b", -EINVAL, "" },
                { "a..b", -EINVAL, "" },
                { "a___b", -EINVAL, "" },
                { "a._b", -EINVAL, "" },
                { "-a", -EINVAL, "" },
                { "a-", -EINVAL, "" },
                { "A", -EINVAL, "" },
                { "a b", -EINVAL, "" },
                { "a\n", -EINVAL, "" },
                { "a/", -EINVAL, "" },
                { "/a", -EINVAL, "" },
                { "a//b", -EINVAL, "" },
                { "a:", -EINVAL, "" },
                { "a:-b", -EINVAL, "" },
                { "a:.b", -EINVAL, "" },
                { "a:b:c", -EINVAL, "" },
                { "a:b/c", -EINVAL, "" },
                { "a@", -EINVAL, "" },
                { "a@sha256:", -EINVAL, "" },
                { "a@sha256:" HEX "0", -EINVAL, "" },
                { "a@md5:" HEX, -EINVAL, "" },
                { "-x.io/a", -EINVAL, "" },
                { "x-.io/a", -EINVAL, "" },
                { ".io/a", -EINVAL, "" },
                { "x..io/a", -EINVAL, "" },
                { "x.io:/a", -EINVAL, "" },
                { "x.io:80a/a", -EINVAL, "" },
                { "@sha256:" HEX, -EINVAL, "" },
                { "\xc3\xa4", -EINVAL, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char got[SIZE_IMAGE] = "", again[SIZE_IMAGE];

                if (image_name_normalise(cases[i].in, got) != cases[i].result ||
                    !str_eq(got, cases[i].want))
                        fail_msg("'%s' became '%s'", cases[i].in, got);
                if (cases[i].result < 0)
                        continue;
                assert_int_equal(image_name_normalise(got, again), 0);
                assert_string_equal(again, got); /* a full name stays as it is */
        }
}

static void long_names(void **state) {
        char in[2048], got[SIZE_IMAGE];

        (void)state;
        memset(in, 'a', sizeof(in));
        in[sizeof(in) - 1] = '\0';
        assert_int_equal(image_name_normalise(in, got), -ENAMETOOLONG);
        in[SIZE_IMAGE - 1 - strlen("docker.io/library/:latest")] = '\0';
        assert_int_equal(image_name_normalise(in, got), 0);
        assert_int_equal(strlen(got), SIZE_IMAGE - 1);
        memset(in, 'a', SIZE_IMAGE);
        in[SIZE_IMAGE - strlen("docker.io/library/:latest")] = '\0';
        assert_int_equal(image_name_normalise(in, got), -ENAMETOOLONG);
        (void)snprintf(in, sizeof(in), "a:%0129d", 1);
        assert_int_equal(image_name_normalise(in, got), -EINVAL);
}

static void names_and_tags(void **state) {
        (void)state;
        assert_true(image_name_is_name("docker.io/library/a:1"));
        assert_true(image_name_is_name("hello:1"));
        assert_false(image_name_is_name("latest"));
        assert_false(image_name_is_name("v1.0"));
        assert_false(image_name_is_name("A:b:c"));
}

static void digests(void **state) {
        (void)state;
        assert_true(image_digest_valid("sha256:" HEX));
        assert_false(image_digest_valid("sha256:" HEX "0"));
        assert_false(image_digest_valid("sha256:0123"));
        assert_false(image_digest_valid(""));
        assert_false(image_digest_valid("sha256:../../../../../../../../../../../../etc/passwd"));
        assert_true(image_digest_hex(HEX "/x", '/'));
        assert_false(image_digest_hex(HEX, '/'));

        char text[SIZE_DIGEST];
        const uint8_t sum[32] = { 0x00, 0x1f, 0xab, [31] = 0xff };

        image_digest_text(sum, text);
        assert_true(image_digest_valid(text));
        assert_int_equal(strncmp(text, "sha256:001fab00", 15), 0);
        assert_true(str_ends(text, "00ff"));
}

static void platforms(void **state) {
        /* Better ones first; the last of each line must not run at all. */
        static const struct {
                const char *machine;
                unsigned bits;
                struct image_platform order[6];
        } cases[] = {
                { "x86_64", 64, { { "linux", "amd64", "" }, { "linux", "arm64", "" } } },
                { "x86_64", 64, { { "linux", "amd64", "v1" }, { "linux", "amd64", "v3" } } },
                { "x86_64", 64, { { "linux", "amd64", "" }, { "windows", "amd64", "" } } },
                { "aarch64",
                  64,
                  { { "linux", "arm64", "v8" },
                    { "linux", "arm", "v8" },
                    { "linux", "arm", "v7" },
                    { "linux", "arm", "v6" },
                    { "linux", "amd64", "" } } },
                { "aarch64",
                  32,
                  { { "linux", "arm", "" },
                    { "linux", "arm", "v6" },
                    { "linux", "arm64", "" },
                    { "linux", "arm64", "v9" } } },
                { "armv7l",
                  32,
                  { { "linux", "arm", "v7" },
                    { "linux", "arm", "v6" },
                    { "linux", "arm", "v5" },
                    { "linux", "arm64", "" } } },
                { "armv7l", 32, { { "linux", "arm", "" }, { "linux", "arm", "v8" } } },
                { "armv6l", 32, { { "linux", "arm", "v6" }, { "linux", "arm", "v7" } } },
                { "riscv64", 64, { { "linux", "amd64", "" } } },
                { "", 64, { { "unknown", "unknown", "" } } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                unsigned last = UINT32_MAX;

                for (size_t p = 0; cases[i].order[p].os[0]; p++) {
                        bool none = !cases[i].order[p + 1].os[0];
                        unsigned rank = image_platform_rank(cases[i].machine, cases[i].bits,
                                                            &cases[i].order[p]);

                        if (none ? rank != 0 : rank == 0 || rank >= last)
                                fail_msg("%s: %zu has rank %u", cases[i].machine, p, rank);
                        last = rank;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(normalises),     cmocka_unit_test(long_names),
                cmocka_unit_test(names_and_tags), cmocka_unit_test(digests),
                cmocka_unit_test(platforms),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
