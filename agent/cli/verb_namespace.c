/* verb_namespace - the namespaces that functions are in. */
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <stdio.h>

static int list(const struct cli *c) {
        cJSON *o, *names, *n;
        int r = cli_ask(c, cli_request("namespaces"), NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        names = cJSON_DetachItemFromObjectCaseSensitive(o, "namespaces");
        cJSON_Delete(o);
        if (c->json)
                return cli_print_json(names);
        cJSON_ArrayForEach(n, names) {
                printf("%s\n", cJSON_IsString(n) ? cli_safe(n->valuestring) : "?");
        }
        cJSON_Delete(names);
        return CLI_DONE;
}

static int change(const struct cli *c, const char *name, bool create) {
        cJSON *request = cli_request(create ? "namespace-set" : "namespace-remove"), *o;
        int r;

        (void)cJSON_AddStringToObject(request, "name", name);
        if (create)
                (void)cJSON_AddTrueToObject(request, "only_new");
        r = cli_ask(c, request, NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        cJSON_Delete(o);
        printf("%s is %s\n", cli_safe(name), create ? "created" : "removed");
        return CLI_DONE;
}

int verb_namespace(const struct cli *c, int argc, char **argv) {
        if (argc == 2 && str_eq(argv[1], "list"))
                return list(c);
        if (argc == 3 && str_eq(argv[1], "create"))
                return change(c, argv[2], true);
        if (argc == 3 && str_eq(argv[1], "remove"))
                return change(c, argv[2], false);
        return cli_misused(c, argv[0], "namespace takes list, or create or remove and a NAME");
}
