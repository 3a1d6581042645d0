/* verb_logs - what a function wrote, from all boards, in the order of its time stamps. */
#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/verbs.h"
#include "core/rfc3339.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAIL_ALL UINT32_MAX /* the agent's word for every line */

enum { LINES_MOST = 100000, TAIL_DEFAULT = 100 };

struct lines {
        const struct cli *cli;
        bool follow;
        size_t n;
        cJSON **items; /* kept until all boards have told theirs, where not following */
};

static double stamp(const cJSON *o) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "timestamp_usec");

        return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static int by_time(const void *a, const void *b) {
        double x = stamp(*(cJSON *const *)a), y = stamp(*(cJSON *const *)b);

        return (x > y) - (x < y);
}

/* The whole line, however long, fit for a terminal. */
static void print_text(const char *text) {
        size_t len = strlen(text);
        auto_free char *line = malloc(len + 1);

        puts(line ? str_printable(line, len + 1, text, len) : "");
}

static void print_json_line(const cJSON *o) {
        auto_free char *text = cJSON_PrintUnformatted(o);

        printf("%s\n", text ? text : "{}");
}

static void print_line(const cJSON *o) {
        time_t seconds = (time_t)(stamp(o) / 1e6);
        char when[32];
        struct tm tm;

        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &tm));
        printf("%s %s %s.%s ", when, cli_safe(json_text(o, "node", "?")),
               cli_safe(json_text(o, "name", "?")), cli_safe(json_text(o, "instance", "?")));
        print_text(json_text(o, "text", ""));
}

static bool on_line(void *arg, const cJSON *event) {
        struct lines *l = arg;
        cJSON **items;

        if (l->follow) {
                if (l->cli->json)
                        print_json_line(event);
                else
                        print_line(event);
                return fflush(stdout) == 0;
        }
        if (l->n == LINES_MOST)
                return true;
        items = realloc(l->items, (l->n + 1) * sizeof(*items));
        if (!items)
                return false;
        l->items = items;
        l->items[l->n++] = cJSON_Duplicate(event, true);
        return true;
}

/* All boards' lines by time: an array as JSON.  While following it is one object a line. */
static int print_all(struct lines *l) {
        cJSON *array = l->cli->json ? cJSON_CreateArray() : NULL;

        if (l->n > 0)
                qsort(l->items, l->n, sizeof(*l->items), by_time);
        for (size_t i = 0; i < l->n; i++) {
                if (array) {
                        (void)cJSON_AddItemToArray(array, l->items[i]);
                        continue;
                }
                print_line(l->items[i]);
                cJSON_Delete(l->items[i]);
        }
        free(l->items);
        return array ? cli_print_json(array) : CLI_DONE;
}

/* "90s", "10m", "2h", "3d" ago, or a time of RFC 3339.  -EINVAL. */
static int parse_since(const char *text, uint64_t *ret_usec) {
        static const struct {
                char unit;
                unsigned seconds;
        } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
        size_t len = strlen(text);
        char digits[16];
        uint64_t n;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (len < 2 || text[len - 1] != units[i].unit ||
                    str_copy_n(digits, sizeof(digits), text, len - 1) < 0 ||
                    str_to_u64(digits, UINT32_MAX, &n) < 0)
                        continue;
                *ret_usec = ((uint64_t)time(NULL) - n * units[i].seconds) * USEC_PER_SEC;
                return 0;
        }
        return rfc3339_parse(text, ret_usec);
}

enum { OPT_TAIL = 256, OPT_SINCE, OPT_INSTANCE, OPT_NAMESPACE };

/* One option into the request.  NULL, or what is wrong with it. */
static const char *take_option(cJSON *request, struct lines *l, int option, const char *value) {
        uint64_t n = TAIL_ALL;

        switch (option) {
        case 'f':
                l->follow = true;
                return NULL;
        case OPT_TAIL:
                if (!str_eq(value, "all") && !str_eq(value, "-1") &&
                    str_to_u64(value, TAIL_ALL, &n) < 0)
                        return "--tail takes a number, or all";
                cJSON_DeleteItemFromObjectCaseSensitive(request, "tail");
                (void)cJSON_AddNumberToObject(request, "tail", (double)n);
                return NULL;
        case OPT_SINCE:
                if (parse_since(value, &n) < 0)
                        return "--since takes 90s, 10m, 2h, 3d, or 2026-11-25T07:02:03Z";
                cJSON_DeleteItemFromObjectCaseSensitive(request, "since_usec");
                (void)cJSON_AddNumberToObject(request, "since_usec", (double)n);
                return NULL;
        case OPT_INSTANCE:
                (void)cJSON_AddStringToObject(request, "instance", value);
                return NULL;
        case OPT_NAMESPACE:
                (void)cJSON_AddStringToObject(request, "namespace", value);
                return NULL;
        default:
                return "this option is not known";
        }
}

int verb_logs(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = {
                { "follow", no_argument, NULL, 'f' },
                { "tail", required_argument, NULL, OPT_TAIL },
                { "since", required_argument, NULL, OPT_SINCE },
                { "instance", required_argument, NULL, OPT_INSTANCE },
                { "namespace", required_argument, NULL, OPT_NAMESPACE },
                { 0 }
        };
        cJSON *request = cli_request("logs");
        struct lines l = { .cli = c };
        const char *wrong = NULL;
        int o, r;

        (void)cJSON_AddNumberToObject(request, "tail", TAIL_DEFAULT);
        while (!wrong && (o = getopt_long(argc, argv, "f", options, NULL)) != -1)
                wrong = take_option(request, &l, o, optarg);
        if (!wrong && optind + 1 != argc)
                wrong = "logs takes one NAME";
        if (wrong) {
                cJSON_Delete(request);
                return cli_misused(c, argv[0], "%s", wrong);
        }
        (void)cJSON_AddStringToObject(request, "name", argv[optind]);
        (void)cJSON_AddBoolToObject(request, "follow", l.follow);
        r = cli_ask(c, request, on_line, &l, NULL);
        if (!l.follow && (r == CLI_DONE || l.n > 0))
                (void)print_all(&l);
        return r;
}
