/* verb_store - the functions that come with bramble: which there are, and one of them deployed. */
#include "base/str.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(const struct cli *c) {
        const cJSON *f;
        cJSON *o;
        int r = cli_ask(c, cli_request("store"), NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        printf("%-18s %s\n", "FUNCTION", "WHAT IT DOES");
        cJSON_ArrayForEach(f, cJSON_GetObjectItemCaseSensitive(o, "functions")) {
                printf("%-18s %s\n", cli_safe(json_text(f, "name", "?")),
                       cli_safe(json_text(f, "description", "")));
        }
        cJSON_Delete(o);
        return CLI_DONE;
}

static const cJSON *find(const cJSON *list, const char *name) {
        const cJSON *f;

        cJSON_ArrayForEach(f, cJSON_GetObjectItemCaseSensitive(list, "functions")) {
                if (str_eq(json_text(f, "name", ""), name))
                        return f;
        }
        return NULL;
}

/* Hands over to `deploy`: its options stand behind what the store says. */
static int deploy_as(const struct cli *c, const cJSON *f, const char *name, int argc, char **argv) {
        const cJSON *image = cJSON_GetObjectItemCaseSensitive(f, "images");
        const char *process = json_text(f, "fprocess", "");
        char **args = calloc((size_t)argc + 8, sizeof(*args));
        int n = 0, r;

        image = image ? image->child : NULL; /* they are the same for all boards */
        if (!args || !cJSON_IsString(image)) {
                free(args);
                return cli_fail(
                        c,
                        "the store does not say which image %s is: %s version, is the agent older?",
                        cli_safe(name), c->program);
        }
        args[n++] = (char *)"deploy";
        args[n++] = (char *)"--image";
        args[n++] = image->valuestring;
        if (process[0]) {
                args[n++] = (char *)"--fprocess";
                args[n++] = (char *)process;
        }
        if (json_bool(f, "readOnlyRootFilesystem"))
                args[n++] = (char *)"--read-only";
        for (int i = 0; i < argc; i++)
                args[n++] = argv[i];
        r = verb_deploy(c, n, args);
        free(args);
        return r;
}

/* store deploy NAME [OPTION...]; --name is what it is called here. */
static int deploy(const struct cli *c, int argc, char **argv) {
        const char *wanted = argc > 0 ? argv[0] : "";
        char *called = argc > 0 ? argv[0] : NULL;
        const cJSON *f;
        cJSON *o;
        int n = 0, r;

        if (!wanted[0] || wanted[0] == '-')
                return cli_misused(c, "store", "store deploy takes a NAME first");
        for (int i = 1; i < argc; i++) {
                if (str_eq(argv[i], "--name") && i + 1 < argc)
                        called = argv[++i];
                else
                        argv[n++] = argv[i];
        }
        argv[n++] = called;
        r = cli_ask(c, cli_request("store"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        f = find(o, wanted);
        r = f ? deploy_as(c, f, wanted, n, argv)
              : cli_fail(c, "the store has no function '%s': %s store list", cli_safe(wanted),
                         c->program);
        cJSON_Delete(o);
        return r;
}

int verb_store(const struct cli *c, int argc, char **argv) {
        if (str_eq(argv[1], "list") && argc == 2)
                return list(c);
        if (str_eq(argv[1], "deploy"))
                return deploy(c, argc - 2, argv + 2);
        return cli_misused(c, argv[0], "store takes list, or deploy NAME");
}
