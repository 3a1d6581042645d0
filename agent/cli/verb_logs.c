/* verb_logs - what a function wrote, from all boards, in the order of its time stamps. */
#include "base/scope.h"
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES_MOST = 100000 };

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

int verb_logs(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "follow", no_argument, NULL, 'f' },
                                                 { "tail", required_argument, NULL, 't' },
                                                 { 0 } };
        struct lines l = { .cli = c };
        uint64_t tail = 100;
        cJSON *request;
        int o, r;

        while ((o = getopt_long(argc, argv, "f", options, NULL)) != -1) {
                if (o == 'f')
                        l.follow = true;
                else if (o != 't' || str_to_u64(optarg, 10000, &tail) < 0)
                        return cli_misused(c, argv[0], "--tail takes a number up to 10000");
        }
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "logs takes one NAME");
        request = cli_request("logs");
        (void)cJSON_AddStringToObject(request, "name", argv[optind]);
        (void)cJSON_AddNumberToObject(request, "tail", (double)tail);
        (void)cJSON_AddBoolToObject(request, "follow", l.follow);
        r = cli_ask(c, request, on_line, &l, NULL);
        if (!l.follow && (r == CLI_DONE || l.n > 0))
                (void)print_all(&l);
        return r;
}
