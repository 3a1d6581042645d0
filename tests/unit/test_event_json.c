#include "io/event_json.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct event lost = { .id = 3145728,
                                   .at_usec = 5000000,
                                   .unix_ms = UINT64_C(1764522000999),
                                   .kind = EVENT_LOST,
                                   .severity = SEVERITY_WARNING,
                                   .alarm = ALARM_KINDS,
                                   .board = "m1",
                                   .text = "m1 does not answer any more" };

static void shape(void **state) {
        auto_json cJSON *o = event_json(&lost, 5012000);
        auto_free char *text = cJSON_PrintUnformatted(o);

        (void)state;
        assert_string_equal(text, "{\"id\":3145728,\"unix\":1764522000,\"age_ms\":12,\"kind\":"
                                  "\"lost\",\"severity\":\"warning\",\"board\":\"m1\",\"function\":"
                                  "\"\",\"text\":\"m1 does not answer any more\"}");
}

/* A board that was started a minute ago remembers what was before. */
static void there_and_back(void **state) {
        auto_json cJSON *o = NULL;
        struct event e = lost, back;

        (void)state;
        e.alarm = ALARM_LOST;
        o = event_json(&e, 3605000000);
        assert_int_equal(event_from_json(o, 60000000, &back), 0);
        assert_int_equal(back.at_usec, 60000000 - INT64_C(3600000000));
        assert_int_equal(back.id, e.id);
        assert_int_equal(back.alarm, ALARM_LOST);
        assert_int_equal(back.unix_ms, UINT64_C(1764522000000));
        assert_string_equal(back.text, e.text);
}

static void refused(void **state) {
        static const struct {
                const char *key, *value;
        } cases[] = {
                { "id", "0" },         { "id", "\"7\"" },          { "age_ms", "-1" },
                { "kind", "\"new\"" }, { "severity", "\"none\"" }, { "text", "\"\\u001b[2J\"" },
                { "board", "7" },      { "alert", "\"cold\"" },    { "unix", "1e300" },
        };
        struct event e;

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_json cJSON *o = event_json(&lost, 5012000);
                cJSON *value = cJSON_Parse(cases[i].value);

                assert_int_equal(event_from_json(o, 0, &e), 0); /* as it is it would do */
                cJSON_DeleteItemFromObjectCaseSensitive(o, cases[i].key);
                assert_non_null(value);
                (void)cJSON_AddItemToObject(o, cases[i].key, value);
                assert_int_equal(event_from_json(o, 0, &e), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shape),
                cmocka_unit_test(there_and_back),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
