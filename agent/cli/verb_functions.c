/* verb_functions - list, scale and remove functions. */
#include "base/str.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "core/limits.h"
#include "io/json.h"

#include <stdio.h>
#include <string.h>

static unsigned count(const cJSON *o, const char *key) {
        uint64_t n;

        return json_number(o, key, 1000000000, &n) == 0 ? (unsigned)n : 0;
}

/* "w1 w2 w2": where the replicas are. */
static void placements(const cJSON *f, char *dst, size_t size) {
        const cJSON *p;
        size_t len = 0;

        dst[0] = '\0';
        cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(f, "placements")) {
                int n = snprintf(dst + len, size - len, "%s%s", len ? " " : "",
                                 cli_safe(json_text(p, "node", "?")));

                if (n < 0 || (size_t)n >= size - len)
                        return;
                len += (size_t)n;
        }
}

static void function_row(struct table *t, const cJSON *f) {
        unsigned wanted = count(f, "replicas"), ready = count(f, "available_replicas");
        char where[TABLE_CELL];

        placements(f, where, sizeof(where));
        table_row(t);
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(f, "name", "?")));
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(f, "namespace", "?")));
        table_cell(t, ready < wanted ? TABLE_WARN : TABLE_PLAIN, "%u of %u", ready, wanted);
        table_cell(t, TABLE_PLAIN, "%u", count(f, "invocations"));
        table_cell(t, TABLE_PLAIN, "%s", where[0] ? where : "-");
        table_cell(t, TABLE_PLAIN, "%s", cli_safe(json_text(f, "image", "?")));
}

int verb_functions(const struct cli *c, int argc, char **argv) {
        static const char *const titles[] = { "NAME",  "NAMESPACE", "READY", "CALLS",
                                              "WHERE", "IMAGE",     NULL };
        cJSON *o, *functions, *f;
        struct table *t;
        int r;

        (void)argc;
        (void)argv;
        r = cli_ask(c, cli_request("functions"), NULL, NULL, &o);
        if (r != CLI_DONE)
                return r;
        functions = cJSON_DetachItemFromObjectCaseSensitive(o, "functions");
        cJSON_Delete(o);
        if (c->json)
                return cli_print_json(functions);
        if (cJSON_GetArraySize(functions) == 0)
                printf("no functions yet: agentctl deploy NAME --image IMAGE (agentctl push IMAGE "
                       "brings one from this computer)\n");
        t = cJSON_GetArraySize(functions) > 0 ? table_new(titles) : NULL;
        cJSON_ArrayForEach(f, functions) {
                function_row(t, f);
        }
        if (t)
                table_print(t);
        cJSON_ArrayForEach(f, functions) {
                const char *reason = json_text(f, "reason", "");

                if (reason[0])
                        printf("%s: %s\n", cli_safe(json_text(f, "name", "?")), cli_safe(reason));
        }
        cJSON_Delete(functions);
        return CLI_DONE;
}

/* NAME or NAME.NAMESPACE, as the gateway has it. */
static cJSON *function_request(const char *verb, const char *function) {
        cJSON *o = cli_request(verb);
        const char *dot = strrchr(function, '.');
        char name[SIZE_NAME * 2];

        if (dot && str_copy_n(name, sizeof(name), function, (size_t)(dot - function)) == 0) {
                (void)cJSON_AddStringToObject(o, "name", name);
                (void)cJSON_AddStringToObject(o, "namespace", dot + 1);
        } else {
                (void)cJSON_AddStringToObject(o, "name", function);
        }
        return o;
}

static int ask_and_say(const struct cli *c, cJSON *request, const char *said) {
        cJSON *o;
        int r = cli_ask(c, request, NULL, NULL, &o);

        if (r != CLI_DONE)
                return r;
        if (c->json)
                return cli_print_json(o);
        cJSON_Delete(o);
        printf("%s\n", said);
        return CLI_DONE;
}

int verb_scale(const struct cli *c, int argc, char **argv) {
        char said[160];
        uint64_t replicas;
        cJSON *o;

        (void)argc;
        if (str_to_u64(argv[2], LIMIT_REPLICAS, &replicas) < 0)
                return cli_misused(c, argv[0], "'%s' is no number of replicas (0 to %d)",
                                   cli_safe(argv[2]), LIMIT_REPLICAS);
        o = function_request("scale", argv[1]);
        (void)cJSON_AddNumberToObject(o, "replicas", (double)replicas);
        (void)snprintf(said, sizeof(said), "%.80s has %u replicas now", cli_safe(argv[1]),
                       (unsigned)replicas);
        return ask_and_say(c, o, said);
}

int verb_remove(const struct cli *c, int argc, char **argv) {
        char said[160];

        (void)argc;
        (void)snprintf(said, sizeof(said), "%.80s is removed", cli_safe(argv[1]));
        return ask_and_say(c, function_request("remove", argv[1]), said);
}
