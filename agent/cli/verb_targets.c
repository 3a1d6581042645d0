/* verb_targets - where Prometheus finds the boards, in the form of its file_sd_configs. */
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { DEFAULT_PORT = 8080 };

/* {"targets":["192.168.1.5:8080"],"labels":{"board":"m1"}}; NULL for a board without an address. */
static cJSON *target(const cJSON *node, unsigned port) {
        const char *address = json_text(node, "address", ""), *name = json_text(node, "name", "");
        bool is_v6 = strchr(address, ':') != NULL;
        cJSON *o, *targets;
        char text[80];

        if (!address[0] || !name[0])
                return NULL;
        (void)snprintf(text, sizeof(text), is_v6 ? "[%.48s]:%u" : "%.48s:%u", address, port);
        o = cJSON_CreateObject();
        targets = cJSON_AddArrayToObject(o, "targets");
        (void)cJSON_AddItemToArray(targets, cJSON_CreateString(text));
        (void)cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "labels"), "board", name);
        return o;
}

int verb_targets(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = { { "port", required_argument, NULL, 'p' }, { 0 } };
        cJSON *status, *list;
        uint64_t port = DEFAULT_PORT;
        const cJSON *node;
        int o, r;

        while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
                if (o != 'p' || str_to_u64(optarg, 65535, &port) < 0 || port == 0)
                        return cli_misused(c, argv[0], "--port takes the port of the gateways");
        if (optind < argc)
                return cli_misused(c, argv[0], "targets takes no arguments");
        r = cli_ask(c, cli_request("status"), NULL, NULL, &status);
        if (r != CLI_DONE)
                return r;
        if (!json_text(status, "leader", "")[0]) {
                cJSON_Delete(status);
                return cli_fail(c, "nobody leads this bramble right now, so nobody knows where all "
                                   "its boards are: try again in a moment");
        }
        list = cJSON_CreateArray();
        cJSON_ArrayForEach(node, cJSON_GetObjectItemCaseSensitive(status, "nodes")) {
                cJSON *t = target(node, (unsigned)port);

                if (t)
                        (void)cJSON_AddItemToArray(list, t);
        }
        cJSON_Delete(status);
        return cli_print_json(list);
}
