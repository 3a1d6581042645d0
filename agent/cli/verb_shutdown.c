/* verb_shutdown - all boards off, or one; asks first, and says what happens while it does. */
#include "base/str.h"
#include "cli/verbs.h"
#include "core/charter_shutdown.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct wish {
        const struct cli *cli;
        const char *verb;
        const char *only; /* NULL: all boards */
        bool reboot, dry_run, yes;
        uint64_t timeout_sec; /* 0: not said */
        char last[512];       /* line that was printed last */
        char end[16];         /* "done" or "failed"; "left": this board goes before the others */
};

static cJSON *request(const struct wish *w, bool dry_run) {
        cJSON *o = cli_request("shutdown");

        if (w->only)
                (void)cJSON_AddStringToObject(o, "only", w->only);
        (void)cJSON_AddBoolToObject(o, "reboot", w->reboot);
        (void)cJSON_AddBoolToObject(o, "dry_run", dry_run);
        if (w->timeout_sec)
                (void)cJSON_AddNumberToObject(o, "timeout_s", (double)w->timeout_sec);
        return o;
}

/* ---- the order ------------------------------------------------------------------------------- */

static void print_order(FILE *out, const cJSON *plan) {
        const cJSON *boards = cJSON_GetObjectItemCaseSensitive(plan, "boards"), *b;
        unsigned n = 0;

        cJSON_ArrayForEach(b, boards) {
                const char *state = json_text(b, "state", "");

                n++;
                fprintf(out, "%2u  %-12s %s%s%s\n", n, cli_safe(json_text(b, "name", "")),
                        cli_safe(json_text(b, "role", "")), b->next || n == 1 ? "" : ", last",
                        str_eq(state, "silent") ? ", does not answer" : "");
        }
}

/* Does a person at a terminal want it? */
static int agreed(const struct wish *w, const cJSON *plan) {
        const char *cluster = json_text(plan, "cluster", "");
        char answer[SIZE_CLUSTER + 2] = "";

        if (w->yes)
                return CLI_DONE;
        if (!cli_on_terminal(STDIN_FILENO))
                return cli_fail(w->cli, "nobody can be asked here: say --yes if you mean it");
        if (w->only) {
                fprintf(stderr, "%s %s; its functions go to other boards.  Type yes to go on: ",
                        cli_safe(w->only), w->reboot ? "restarts" : "goes off");
        } else {
                print_order(stderr, plan);
                fprintf(stderr, "All boards %s.  Type the cluster's name (%s) to go on: ",
                        w->reboot ? "restart" : "go off", cli_safe(cluster));
        }
        if (!fgets(answer, sizeof(answer), stdin))
                answer[0] = '\0';
        answer[strcspn(answer, "\n")] = '\0';
        if (str_eq(answer, w->only ? "yes" : cluster) && answer[0])
                return CLI_DONE;
        return cli_fail(w->cli, "nothing was done");
}

/* ---- as it goes ------------------------------------------------------------------------------ */

static bool on_line(void *arg, const cJSON *o) {
        struct wish *w = arg;
        const char *phase = json_text(o, "phase", ""), *board = json_text(o, "board", "");
        const char *self = json_text(o, "self", ""), *last = json_text(o, "last", "");
        const char *text = json_text(o, "text", "");
        bool ended = str_eq(phase, "done") || str_eq(phase, "failed");
        char line[sizeof(w->last)];

        (void)snprintf(line, sizeof(line), "%s%s", board[0] ? "  " : "", cli_safe(text));
        if (w->cli->json)
                (void)cli_print_json(cJSON_Duplicate(o, true));
        else if (!str_eq(line, w->last)) /* a leader that comes later begins anew */
                printf("%s\n", line);
        (void)str_copy(w->last, sizeof(w->last), line);
        if (ended && !board[0]) {
                (void)str_copy(w->end, sizeof(w->end), phase);
                if (!w->cli->json && !w->only && last[0] && !w->reboot)
                        printf("(%s is the last one: wait until its green light is out)\n",
                               cli_safe(last));
        } else if (board[0] && str_eq(board, self) && !str_eq(self, last) &&
                   str_eq(json_text(o, "state", ""), "stopping")) {
                (void)str_copy(w->end, sizeof(w->end), "left");
                if (!w->cli->json && !w->only)
                        printf("this board goes off now; %s sees to the rest\n",
                               last[0] ? cli_safe(last) : "the leader");
        }
        (void)fflush(stdout); /* this board may be the next one */
        return !w->end[0];
}

