#include "base/scope.h"
#include "core/alert.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void steps(void **state) {
        static const struct {
                bool firing;
                uint32_t now, min, max, factor, want;
        } cases[] = {
                { true, 1, 1, 20, 20, 5 },
                { true, 5, 1, 20, 20, 9 },
                { true, 17, 1, 20, 20, 20 },
                { true, 20, 1, 20, 20, 20 },
                { true, 1, 1, 4, 20, 2 }, /* ceil(0.8) */
                { true, 1, 1, 20, 100, 20 },
                { true, 0, 1, 20, 20, 4 },
                { true, 25, 1, 20, 20, 25 }, /* a person wanted more */
                { false, 20, 1, 20, 20, 1 },
                { false, 20, 3, 20, 20, 3 },
                { false, 1, 1, 20, 20, 1 },
                { false, 1, 3, 20, 20, 3 },
                { true, 1, 1, 20, 0, 1 }, /* not to be scaled so */
                { false, 5, 1, 20, 0, 5 },
                { true, 2, 2, 2, 20, 2 },
                { false, 2, 2, 2, 20, 2 },
                { true, 1, 3, 2, 20, 1 },
                { true, 1, 1, 4000000000u, 4000000000u, 4000000000u },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint32_t got = alert_replicas(cases[i].firing, cases[i].now, cases[i].min,
                                              cases[i].max, cases[i].factor);

                if (got != cases[i].want)
                        fail_msg("case %zu: %u, not %u", i, got, cases[i].want);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(steps) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
