/* verb_complete - the names that a shell offers when Tab is pressed, one a line.  Not in the usage:
 * only the shells' completion calls it. */
#include "base/str.h"
#include "base/scope.h"
#include "cli/verbs.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_SEC = 2 }; /* who has pressed Tab waits no longer */

static const struct {
        const char *kind, *verb, *array;
} kinds[] = {
        { "boards", "status", "nodes" },     { "functions", "functions", "functions" },
        { "images", "images", "images" },    { "namespaces", "namespaces", "namespaces" },
        { "secrets", "secrets", "secrets" }, { "store", "store", "functions" },
};

/* bash expands what it is given ("$(...)" too), so nothing else may come through. */
static bool harmless(const char *name) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                "._-/:@";

        return name[0] && name[0] != '-' && strspn(name, letters) == strlen(name);
}

int verb_complete(const struct cli *c, int argc, char **argv) {
        const cJSON *o;
        cJSON *reply;

        (void)argc;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (!str_eq(argv[1], kinds[i].kind))
                        continue;
                (void)alarm(PATIENCE_SEC);
                if (cli_ask(c, cli_request(kinds[i].verb), NULL, NULL, &reply) != CLI_DONE)
                        return CLI_FAILED;
                cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(reply, kinds[i].array)) {
                        const char *name =
                                cJSON_IsString(o) ? o->valuestring : json_text(o, "name", "");

                        if (harmless(name))
                                printf("%s\n", name);
                }
                cJSON_Delete(reply);
                return CLI_DONE;
        }
        return cli_misused(c, argv[0],
                           "complete knows boards, functions, images, namespaces, "
                           "secrets and store");
}
