#include "io/ui_json.h"

#include <errno.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void prints(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "{\"a\":1,\"b\":[true,false,null],\"c\":{}}",
                  "{\"a\":1,\"b\":[true,false,null],\"c\":{}}" },
                { "{\"cpu_percent\":12.4,\"cpu_cores_percent\":[0.4,99.5,100]}",
                  "{\"cpu_percent\":12,\"cpu_cores_percent\":[0,100,100]}" },
                { "{\"temperature_c\":51.54}", "{\"temperature_c\":51.5}" },
                { "{\"temperature_c\":null}", "{\"temperature_c\":null}" },
                { "{\"memory\":{\"available_bytes\":1048577}}",
                  "{\"memory\":{\"available_bytes\":1048576}}" },
                { "{\"rx_bytes_per_second\":123456}", "{\"rx_bytes_per_second\":120000}" },
                { "{\"uptime_seconds\":3599}", "{\"uptime_seconds\":3590}" },
                { "{\"uptime_seconds\":7199}", "{\"uptime_seconds\":7140}" },
                { "{\"invocations\":123456789012}", "{\"invocations\":123456789012}" },
                { "{\"x\":-5.25}", "{\"x\":-5.25}" },
                { "{\"x\":1e400}", "{\"x\":null}" },
                { "\"a\\\"b\\\\c\\n\\u0001</script>\"", "\"a\\\"b\\\\c\\u000a\\u0001</script>\"" },
                { "{\"a\\\"b\":1}", "{\"a\\\"b\":1}" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                cJSON *o = cJSON_Parse(cases[i].in);
                struct buf b = { 0 };

                assert_non_null(o);
                assert_int_equal(ui_json_add(&b, o), 0);
                assert_string_equal(b.data, cases[i].want);
                buf_done(&b);
                cJSON_Delete(o);
        }
}

static void rates(void **state) {
        static const struct {
                double in;
                const char *want;
        } cases[] = {
                { 0, "0" },       { -1, "0" },      { 0.001, "0" },       { 0.25, "0.25" },
                { 1.234, "1.2" }, { 9.96, "10" },   { 37.4, "37" },       { 99.4, "99" },
                { 99.6, "100" },  { 1449, "1400" }, { 123456, "120000" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf b = { 0 };

                assert_int_equal(ui_json_rate(&b, cases[i].in), 0);
                assert_string_equal(b.data, cases[i].want);
                buf_done(&b);
        }
}

static void bounds(void **state) {
        cJSON *o = cJSON_CreateArray(), *at = o;
        struct buf b = { .limit = 8 };

        (void)state;
        for (int i = 0; i < 100; i++) {
                cJSON *inner = cJSON_CreateArray();

                assert_true(cJSON_AddItemToArray(at, inner));
                at = inner;
        }
        b.limit = 0;
        assert_int_equal(ui_json_add(&b, o), -ELOOP);
        buf_done(&b);
        b.limit = 8;
        assert_int_equal(ui_json_text(&b, "123456789"), -EMSGSIZE);
        buf_done(&b);
        assert_int_equal(ui_json_add(&b, NULL), 0);
        assert_string_equal(b.data, "null");
        buf_done(&b);
        cJSON_Delete(o);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(prints), cmocka_unit_test(rates),
                                            cmocka_unit_test(bounds) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
