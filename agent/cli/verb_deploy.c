/* verb_deploy - makes or updates a function and waits until it answers. */
#include "base/str.h"
#include "cli/verbs.h"
#include "core/limits.h"
#include "io/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
        OPT_IMAGE = 256,
        OPT_REPLICAS,
        OPT_PROCESS,
        OPT_ENV,
        OPT_LABEL,
        OPT_SECRET,
        OPT_MEMORY,
        OPT_CPU,
        OPT_NAMESPACE,
        OPT_READ_ONLY,
        OPT_NO_WAIT
};

static cJSON *object_of(cJSON *o, const char *key) {
        cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return v ? v : cJSON_AddObjectToObject(o, key);
}

/* NAME=VALUE into an object of strings. */
static bool add_pair(cJSON *o, const char *key, const char *pair) {
        const char *equals = strchr(pair, '=');
        char name[256];

        if (!equals || str_copy_n(name, sizeof(name), pair, (size_t)(equals - pair)) < 0 ||
            !name[0])
                return false;
        cJSON_DeleteItemFromObjectCaseSensitive(object_of(o, key), name);
        (void)cJSON_AddStringToObject(object_of(o, key), name, equals + 1);
        return true;
}

static bool add_secret(cJSON *o, const char *name) {
        cJSON *array = cJSON_GetObjectItemCaseSensitive(o, "secrets");

        if (!array)
                array = cJSON_AddArrayToObject(o, "secrets");
        return name[0] && cJSON_AddItemToArray(array, cJSON_CreateString(name));
}

/* One option into the spec.  NULL, or what is wrong with it. */
static const char *take_option(cJSON *spec, int option, const char *value, uint64_t *replicas,
                               bool *wait) {
        switch (option) {
        case OPT_IMAGE:
                (void)cJSON_AddStringToObject(spec, "image", value);
                return NULL;
        case OPT_REPLICAS:
                if (str_to_u64(value, LIMIT_REPLICAS, replicas) < 0)
                        return "--replicas takes a number";
                return NULL;
        case OPT_PROCESS:
                (void)cJSON_AddStringToObject(spec, "envProcess", value);
                return NULL;
        case OPT_ENV:
                return add_pair(spec, "envVars", value) ? NULL : "--env takes NAME=VALUE";
        case OPT_LABEL:
                return add_pair(spec, "labels", value) ? NULL : "--label takes NAME=VALUE";
        case OPT_SECRET:
                return add_secret(spec, value) ? NULL : "--secret takes a name";
        case OPT_MEMORY:
                (void)cJSON_AddStringToObject(object_of(spec, "limits"), "memory", value);
                return NULL;
        case OPT_CPU:
                (void)cJSON_AddStringToObject(object_of(spec, "limits"), "cpu", value);
                return NULL;
        case OPT_NAMESPACE:
                (void)cJSON_AddStringToObject(spec, "namespace", value);
                return NULL;
        case OPT_READ_ONLY:
                (void)cJSON_AddTrueToObject(spec, "readOnlyRootFilesystem");
                return NULL;
        case OPT_NO_WAIT:
                *wait = false;
                return NULL;
        default:
                return "this option is not known";
        }
}

int verb_deploy(const struct cli *c, int argc, char **argv) {
        static const struct option options[] = {
                { "image", required_argument, NULL, OPT_IMAGE },
                { "replicas", required_argument, NULL, OPT_REPLICAS },
                { "fprocess", required_argument, NULL, OPT_PROCESS },
                { "env", required_argument, NULL, OPT_ENV },
                { "label", required_argument, NULL, OPT_LABEL },
                { "secret", required_argument, NULL, OPT_SECRET },
                { "memory", required_argument, NULL, OPT_MEMORY },
                { "cpu", required_argument, NULL, OPT_CPU },
                { "namespace", required_argument, NULL, OPT_NAMESPACE },
                { "read-only", no_argument, NULL, OPT_READ_ONLY },
                { "no-wait", no_argument, NULL, OPT_NO_WAIT },
                { 0 }
        };
        cJSON *spec = cJSON_CreateObject(), *request, *reply;
        char name[SIZE_NAME], namespace[SIZE_NAME];
        const char *wrong = NULL;
        uint64_t replicas = UINT64_MAX, generation;
        bool wait = true;
        int o, r;

        while (!wrong && (o = getopt_long(argc, argv, "", options, NULL)) != -1)
                wrong = take_option(spec, o, optarg, &replicas, &wait);
        if (!wrong && optind + 1 != argc)
                wrong = "deploy takes one NAME";
        if (!wrong && !cJSON_GetObjectItemCaseSensitive(spec, "image"))
                wrong = "deploy needs --image IMAGE";
        if (wrong) {
                cJSON_Delete(spec);
                return cli_misused(c, argv[0], "%s", wrong);
        }
        (void)str_copy(name, sizeof(name), "");
        (void)str_copy(name, sizeof(name), argv[optind]);
        (void)str_copy(namespace, sizeof(namespace), json_text(spec, "namespace", "openfaas-fn"));
        (void)cJSON_AddStringToObject(spec, "service", argv[optind]);
        request = cli_request("deploy");
        (void)cJSON_AddItemToObject(request, "spec", spec);
        if (replicas != UINT64_MAX)
                (void)cJSON_AddNumberToObject(request, "replicas", (double)replicas);
        r = cli_ask(c, request, NULL, NULL, &reply);
        if (r != CLI_DONE)
                return r;
        if (c->json && !wait)
                return cli_print_json(reply);
        generation = cli_generation(reply);
        cJSON_Delete(reply);
        if (!wait) {
                printf("%s is deployed\n", cli_safe(name));
                return CLI_DONE;
        }
        return cli_wait_ready(c, name, namespace, generation, true);
}
