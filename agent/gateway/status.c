#include "gateway/status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Fields of a FunctionDeployment that come back; anything else in it may be a secret. */
static const char *const fields[] = { "envProcess",  "envVars",
                                      "constraints", "secrets",
                                      "annotations", "limits",
                                      "requests",    "readOnlyRootFilesystem" };

static bool is_empty(const cJSON *v) {
        if (!v || cJSON_IsNull(v) || cJSON_IsFalse(v))
                return true;
        if (cJSON_IsObject(v) || cJSON_IsArray(v))
                return v->child == NULL;
        if (cJSON_IsString(v))
                return v->valuestring[0] == '\0';
        return cJSON_IsNumber(v) && v->valuedouble == 0;
}

static bool add(cJSON *o, const char *key, cJSON *v) {
        if (v && cJSON_AddItemToObject(o, key, v))
                return true;
        cJSON_Delete(v);
        return false;
}

static bool add_spec(cJSON *o, const cJSON *spec) {
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
                const cJSON *v = cJSON_GetObjectItemCaseSensitive(spec, fields[i]);

                if (!is_empty(v) && !add(o, fields[i], cJSON_Duplicate(v, true)))
                        return false;
        }
        return true;
}

/* 'faas-cli describe' shows annotations: what is wrong is one as long as it is wrong. */
static bool add_reason(cJSON *o, const struct function *fn) {
        cJSON *annotations = cJSON_GetObjectItemCaseSensitive(o, "annotations");

        if (!fn->reason[0] || fn->available >= fn->replicas)
                return true;
        if (!cJSON_IsObject(annotations)) {
                cJSON_DeleteItemFromObjectCaseSensitive(o, "annotations");
                annotations = cJSON_AddObjectToObject(o, "annotations");
        }
        cJSON_DeleteItemFromObjectCaseSensitive(annotations, "bramble.reason");
        return cJSON_AddStringToObject(annotations, "bramble.reason", fn->reason) != NULL;
}

/* Prometheus and the tools around find a function by this label. */
static bool add_labels(cJSON *o, const struct function *fn) {
        const cJSON *given = cJSON_GetObjectItemCaseSensitive(fn->spec, "labels");
        cJSON *labels = cJSON_IsObject(given) ? cJSON_Duplicate(given, true) : cJSON_CreateObject();

        cJSON_DeleteItemFromObjectCaseSensitive(labels, "faas_function");
        return cJSON_AddStringToObject(labels, "faas_function", fn->name)
                       ? add(o, "labels", labels)
                       : (cJSON_Delete(labels), false);
}

static bool add_created(cJSON *o, int64_t created) {
        time_t seconds = (time_t)created;
        char text[32];
        struct tm utc;

        if (created <= 0 || !gmtime_r(&seconds, &utc) ||
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
                return true;
        return cJSON_AddStringToObject(o, "createdAt", text) != NULL;
}

static bool add_counts(cJSON *o, const struct function *fn) {
        uint64_t calls = function_invocations(fn);

        /* scaling to zero is seen at once, though its last replica may still be stopping */
        uint32_t available = fn->replicas < fn->available ? fn->replicas : fn->available;

        if (calls > 0 && !cJSON_AddNumberToObject(o, "invocationCount", (double)calls))
                return false;
        return cJSON_AddNumberToObject(o, "replicas", fn->replicas) &&
               cJSON_AddNumberToObject(o, "availableReplicas", available);
}

cJSON *status_json(const struct function *fn) {
        const cJSON *image = cJSON_GetObjectItemCaseSensitive(fn->spec, "image");
        cJSON *o = cJSON_CreateObject();

        if (o && cJSON_AddStringToObject(o, "name", fn->name) &&
            cJSON_AddStringToObject(o, "image",
                                    cJSON_IsString(image) ? image->valuestring : fn->image) &&
            cJSON_AddStringToObject(o, "namespace", fn->namespace) && add_spec(o, fn->spec) &&
            add_reason(o, fn) && add_labels(o, fn) && add_counts(o, fn) &&
            add_created(o, fn->created))
                return o;
        cJSON_Delete(o);
        return NULL;
}
