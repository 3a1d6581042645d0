/* verb_doctor - PASS and FAIL lines; each failure with what to do. */
#include "cli/verbs.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MOST = 32 };

int verb_doctor(const struct cli *c, int argc, char **argv) {
        bool colours = cli_on_terminal(STDOUT_FILENO);
        unsigned failures = 0;
        int width = 0;
        const cJSON *check;
        cJSON *o;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("doctor"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(o, "checks")) {
                int n = (int)strnlen(json_text(check, "name", "?"), NAME_MOST);

                width = n > width ? n : width;
        }
        cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(o, "checks")) {
                bool pass = json_bool(check, "pass");

                failures += !pass;
                if (c->json)
                        continue;
                printf("%s%s%s  %-*s  %s\n", colours ? (pass ? "\033[32m" : "\033[31m") : "",
                       pass ? "PASS" : "FAIL", colours ? "\033[0m" : "", width,
                       cli_safe(json_text(check, "name", "?")),
                       cli_safe(json_text(check, "text", "")));
                if (!pass)
                        printf("      what to do: %s\n", cli_safe(json_text(check, "advice", "")));
        }
        if (c->json)
                (void)cli_print_json(o);
        else
                cJSON_Delete(o);
        return failures ? CLI_FAILED : CLI_DONE;
}
