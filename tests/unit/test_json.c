#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void parse(void **state) {
        static const struct {
                const char *text;
                int want;
        } cases[] = { { "{}", 0 },
                      { "{\"a\":[1,{\"b\":2}]} \n", 0 },
                      { "", -EINVAL },
                      { "[]", -EINVAL },
                      { "{} {}", -EINVAL },
                      { "{\"a\":1,\"a\":2}", -EINVAL },
                      { "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", -EINVAL },
                      { "{\"a\":\"x\\u0000y\"}", -EINVAL },
                      { "{\"a\":\"x\\\\u0000y\"}", 0 }, /* a backslash, and letters */
                      { "{\"a\":\"x\\u0001\\n\\\"y\"}", 0 },
                      { "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\"}", 0 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_json cJSON *o = NULL;

                if (json_parse_object(cases[i].text, strlen(cases[i].text), &o, NULL) !=
                    cases[i].want)
                        fail_msg("case %zu", i);
        }
}

/* Every string, however deep, and nothing that it only borrows. */
static void wipe(void **state) {
        static const char text[] =
                "{\"a\":\"secret\",\"b\":[\"secret\",{\"c\":\"secret\"}],\"d\":7}";
        char borrowed[] = "secret";
        auto_json cJSON *o = NULL;
        char printed[128];

        (void)state;
        assert_int_equal(json_parse_object(text, sizeof(text) - 1, &o, NULL), 0);
        assert_non_null(
                cJSON_AddItemToObject(o, "e", cJSON_CreateStringReference(borrowed)) ? o : NULL);
        json_wipe(o);
        assert_true(cJSON_PrintPreallocated(o, printed, sizeof(printed), 0));
        assert_string_equal(printed,
                            "{\"a\":\"\",\"b\":[\"\",{\"c\":\"\"}],\"d\":7,\"e\":\"secret\"}");
        json_wipe(NULL);
}

static void numbers(void **state) {
        auto_json cJSON *o = cJSON_Parse("{\"a\":7,\"b\":-1,\"c\":1.5,\"d\":\"7\",\"e\":1e300}");
        uint64_t n;

        (void)state;
        assert_int_equal(json_number(o, "a", 7, &n), 0);
        assert_int_equal(n, 7);
        assert_int_equal(json_number(o, "a", 6, &n), -EINVAL);
        for (const char *key = "bcdef"; *key; key++) {
                char one[2] = { *key, '\0' };

                assert_int_equal(json_number(o, one, UINT64_MAX, &n), -EINVAL);
        }
        assert_string_equal(json_text(o, "d", "x"), "7");
        assert_string_equal(json_text(o, "a", "x"), "x");
        assert_false(json_bool(o, "a"));
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(parse), cmocka_unit_test(wipe),
                                            cmocka_unit_test(numbers) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
