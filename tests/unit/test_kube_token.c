#include "io/kube_token.h"

#include "base/scope.h"
#include "io/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const char token[] = "abc012.0123456789abcdef";

static void makes(void **state) {
        enum { TOKENS = 4000 };
        unsigned seen[256] = { 0 }, letters = 0;
        char last[SIZE_KUBE_TOKEN] = "";

        (void)state;
        for (unsigned i = 0; i < TOKENS; i++) {
                char t[SIZE_KUBE_TOKEN];

                assert_int_equal(kube_token_make(t), 0);
                assert_true(kube_token_valid(t));
                assert_string_not_equal(t, last);
                memcpy(last, t, sizeof(last));
                for (const char *c = t; *c; c++)
                        seen[(unsigned char)*c]++;
        }
        /* 2,444 of each are expected, with a standard deviation of 49; a modulo of 256 would give
         * the first four letters 2,750 */
        for (unsigned c = 0; c < 256; c++) {
                if (seen[c] == 0 || c == '.')
                        continue;
                letters++;
                assert_in_range(seen[c], 2444 - 300, 2444 + 300);
        }
        assert_int_equal(letters, 36);
}

static void valid(void **state) {
        static const struct {
                const char *in;
                bool want;
        } cases[] = {
                { "abcdef.0123456789abcdef", true },   { "", false },
                { "abcdef0.123456789abcdef", false },  { "abcdef.0123456789abcde", false },
                { "abcdef.0123456789abcdef0", false }, { "abcdeF.0123456789abcdef", false },
                { "abcdef.0123456789abcde\"", false }, { "abcdef.01234567.9abcdef", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(kube_token_valid(cases[i].in), cases[i].want);
}

static void secrets(void **state) {
        static const struct {
                int64_t in;
                const char *want;
        } cases[] = {
                { 0, "1970-01-01T00:00:00Z" },
                { 951782399, "2000-02-28T23:59:59Z" },
                { 951782400, "2000-02-29T00:00:00Z" },
                { 951868800, "2000-03-01T00:00:00Z" },
                { 1609459199, "2020-12-31T23:59:59Z" },
                { 1609459200, "2021-01-01T00:00:00Z" },
                { 2147483648, "2038-01-19T03:14:08Z" },
                { 4107542400, "2100-03-01T00:00:00Z" },
                { 253402300799, "9999-12-31T23:59:59Z" },
        };
        char *text = NULL;
        size_t len = 0;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_json cJSON *o = NULL;
                const cJSON *data, *meta;
                struct fail f = { 0 };

                assert_int_equal(kube_token_secret(token, cases[i].in, &text, &len), 0);
                assert_int_equal(strlen(text), len);
                if (json_parse_object(text, len, &o, &f) < 0)
                        fail_msg("%s", f.text);
                meta = cJSON_GetObjectItem(o, "metadata");
                data = cJSON_GetObjectItem(o, "stringData");
                assert_string_equal(json_text(o, "kind", ""), "Secret");
                assert_string_equal(json_text(o, "type", ""), "bootstrap.kubernetes.io/token");
                assert_string_equal(json_text(meta, "name", ""), "bootstrap-token-abc012");
                assert_string_equal(json_text(meta, "namespace", ""), "kube-system");
                assert_string_equal(json_text(data, "token-id", ""), "abc012");
                assert_string_equal(json_text(data, "token-secret", ""), "0123456789abcdef");
                assert_string_equal(json_text(data, "expiration", ""), cases[i].want);
                assert_string_equal(json_text(data, "usage-bootstrap-signing", ""), "true");
                free(text);
        }
        assert_int_equal(kube_token_secret(token, -1, &text, &len), -EINVAL);
        assert_int_equal(kube_token_secret(token, INT64_MAX, &text, &len), -EINVAL);
        assert_int_equal(kube_token_secret("abcdef", 0, &text, &len), -EINVAL);
}

static void paths(void **state) {
        char path[SIZE_KUBE_TOKEN_PATH];

        (void)state;
        assert_int_equal(kube_token_path(token, path), 0);
        assert_string_equal(path, "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abc012");
        assert_int_equal(kube_token_path("a", path), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(makes), cmocka_unit_test(valid),
                                            cmocka_unit_test(secrets), cmocka_unit_test(paths) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
