/* verb_doctor - PASS and FAIL lines; each failure with what to do. */
#include "base/scope.h"
#include "cli/verbs.h"
#include "io/first_boot.h"
#include "io/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MOST = 32 };

static void on_problem(void *arg, const char *what, const char *text, const char *advice) {
        (void)arg;
        printf("FAIL  card: %s  %s\n      what to do: %s\n", cli_safe(what), cli_safe(text),
               cli_safe(advice));
}

/* Where no agent answers, what keeps it from starting may be known all the same. */
static int without_agent(const struct cli *c, int r) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (!c->host && !c->json && root >= 0 && first_boot_problems(root, on_problem, NULL) == 0)
                printf("FAIL  agent  bramble-agent does not answer\n"
                       "      what to do: systemctl status bramble-agent; journalctl -u "
                       "bramble-agent says why\n");
        return r;
}

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
                return without_agent(c, r);
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
