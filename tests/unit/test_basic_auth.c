#include "core/basic_auth.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void values(void **state) {
        static const struct {
                const char *value, *user, *password;
                bool want;
        } cases[] = {
                { "Basic YWRtaW46c2VjcmV0", "admin", "secret", true },
                { "basic  YWRtaW46c2VjcmV0", "admin", "secret", true },
                { "Basic YWRtaW46c2VjcmV0", "admin", "secre", false },
                { "Basic YWRtaW46c2VjcmV0", "admin", "secret1", false },
                { "Basic YWRtaW46c2VjcmV0", "admi", "nsecret", false },
                { "Basic YWRtaW46c2VjcmV0", "admin:secret", "", false },
                { "Basic YWRtaW46", "admin", "", false }, /* "admin:" */
                { "Basic Og==", "", "", false },
                { "Basic YTpiOmM=", "a", "b:c", true },
                { "Basic YTpiOmM", "a", "b:c", true },
                { "Basic YTpiOmM===", "a", "b:c", true },
                { "Basic YTpi*OmM=", "a", "b:c", false },
                { "Basic YTpi OmM=", "a", "b:c", false },
                { "Basic ", "admin", "secret", false },
                { "Basic", "admin", "secret", false },
                { "", "admin", "secret", false },
                { "Bearer YWRtaW46c2VjcmV0", "admin", "secret", false },
                { "BasicYWRtaW46c2VjcmV0", "admin", "secret", false },
                { "Basic YWRtaW46c2VjcmV0AA==", "admin", "secret", false },
                { "Basic "
                  "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhY"
                  "WFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhY"
                  "WFh"
                  "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",
                  "admin", "secret", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text value = { cases[i].value, strlen(cases[i].value) };

                if (basic_auth_fits(&value, cases[i].user, cases[i].password) != cases[i].want)
                        fail_msg("case %zu: %s", i, cases[i].value);
        }
        assert_false(basic_auth_fits(NULL, "admin", "secret"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(values) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
