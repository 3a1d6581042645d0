/* verb_kubernetes - the cluster's kubeconfig, moving its control plane, taking it off. */
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_SEC = 20 * 60 };

int verb_kubeconfig(const struct cli *c, int argc, char **argv) {
        cJSON *o;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("kubeconfig"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        (void)fputs(json_text(o, "kubeconfig", ""), stdout); /* a file, not for a terminal */
        cJSON_Delete(o);
        return CLI_DONE;
}

/* ---- watching a board -------------------------------------------------------------------------
 */

static const cJSON *board_of(const cJSON *status, const char *name) {
        const cJSON *n;

        cJSON_ArrayForEach(
                n, cJSON_GetObjectItemCaseSensitive(
                           status, "nodes")) if (str_eq(json_text(n, "name", ""), name)) return n;
        return NULL;
}

static bool carries(const cJSON *status, const char *name) {
        const cJSON *cluster = cJSON_GetObjectItemCaseSensitive(status, "kubernetes"), *plane;

        cJSON_ArrayForEach(
                plane, cJSON_GetObjectItemCaseSensitive(
                               cluster, "control_planes")) if (str_eq(cJSON_GetStringValue(plane),
                                                                      name)) return true;
        return false;
}

/* Prints what a board's Kubernetes does until it is in 'state', and ('plane') carries the control
 * plane with an API server that answers; each new word once. */
static int watch(const struct cli *c, const char *board, const char *state, bool plane) {
        time_t end = time(NULL) + WATCH_SEC;
        char last[256] = "";

        while (time(NULL) < end) {
                const cJSON *kube;
                char now[256];
                cJSON *o;
                int r = cli_ask(c, cli_request("status"), NULL, NULL, &o);

                if (r != CLI_DONE)
                        return r;
                kube = cJSON_GetObjectItemCaseSensitive(board_of(o, board), "kubernetes");
                (void)snprintf(now, sizeof(now), "%s%s%s", json_text(kube, "state", "out of reach"),
                               json_text(kube, "text", "")[0] ? ": " : "",
                               json_text(kube, "text", ""));
                if (!c->json && !str_eq(now, last))
                        printf("%s: %s\n", cli_safe(board), cli_safe(now));
                (void)fflush(stdout);
                memcpy(last, now, sizeof(last));
                r = str_eq(json_text(kube, "state", ""), state) &&
                    (!plane || (carries(o, board) && json_bool(kube, "api")));
                cJSON_Delete(o);
                if (r)
                        return CLI_DONE;
                (void)sleep(1);
        }
        return cli_fail(c, "%s is not %s after %d minutes: agentctl status", board, state,
                        WATCH_SEC / 60);
}

int verb_promote(const struct cli *c, int argc, char **argv) {
        cJSON *o = cli_request("promote"), *reply;
        int r;

        (void)argc;
        (void)cJSON_AddStringToObject(o, "board", argv[1]);
        r = cli_ask(c, o, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        cJSON_Delete(reply);
        if (!c->json)
                printf("the control plane moves to %s\n", cli_safe(argv[1]));
        return watch(c, argv[1], "ready", true);
}

/* ---- reset ------------------------------------------------------------------------------------
 */

/* The board that is asked: the one whose agent answers. */
static int own_name(const struct cli *c, char *dst, size_t size) {
        cJSON *o;
        int r = cli_ask(c, cli_request("doctor"), NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        (void)str_copy(dst, size, json_text(o, "node", ""));
        cJSON_Delete(o);
        return CLI_DONE;
}

int verb_reset(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "all", no_argument, NULL, 'a' },
                                                 { "rejoin", no_argument, NULL, 'r' },
                                                 { 0 } };
        cJSON *o = cli_request("reset"), *reply;
        bool all = false, rejoin = false;
        char board[128] = "";
        int option, r;

        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (option != 'a' && option != 'r') {
                        cJSON_Delete(o);
                        return cli_misused(c, argv[0], "reset takes [BOARD] [--rejoin], or --all");
                }
                all = all || option == 'a';
                rejoin = rejoin || option == 'r';
        }
        if (optind < argc)
                (void)str_copy(board, sizeof(board), argv[optind]);
        if (all && board[0]) {
                cJSON_Delete(o);
                return cli_misused(c, argv[0], "--all is for all boards, not for one");
        }
        (void)cJSON_AddStringToObject(o, "board", board);
        (void)cJSON_AddBoolToObject(o, "all", all);
        (void)cJSON_AddBoolToObject(o, "rejoin", rejoin);
        r = cli_ask(c, o, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        cJSON_Delete(reply);
        if (all) {
                if (!c->json)
                        printf(rejoin ? "Kubernetes may come back: agentctl status\n"
                                      : "all boards take Kubernetes off: agentctl status\n");
                return CLI_DONE;
        }
        if (!board[0] && own_name(c, board, sizeof(board)) != CLI_DONE)
                return CLI_FAILED;
        return watch(c, board, rejoin ? "ready" : "off", false);
}
