/* verb_events - what happened in the bramble. */
#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double number(const cJSON *o, const char *key) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static void print_json(const cJSON *o) {
        auto_free char *text = cJSON_PrintUnformatted(o);

        printf("%s\n", text ? text : "{}");
}

/* By the clock of who reads: boards have none of their own. */
static void print_line(const cJSON *o) {
        time_t at = time(NULL) - (time_t)(number(o, "age_ms") / 1000);
        const char *severity = json_text(o, "severity", "");
        bool colour = cli_on_terminal(1);
        struct tm tm;
        char when[32];

        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
        printf("%s %s%-7s%s %-10s %s\n", when,
               !colour                     ? ""
               : str_eq(severity, "error") ? "\033[31m"
               : str_eq(severity, "info")  ? ""
                                           : "\033[33m",
               cli_safe(severity), colour ? "\033[0m" : "", cli_safe(json_text(o, "kind", "?")),
               cli_safe(json_text(o, "text", "")));
}

static bool on_event(void *arg, const cJSON *event) {
        const struct cli *c = arg;

        if (c->json)
                print_json(event);
        else
                print_line(event);
        return fflush(stdout) == 0;
}

/* An id, or "90s", "10m", "2h", "3d". */
static int take_since(cJSON *request, const char *text) {
        static const struct {
                char unit;
                uint64_t ms;
        } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
        size_t len = strlen(text);
        char digits[16];
        uint64_t n;

        if (str_to_u64(text, UINT64_C(1) << 52, &n) == 0) {
                (void)cJSON_AddNumberToObject(request, "since", (double)n);
                return 0;
        }
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (len < 2 || text[len - 1] != units[i].unit ||
                    str_copy_n(digits, sizeof(digits), text, len - 1) < 0 ||
                    str_to_u64(digits, UINT32_MAX, &n) < 0)
                        continue;
                (void)cJSON_AddNumberToObject(request, "since_ms", (double)(n * units[i].ms));
                return 0;
        }
        return -1;
}

int verb_events(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "follow", no_argument, NULL, 'f' },
                                                 { "since", required_argument, NULL, 's' },
                                                 { 0 } };
        cJSON *request = cli_request("events");
        const char *wrong = NULL;
        bool follow = false;
        int o;

        while (!wrong && (o = getopt_long(argc, argv, "f", options, NULL)) != -1) {
                if (o == 'f')
                        follow = true;
                else if (o == 's' && take_since(request, optarg) < 0)
                        wrong = "--since takes the id of an event, or 90s, 10m, 2h, 3d";
                else if (o != 's')
                        wrong = "this option is not known";
        }
        if (!wrong && optind < argc)
                wrong = "events takes no name";
        if (wrong) {
                cJSON_Delete(request);
                return cli_misused(c, argv[0], "%s", wrong);
        }
        (void)cJSON_AddBoolToObject(request, "follow", follow);
        return cli_ask(c, request, on_event, (void *)(uintptr_t)c, NULL);
}
