#include "core/retry.h"

#include "base/scope.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void doubles_up_to_a_limit(void **state) {
        static const unsigned want_sec[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
        struct retry_policy p = retry_default();
        struct retry_answer a = { .status = 503 };
        usec_t wait = 0;

        (void)state;
        for (uint32_t made = 1; made <= ARRAY_SIZE(want_sec); made++) {
                assert_true(retry_again(&p, made, &a, &wait));
                assert_int_equal(wait, want_sec[made - 1] * USEC_PER_SEC);
        }
        assert_false(retry_again(&p, RETRY_ATTEMPTS, &a, &wait));
        assert_false(retry_again(&p, UINT32_MAX, &a, &wait));
}

static void knows_what_may_pass(void **state) {
        static const struct {
                uint16_t status;
                bool own, want;
        } table[] = {
                { 408, false, true },  { 429, false, true },  { 500, false, true },
                { 502, false, true },  { 503, false, true },  { 504, false, true },
                { 200, false, false }, { 202, true, false },  { 301, false, false },
                { 400, false, false }, { 404, false, false }, { 404, true, true },
                { 501, false, false }, { 501, true, true },
        };
        struct retry_policy p = retry_default();
        usec_t wait;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct retry_answer a = { .status = table[i].status, .own = table[i].own };

                assert_int_equal(retry_again(&p, 1, &a, &wait), table[i].want);
        }
}

static void honours_retry_after(void **state) {
        static const struct {
                const char *text;
                usec_t want;
        } table[] = {
                { "0", 0 },
                { "7", 7 * USEC_PER_SEC },
                { "3600", USEC_PER_HOUR },
                { "4294967295", RETRY_MOST_USEC },
                { "99999999999999", 0 },
                { "-1", 0 },
                { "1.5", 0 },
                { "", 0 },
                { "Wed, 21 Oct 2015 07:28:00 GMT", 0 },
        };
        struct retry_policy p = retry_default();
        struct retry_answer a = { .status = 503, .retry_after_usec = 7 * USEC_PER_SEC };
        usec_t wait;

        (void)state;
        assert_int_equal(retry_after(NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct http_text t = { table[i].text, strlen(table[i].text) };

                assert_int_equal(retry_after(&t), table[i].want);
        }
        assert_true(retry_again(&p, 1, &a, &wait));
        assert_int_equal(wait, 7 * USEC_PER_SEC);
        a.retry_after_usec = 48 * USEC_PER_HOUR;
        assert_true(retry_again(&p, 1, &a, &wait));
        assert_int_equal(wait, RETRY_MOST_USEC);
}

static void reads_annotations(void **state) {
        static const struct {
                const char *key, *value;
                int want;
        } table[] = {
                { "attempts", "3", 0 },
                { "attempts", "1000", 0 },
                { "attempts", "0", -EINVAL },
                { "attempts", "1001", -EINVAL },
                { "attempts", "-1", -EINVAL },
                { "attempts", "", -EINVAL },
                { "codes", "429", 0 },
                { "codes", "429, 503 ,418", 0 },
                { "codes", "", 0 },
                { "codes", "42", -EINVAL },
                { "codes", "600", -EINVAL },
                { "codes", "429,,503", -EINVAL },
                { "codes", " ", -EINVAL },
                { "codes", "5xx", -EINVAL },
                { "codes", "400,401,402,403,404,405,406,407,408,409,410,411,412,413,414,415,416",
                  -EINVAL },
                { "min_wait", "10s", 0 },
                { "min_wait", "1m30s", 0 },
                { "min_wait", "500ms", 0 },
                { "min_wait", "24h", 0 },
                { "min_wait", "5", 0 },
                { "min_wait", "0s", 0 },
                { "min_wait", "24h1s", -EINVAL },
                { "min_wait", "s", -EINVAL },
                { "min_wait", "10x", -EINVAL },
                { "min_wait", "1m30", -EINVAL },
                { "min_wait", "", -EINVAL },
                { "max_wait", "99999999999999999999h", -EINVAL },
                { "max_wait", "2m", 0 },
                { "other", "1", -ENOENT },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                struct retry_policy p = retry_default(), before = p;
                struct fail f = { 0 };
                char key[64] = "com.openfaas.retry.";

                assert_int_equal(
                        retry_annotation(&p, strcat(key, table[i].key), table[i].value, &f),
                        table[i].want);
                if (table[i].want < 0)
                        assert_memory_equal(&p, &before, sizeof(p));
                if (table[i].want == -EINVAL)
                        assert_non_null(strstr(f.text, table[i].key));
        }
}

static void uses_what_it_read(void **state) {
        struct retry_policy p = retry_default();
        struct retry_answer teapot = { .status = 418 }, busy = { .status = 429 };
        usec_t wait = 1;

        (void)state;
        assert_int_equal(retry_annotation(&p, "com.openfaas.retry.attempts", "4", NULL), 0);
        assert_int_equal(retry_annotation(&p, "com.openfaas.retry.codes", "418,503", NULL), 0);
        assert_int_equal(retry_annotation(&p, "com.openfaas.retry.min_wait", "1m30s", NULL), 0);
        assert_int_equal(retry_annotation(&p, "com.openfaas.retry.max_wait", "2m", NULL), 0);
        assert_false(retry_again(&p, 1, &busy, &wait));
        assert_true(retry_again(&p, 1, &teapot, &wait));
        assert_int_equal(wait, 90 * USEC_PER_SEC);
        assert_true(retry_again(&p, 3, &teapot, &wait));
        assert_int_equal(wait, 2 * USEC_PER_MIN);
        assert_false(retry_again(&p, 4, &teapot, &wait));
        assert_int_equal(retry_annotation(&p, "com.openfaas.retry.min_wait", "0", NULL), 0);
        assert_true(retry_again(&p, 2, &teapot, &wait));
        assert_int_equal(wait, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(doubles_up_to_a_limit), cmocka_unit_test(knows_what_may_pass),
                cmocka_unit_test(honours_retry_after),   cmocka_unit_test(reads_annotations),
                cmocka_unit_test(uses_what_it_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
