/* verb_board - what a person does with one board: drain, uncordon, rename, locate. */
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 300, STILL_SEC = 180 /* without any news: something is in the way */ };

static cJSON *request_for(const char *verb, const char *board) {
        cJSON *o = cli_request(verb);

        (void)cJSON_AddStringToObject(o, "board", board);
        return o;
}

/* ---- drain ----------------------------------------------------------------------------------- */

static const cJSON *board_of(const cJSON *status, const char *name) {
        const cJSON *n;

        cJSON_ArrayForEach(n, cJSON_GetObjectItemCaseSensitive(status, "nodes")) {
                if (str_eq(json_text(n, "name", ""), name))
                        return n;
        }
        return NULL;
}

/* Says what is new.  True: it is over, and '*ret' is how. */
static bool look(const struct cli *c, const cJSON *status, const char *board, char last[static 256],
                 bool *news, int *ret) {
        const cJSON *n = board_of(status, board);
        const char *text = json_text(n, "drain", "");

        *news = false;
        if (!cJSON_HasObjectItem(n, "cordoned"))
                return false; /* nobody leads right now */
        if (!json_bool(n, "cordoned")) {
                *ret = cli_fail(c, "somebody gave %s work again: agentctl status", cli_safe(board));
                return true;
        }
        *news = text[0] && !str_eq(text, last);
        if (*news) {
                (void)snprintf(last, 256, "%s", text);
                if (!c->json)
                        printf("%s: %s\n", cli_safe(board), cli_safe(text));
                (void)fflush(stdout);
        }
        if (!json_bool(n, "drained"))
                return false;
        *ret = c->json ? cli_print_json(cJSON_Duplicate(n, true)) : CLI_DONE;
        return true;
}

/* A board has no clock of its own: the wall's may jump when it hears of the time. */
static time_t seconds(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

/* Shows how far it is until nothing runs there. */
static int watch(const struct cli *c, const char *board) {
        const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
        time_t still = seconds();
        char last[256] = "";

        while (seconds() - still < STILL_SEC) {
                bool news, over;
                cJSON *o;
                int r = cli_ask(c, cli_request("status"), NULL, NULL, &o), how;

                if (r != CLI_DONE)
                        return r;
                over = look(c, o, board, last, &news, &how);
                cJSON_Delete(o);
                if (over)
                        return how;
                if (news)
                        still = seconds();
                (void)nanosleep(&pause, NULL);
        }
        return cli_fail(
                c,
                "%s is not drained yet%s%s; it stays cordoned: agentctl status says how far "
                "it is, agentctl uncordon %s gives it work again",
                cli_safe(board), last[0] ? ": " : "", cli_safe(last), cli_safe(board));
}

int verb_drain(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "no-wait", no_argument, NULL, 'n' }, { 0 } };
        bool wait = true;
        cJSON *reply;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (o != 'n')
                        return cli_misused(c, argv[0], "drain takes BOARD [--no-wait]");
                wait = false;
        }
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "drain takes one BOARD");
        r = cli_ask(c, request_for("drain", argv[optind]), NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        if (!wait && c->json)
                return cli_print_json(reply);
        cJSON_Delete(reply);
        if (wait)
                r = watch(c, argv[optind]);
        if (r == CLI_DONE && !c->json)
                printf(wait ? "%s is drained: agentctl uncordon %s gives it work again\n"
                            : "%s is being drained: agentctl status says how far it is\n",
                       cli_safe(argv[optind]), cli_safe(argv[optind]));
        return r;
}

/* ---- the others ------------------------------------------------------------------------------ */

int verb_uncordon(const struct cli *c, int argc, char **argv) {
        cJSON *reply;
        int r = cli_ask(c, request_for("uncordon", argv[1]), NULL, NULL, &reply);

        (void)argc;
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        cJSON_Delete(reply);
        printf("%s may have functions again\n", cli_safe(argv[1]));
        return CLI_DONE;
}

int verb_rename(const struct cli *c, int argc, char **argv) {
        cJSON *o = request_for("rename", argv[1]), *reply;
        int r;

        (void)argc;
        (void)cJSON_AddStringToObject(o, "name", argv[2]);
        r = cli_ask(c, o, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        cJSON_Delete(reply);
        printf("%s is called %s now, and %s.local\n", cli_safe(argv[1]), cli_safe(argv[2]),
               cli_safe(argv[2]));
        return CLI_DONE;
}

int verb_locate(const struct cli *c, int argc, char **argv) {
        cJSON *o = request_for("locate", argv[1]), *reply;
        int r;

        if (argc > 2) {
                char *end;
                double n = strtod(argv[2], &end);

                if (!argv[2][0] || *end) {
                        cJSON_Delete(o);
                        return cli_misused(c, argv[0], "'%s' is no number of seconds",
                                           cli_safe(argv[2]));
                }
                (void)cJSON_AddNumberToObject(o, "seconds", n);
        }
        r = cli_ask(c, o, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(reply);
        if (json_text(reply, "led", "")[0])
                printf("the LED %s of %s blinks for %.0f s\n",
                       cli_safe(json_text(reply, "led", "")), cli_safe(argv[1]),
                       cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(reply, "seconds")));
        else
                printf("%s blinks no more\n", cli_safe(argv[1]));
        cJSON_Delete(reply);
        return CLI_DONE;
}
