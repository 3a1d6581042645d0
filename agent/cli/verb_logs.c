/* verb_logs - what a function wrote, from all boards, in the order of its time stamps. */
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

static void print_line(const struct cli *c, const cJSON *o) {
        time_t seconds = (time_t)(stamp(o) / 1e6);
        char when[32];
        struct tm tm;

        if (c->json) {
                char *text = cJSON_PrintUnformatted(o);

                printf("%s\n", text ? text : "{}");
                free(text);
                return;
        }
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &tm));
        printf("%s %s %s.%s %s\n", when, cli_safe(json_text(o, "node", "?")),
               cli_safe(json_text(o, "name", "?")), cli_safe(json_text(o, "instance", "?")),
               cli_safe(json_text(o, "text", "")));
}

static bool on_line(void *arg, const cJSON *event) {
        struct lines *l = arg;
        cJSON **items;

        if (l->follow) {
                print_line(l->cli, event);
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
        if (l.n > 0)
                qsort(l.items, l.n, sizeof(*l.items), by_time);
        for (size_t i = 0; i < l.n; i++) {
                print_line(c, l.items[i]);
                cJSON_Delete(l.items[i]);
        }
        free(l.items);
        return r;
}
