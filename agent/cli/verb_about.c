/* verb_about - the gateway's credentials, versions, and a cluster's keys. */
#include "base/fail.h"
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"
#include "io/pki.h"

#include <getopt.h>
#include <stdio.h>

int verb_auth(const struct cli *c, int argc, char **argv) {
        cJSON *o;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("auth"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        printf("user      %s\npassword  %s\n", cli_safe(json_text(o, "user", "")),
               cli_safe(json_text(o, "password", "")));
        cJSON_Delete(o);
        return CLI_DONE;
}

int verb_version(const struct cli *c, int argc, char **argv) {
        cJSON *all = cJSON_CreateObject(), *command = cJSON_AddObjectToObject(all, "agentctl");
        cJSON *agent;
        int r;

        (void)argc;
        (void)argv;
        (void)cJSON_AddStringToObject(command, "version", BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(command, "commit", BRAMBLE_COMMIT);
        if (!c->json)
                printf("agentctl       %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
        r = cli_ask(c, cli_request("version"), NULL, NULL, &agent);
        if (r != CLI_DONE) {
                cJSON_Delete(all);
                return r;
        }
        if (!c->json)
                printf("bramble-agent  %s (%s)\n", cli_safe(json_text(agent, "version", "?")),
                       cli_safe(json_text(agent, "commit", "?")));
        (void)cJSON_AddItemToObject(all, "agent", agent);
        if (c->json)
                return cli_print_json(all);
        cJSON_Delete(all);
        return CLI_DONE;
}

static int pki_gateway(const struct cli *c, const char *folder, char **names, size_t n) {
        struct fail f = { 0 };

        if (pki_make_gateway(folder, (const char *const *)names, n, &f) < 0)
                return cli_fail(c, "%s", fail_text(&f));
        if (c->json) {
                cJSON *all = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(all, "dir", folder);
                return cli_print_json(all);
        }
        printf("gateway.crt and gateway.key are in %s: put them on the board as\n"
               "  /etc/bramble/gateway.crt and .key, the key readable by group bramble-gateway\n"
               "  (chown root:bramble-gateway, chmod 640), set tls_port = 8443 below [gateway] in\n"
               "  /etc/bramble/bramble.conf, and restart bramble-gateway.  Clients trust ca.crt.\n",
               cli_safe(folder));
        return CLI_DONE;
}

int verb_pki(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "dir", required_argument, NULL, 'd' }, { 0 } };
        char folder[512] = "";
        struct fail f = { 0 };
        int o;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
                if (o != 'd' || str_copy(folder, sizeof(folder), optarg) < 0)
                        return cli_misused(c, argv[0], "--dir takes a folder");
        }
        if (optind + 2 <= argc && str_eq(argv[optind], "gateway"))
                return pki_gateway(c, folder[0] ? folder : ".", argv + optind + 1,
                                   (size_t)(argc - optind - 1));
        if (optind + 2 != argc || !str_eq(argv[optind], "init"))
                return cli_misused(c, argv[0], "pki takes: init NAME, or gateway HOST...");
        if (!folder[0])
                (void)snprintf(folder, sizeof(folder), "./%.200s-pki", argv[optind + 1]);
        if (pki_init_cluster(folder, argv[optind + 1], &f) < 0)
                return cli_fail(c, "%s", fail_text(&f));
        if (c->json) {
                cJSON *all = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(all, "cluster", argv[optind + 1]);
                (void)cJSON_AddStringToObject(all, "dir", folder);
                return cli_print_json(all);
        }
        printf("cluster %s has its keys in %s:\n"
               "  ca.crt enrol.key enrol.crt   go on every card, into /etc/bramble/pki\n"
               "  admin.key admin.crt ca.crt   are yours, for agentctl --host NAME --pki %s\n"
               "  ca.key                       stays here: keep it safe, it makes new admins\n",
               cli_safe(argv[optind + 1]), cli_safe(folder), cli_safe(folder));
        return CLI_DONE;
}
