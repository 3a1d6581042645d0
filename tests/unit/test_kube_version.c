#include "core/kube_version.h"

#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void parses(void **state) {
        static const struct {
                const char *in;
                int result;
                struct kube_version want;
        } cases[] = {
                { "v1.20.2", 0, { 1, 20, 2 } },
                { "1.20.2", 0, { 1, 20, 2 } },
                { "1.26", 0, { 1, 26, 0 } },
                { "1.26+", 0, { 1, 26, 0 } },
                { "Kubernetes v1.20.2", 0, { 1, 20, 2 } },
                { "Kubernetes v1.20.2\n", 0, { 1, 20, 2 } },
                { "v1.20.2\r\n", 0, { 1, 20, 2 } },
                { "v1.20.2+rpt1", 0, { 1, 20, 2 } },
                { "v1.31.0-rc.0", 0, { 1, 31, 0 } },
                { "v1.31.0-alpha.1.5+abcdef-dirty", 0, { 1, 31, 0 } },
                { "1.20.5+really1.20.2-1.1+deb12u1", 0, { 1, 20, 5 } },
                { "v999.999.999", 0, { 999, 999, 999 } },
                { "v0.0.0", 0, { 0, 0, 0 } },
                { "v1000.1.1", -ERANGE, { 0 } },
                { "v1.99999999999999999999.1", -ERANGE, { 0 } },
                { "", -EINVAL, { 0 } },
                { "v", -EINVAL, { 0 } },
                { "v1", -EINVAL, { 0 } },
                { "v1.", -EINVAL, { 0 } },
                { "v1.20.", -EINVAL, { 0 } },
                { "v1.20.2.3", -EINVAL, { 0 } },
                { "v1.-2.0", -EINVAL, { 0 } },
                { " v1.20.2", -EINVAL, { 0 } },
                { "vv1.20.2", -EINVAL, { 0 } },
                { "v1.20.2 x", -EINVAL, { 0 } },
                { "v1.20.2-\"", -EINVAL, { 0 } },
                { "kubernetes v1.20.2", -EINVAL, { 0 } },
                { "v1.20.2-0123456789012345678901234567890123456789012345678901234567890123456789",
                  -EINVAL,
                  { 0 } },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct kube_version got = { 0 };
                int r = kube_version_parse(cases[i].in, &got);

                if (r != cases[i].result || kube_version_compare(got, cases[i].want) != 0)
                        fail_msg("'%s': %d, %u.%u.%u", cases[i].in, r, got.major, got.minor,
                                 got.patch);
        }
}

static void compares(void **state) {
        /* in order */
        static const struct kube_version list[] = {
                { 0, 99, 9 }, { 1, 9, 9 }, { 1, 20, 0 }, { 1, 20, 2 }, { 1, 21, 0 }, { 2, 0, 0 },
        };

        (void)state;
        for (int i = 0; i < (int)ARRAY_SIZE(list); i++)
                for (int j = 0; j < (int)ARRAY_SIZE(list); j++) {
                        int want = i == j ? 0 : i < j ? -1 : 1;

                        assert_int_equal(kube_version_compare(list[i], list[j]), want);
                }
        assert_true(kube_version_from(list[3], 1, 20));
        assert_true(kube_version_from(list[5], 1, 20));
        assert_false(kube_version_from(list[3], 1, 21));
        assert_false(kube_version_from(list[3], 2, 0));
}

static void writes(void **state) {
        char text[KUBE_VERSION_SIZE];

        (void)state;
        assert_string_equal(kube_version_text(text, (struct kube_version){ 1, 20, 2 }), "v1.20.2");
        assert_string_equal(kube_version_text(text, (struct kube_version){ 999, 999, 999 }),
                            "v999.999.999");
        (void)kube_version_text(text, (struct kube_version){ 65535, 65535, 65535 });
}

static void skew(void **state) {
        static const struct {
                struct kube_version api, kubelet;
                bool want;
        } cases[] = {
                { { 1, 20, 2 }, { 1, 20, 2 }, true },  { { 1, 20, 2 }, { 1, 20, 15 }, true },
                { { 1, 20, 2 }, { 1, 18, 0 }, true },  { { 1, 20, 2 }, { 1, 17, 9 }, false },
                { { 1, 20, 2 }, { 1, 21, 0 }, false }, { { 1, 28, 0 }, { 1, 25, 0 }, true },
                { { 1, 28, 0 }, { 1, 24, 9 }, false }, { { 1, 27, 0 }, { 1, 24, 9 }, false },
                { { 2, 1, 0 }, { 1, 1, 0 }, false },   { { 1, 1, 0 }, { 2, 1, 0 }, false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                if (kube_skew_ok(cases[i].api, cases[i].kubelet) != cases[i].want)
                        fail_msg("case %zu", i);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parses),
                cmocka_unit_test(compares),
                cmocka_unit_test(writes),
                cmocka_unit_test(skew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
