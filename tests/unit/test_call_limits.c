#include "core/call_limits.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void seconds(void **state) {
        static const struct {
                const char *in;
                int want;
                uint32_t seconds;
        } cases[] = {
                { "90", 0, 90 },
                { "90s", 0, 90 },
                { "1m30s", 0, 90 },
                { "2h", 0, 7200 },
                { "24h", 0, 86400 },
                { "500ms", 0, 1 },
                { "1s500ms", 0, 2 },
                { "", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "5x", -EINVAL, 0 },
                { "-5s", -EINVAL, 0 },
                { "1.5s", -EINVAL, 0 },
                { "5 s", -EINVAL, 0 },
                { "5s ", -EINVAL, 0 },
                { "5s6", -EINVAL, 0 },
                { "0", -ERANGE, 0 },
                { "0s", -ERANGE, 0 },
                { "86401", -ERANGE, 0 },
                { "25h", -ERANGE, 0 },
                { "999999999h", -ERANGE, 0 },
                { "9999999999h", -EINVAL, 0 },
                { "4294967296", -EINVAL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint32_t got = 0;
                int r = call_limits_seconds(cases[i].in, CALL_LIMITS_TIMEOUT_MAX, &got);

                if (r != cases[i].want || got != cases[i].seconds)
                        fail_msg("'%s': %d, %u", cases[i].in, r, got);
        }
}

static void takes(void **state) {
        static const struct {
                const char *key, *value;
                int want;
                struct call_limits limits;
                const char *says;
        } cases[] = {
                { CALL_LIMITS_CONCURRENCY, "4", 1, { 4, 256, 0 }, NULL },
                { CALL_LIMITS_CONCURRENCY, "0", 1, { 0, 256, 0 }, NULL },
                { CALL_LIMITS_CONCURRENCY, "10000", 1, { 10000, 256, 0 }, NULL },
                { CALL_LIMITS_CONCURRENCY, "10001", -EINVAL, { 0, 256, 0 }, "0 to 10000" },
                { CALL_LIMITS_CONCURRENCY,
                  "-1",
                  -EINVAL,
                  { 0, 256, 0 },
                  "com.bramble.concurrency" },
                { CALL_LIMITS_CONCURRENCY, "many", -EINVAL, { 0, 256, 0 }, "'many'" },
                { CALL_LIMITS_CONCURRENCY, "", -EINVAL, { 0, 256, 0 }, "''" },
                { CALL_LIMITS_QUEUE, "0", 1, { 0, 0, 0 }, NULL },
                { CALL_LIMITS_QUEUE, "4096", 1, { 0, 4096, 0 }, NULL },
                { CALL_LIMITS_QUEUE, "4097", -EINVAL, { 0, 256, 0 }, "com.bramble.queue" },
                { CALL_LIMITS_TIMEOUT, "5m", 1, { 0, 256, 300 }, NULL },
                { CALL_LIMITS_TIMEOUT, "soon", -EINVAL, { 0, 256, 0 }, "com.bramble.timeout" },
                { "com.bramble.other", "x", 0, { 0, 256, 0 }, NULL },
                { "com.openfaas.scale.min", "x", 0, { 0, 256, 0 }, NULL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct call_limits l;
                struct fail f = { 0 };
                int r;

                call_limits_init(&l);
                r = call_limits_take(&l, cases[i].key, cases[i].value, &f);
                if (r != cases[i].want || memcmp(&l, &cases[i].limits, sizeof(l)) != 0 ||
                    (cases[i].says && !strstr(fail_text(&f), cases[i].says)))
                        fail_msg("%s: '%s': %d, %u %u %u, %s", cases[i].key, cases[i].value, r,
                                 l.concurrency, l.queue, l.timeout_s, fail_text(&f));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seconds),
                cmocka_unit_test(takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