static int carry_out(struct wish *w) {
        cJSON *reply = NULL;
        int r = cli_ask(w->cli, request(w, false), on_line, w, &reply);
        bool ok = json_bool(reply, "ok");

        if (r == CLI_DONE && !w->end[0] && !w->cli->json)
                printf("%s\n", cli_safe(json_text(reply, "text", "")));
        if (r == CLI_DONE && (w->end[0] ? str_eq(w->end, "failed") : !ok))
                r = CLI_FAILED;
        cJSON_Delete(reply);
        return r;
}

static int run(struct wish *w) {
        cJSON *plan;
        int r = cli_ask(w->cli, request(w, true), NULL, NULL, &plan);

        if (r != CLI_DONE) /* a board that nobody leads can be switched off all the same */
                return w->only && w->yes && !w->dry_run ? carry_out(w) : r;
        if (w->dry_run) {
                if (w->cli->json)
                        return cli_print_json(plan);
                print_order(stdout, plan);
                cJSON_Delete(plan);
                return CLI_DONE;
        }
        r = agreed(w, plan);
        cJSON_Delete(plan);
        return r == CLI_DONE ? carry_out(w) : r;
}

/* ---- options --------------------------------------------------------------------------------- */

static int parse(struct wish *w, int argc, char **argv, const struct option *options) {
        int o;

        while ((o = getopt_long(argc, argv, "y", options, NULL)) != -1) {
                if (o == 'y')
                        w->yes = true;
                else if (o == 'd')
                        w->dry_run = true;
                else if (o == 'r')
                        w->reboot = true;
                else if (o == 'o')
                        w->only = optarg;
                else if (o != 't')
                        return cli_misused(w->cli, w->verb, "this option is not known");
                else if (str_to_u64(optarg, SHUTDOWN_TIMEOUT_MOST, &w->timeout_sec) < 0 ||
                         w->timeout_sec < SHUTDOWN_TIMEOUT_LEAST)
                        return cli_misused(w->cli, w->verb,
                                           "--timeout is a number of seconds from %d to %d",
                                           SHUTDOWN_TIMEOUT_LEAST, SHUTDOWN_TIMEOUT_MOST);
        }
        return CLI_DONE;
}

int verb_shutdown_all(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "dry-run", no_argument, NULL, 'd' },
                                                 { "reboot", no_argument, NULL, 'r' },
                                                 { "timeout", required_argument, NULL, 't' },
                                                 { "only", required_argument, NULL, 'o' },
                                                 { "yes", no_argument, NULL, 'y' },
                                                 { 0 } };
        struct wish w = { .cli = c, .verb = argv[0] };
        int r = parse(&w, argc, argv, options);

        if (r != CLI_DONE)
                return r;
        if (optind < argc)
                return cli_misused(c, argv[0], "shutdown-all takes no board: --only BOARD");
        return run(&w);
}

int verb_shutdown(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "timeout", required_argument, NULL, 't' },
                                                 { "yes", no_argument, NULL, 'y' },
                                                 { 0 } };
        struct wish w = { .cli = c, .verb = argv[0], .reboot = str_eq(argv[0], "reboot") };
        int r = parse(&w, argc, argv, options);

        if (r != CLI_DONE)
                return r;
        if (optind + 1 != argc)
                return cli_misused(c, argv[0], "%s takes one board", argv[0]);
        w.only = argv[optind];
        return run(&w);
}
