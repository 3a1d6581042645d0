#include "base/scope.h"
#include "core/rfc3339.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void text(void **state) {
        static const struct {
                uint64_t usec;
                const char *want;
        } cases[] = {
                { 0, "1970-01-01T00:00:00.000000Z" },
                { 1, "1970-01-01T00:00:00.000001Z" },
                { 951782399999999, "2000-02-28T23:59:59.999999Z" },
                { 951782400000000, "2000-02-29T00:00:00.000000Z" },
                { 1700000000123456, "2023-11-14T22:13:20.123456Z" },
                { 1709251199000000, "2024-02-29T23:59:59.000000Z" },
                { 2147483648000000, "2038-01-19T03:14:08.000000Z" },
                { 4102444800000000, "2100-01-01T00:00:00.000000Z" },
                { 4107542400000000, "2100-03-01T00:00:00.000000Z" },
                { 253402300799999999, "9999-12-31T23:59:59.999999Z" },
                { UINT64_MAX, "9999-12-31T23:59:59.999999Z" },
        };
        char got[RFC3339_SIZE];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_string_equal(rfc3339_text(got, cases[i].usec), cases[i].want);
}

static void parse(void **state) {
        static const struct {
                const char *text;
                uint64_t want;
        } cases[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "1969-12-31T23:59:59Z", 0 }, /* earlier than all that a journal has */
                { "0001-01-01T00:00:00Z", 0 },
                { "2023-11-14T22:13:20Z", 1700000000000000 },
                { "2023-11-14t22:13:20z", 1700000000000000 },
                { "2023-11-14 22:13:20Z", 1700000000000000 },
                { "2023-11-14T22:13:20.5Z", 1700000000500000 },
                { "2023-11-14T22:13:20.123456789Z", 1700000000123456 },
                { "2023-11-14T23:13:20+01:00", 1700000000000000 },
                { "2023-11-14T23:13:20 01:00", 1700000000000000 },
                { "2023-11-14T16:43:20-05:30", 1700000000000000 },
                { "2016-12-31T23:59:60Z", 1483228800000000 },
                { "2024-02-29T00:00:00Z", 1709164800000000 },
                { "2000-02-29T00:00:00Z", 951782400000000 },
        };
        static const char *const wrong[] = {
                "",
                "yesterday",
                "2023-11-14",
                "2023-11-14T22:13:20",
                "2023-11-14T22:13Z",
                "2023-13-14T22:13:20Z",
                "2023-00-14T22:13:20Z",
                "2023-02-29T22:13:20Z",
                "1900-02-29T22:13:20Z",
                "2023-11-31T22:13:20Z",
                "2023-11-00T22:13:20Z",
                "2023-11-14T24:00:00Z",
                "2023-11-14T22:60:20Z",
                "2023-11-14T22:13:61Z",
                "2023-11-14T22:13:20.Z",
                "2023-11-14T22:13:20+1:00",
                "2023-11-14T22:13:20+24:00",
                "2023-11-14T22:13:20+01:60",
                "2023-11-14T22:13:20Zx",
                "+023-11-14T22:13:20Z",
                "2023-11-14T22:13:2 Z",
                "12023-11-14T22:13:20Z",
        };
        uint64_t got;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                if (rfc3339_parse(cases[i].text, &got) != 0 || got != cases[i].want)
                        fail_msg("'%s'", cases[i].text);
        }
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                if (rfc3339_parse(wrong[i], &got) != -EINVAL)
                        fail_msg("'%s' was taken", wrong[i]);
        }
}

/* Each day of 500 years, and back. */
static void both_ways(void **state) {
        char one[RFC3339_SIZE];
        uint64_t got;

        (void)state;
        for (uint64_t day = 0; day < 182625; day++) {
                uint64_t at = day * 86400000000u + day * 7;

                assert_int_equal(rfc3339_parse(rfc3339_text(one, at), &got), 0);
                assert_int_equal(got, at);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(text), cmocka_unit_test(parse),
                                            cmocka_unit_test(both_ways) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
