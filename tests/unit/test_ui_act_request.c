/* What the page asks for, and what a fake agent (this file) then gets of it. */
#include "io/ui_act_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* A FAKE agent: it has the verbs of the common vocabulary, and knows their fields and no others. */
static const struct fake_verb {
        const char *verb, *fields; /* with blanks around each */
} fake_agent[] = {
        { "locate", " board seconds " },
        { "drain", " board " },
        { "uncordon", " board " },
        { "rename", " board name " },
        { "shutdown", " only reboot dry_run timeout_s " },
};

static bool fake_agent_takes(const cJSON *request) {
        const cJSON *verb = cJSON_GetObjectItemCaseSensitive(request, "verb"), *o;

        for (size_t i = 0; i < sizeof(fake_agent) / sizeof(fake_agent[0]); i++) {
                if (!cJSON_IsString(verb) || strcmp(verb->valuestring, fake_agent[i].verb) != 0)
                        continue;
                cJSON_ArrayForEach(o, request) {
                        char field[64];

                        (void)snprintf(field, sizeof(field), " %s ", o->string);
                        if (strcmp(o->string, "verb") != 0 && !strstr(fake_agent[i].fields, field))
                                return false;
                }
                return true;
        }
        return false;
}

static void takes(void **state) {
        static const struct {
                const char *in, *want, *done;
                bool off;
        } cases[] = {
                { "{\"verb\":\"locate\",\"board\":\"w1\",\"once\":\"12345678\"}",
                  "{\"verb\":\"locate\",\"board\":\"w1\",\"seconds\":30}",
                  "The LED of w1 blinks for half a minute.", false },
                { "{\"verb\":\"drain\",\"board\":\"w1\",\"once\":\"12345678\"}",
                  "{\"verb\":\"drain\",\"board\":\"w1\"}", "Work moves off w1, which gets no new.",
                  false },
                { "{\"verb\":\"uncordon\",\"board\":\"w1\",\"once\":\"12345678\"}",
                  "{\"verb\":\"uncordon\",\"board\":\"w1\"}", "w1 takes work again.", false },
                { "{\"verb\":\"rename\",\"board\":\"w1\",\"name\":\"shelf\",\"once\":\"12345678\"}",
                  "{\"verb\":\"rename\",\"board\":\"w1\",\"name\":\"shelf\"}",
                  "w1 has its new name.", false },
                { "{\"verb\":\"reboot\",\"board\":\"w1\",\"once\":\"12345678\"}",
                  "{\"verb\":\"shutdown\",\"only\":\"w1\",\"reboot\":true,\"dry_run\":false}",
                  "w1 reboots.", true },
                { "{\"verb\":\"shutdown\",\"board\":\"w1\",\"once\":\"12345678\"}",
                  "{\"verb\":\"shutdown\",\"only\":\"w1\",\"reboot\":false,\"dry_run\":false}",
                  "w1 is being shut down.", true },
                { "{\"verb\":\"shutdown-all\",\"confirm\":\"home\",\"once\":\"12345678\"}",
                  "{\"verb\":\"shutdown\",\"reboot\":false,\"dry_run\":false}",
                  "All boards are being shut down.", true },
                { "{\"verb\":\"shutdown-all\",\"dry_run\":true,\"once\":\"12345678\"}",
                  "{\"verb\":\"shutdown\",\"reboot\":false,\"dry_run\":true}",
                  "This is what would happen; nothing was done.", true },
                /* what the page adds is not passed on */
                { "{\"verb\":\"drain\",\"board\":\"w1\",\"once\":\"12345678\",\"name\":\"x\","
                  "\"confirm\":\"home\",\"only\":\"w2\",\"x\":{\"verb\":\"reset\"}}",
                  "{\"verb\":\"drain\",\"board\":\"w1\"}", "Work moves off w1, which gets no new.",
                  false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct ui_act_request act;
                struct fail f = { 0 };
                char *text;

                if (ui_act_request_read(cases[i].in, strlen(cases[i].in), "home", &act, &f) < 0)
                        fail_msg("case %zu: %s", i, fail_text(&f));
                text = cJSON_PrintUnformatted(act.request);
                assert_string_equal(text, cases[i].want);
                assert_string_equal(act.done, cases[i].done);
                assert_string_equal(act.once, "12345678");
                assert_int_equal(act.off, cases[i].off);
                assert_true(fake_agent_takes(act.request));
                free(text);
                cJSON_Delete(act.request);
        }
}

static void refuses(void **state) {
        static const struct {
                const char *in, *why;
        } cases[] = {
                { "", "JSON" },
                { "[]", "JSON" },
                { "{\"verb\":", "JSON" },
                { "{}", "no such action" },
                { "{\"verb\":\"reset\",\"board\":\"w1\",\"once\":\"12345678\"}", "no such action" },
                { "{\"verb\":[\"drain\"],\"board\":\"w1\",\"once\":\"12345678\"}",
                  "no such action" },
                { "{\"verb\":\"drain\",\"board\":\"w1\"}", "once" },
                { "{\"verb\":\"drain\",\"board\":\"w1\",\"once\":5}", "once" },
                { "{\"verb\":\"drain\",\"once\":\"12345678\"}", "'board'" },
                { "{\"verb\":\"drain\",\"board\":\"../w1\",\"once\":\"12345678\"}", "'board'" },
                { "{\"verb\":\"drain\",\"board\":\"<b>\",\"once\":\"12345678\"}", "'board'" },
                { "{\"verb\":\"rename\",\"board\":\"w1\",\"once\":\"12345678\"}", "'name'" },
                { "{\"verb\":\"shutdown-all\",\"once\":\"12345678\"}", "confirm" },
                { "{\"verb\":\"shutdown-all\",\"confirm\":\"Home\",\"once\":\"12345678\"}",
                  "confirm" },
                { "{\"verb\":\"drain\",\"board\":\"w1\",\"dry_run\":true,\"once\":\"12345678\"}",
                  "dry" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct ui_act_request act;
                struct fail f = { 0 };

                assert_int_equal(
                        ui_act_request_read(cases[i].in, strlen(cases[i].in), "home", &act, &f),
                        -EINVAL);
                if (!strstr(fail_text(&f), cases[i].why))
                        fail_msg("case %zu: %s", i, fail_text(&f));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(takes), cmocka_unit_test(refuses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
