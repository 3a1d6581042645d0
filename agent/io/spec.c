#include "io/spec.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/names.h"
#include "core/call_limits.h"
#include "io/container.h"
#include "io/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool spec_name_ok(const char *name) {
        size_t len = strlen(name);

        if (len < 1 || len >= SIZE_NAME || name[0] == '.' || name[0] == '-' ||
            name[len - 1] == '.' || strstr(name, ".."))
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               len;
}

/* A string field; NULL where it is missing, null or "". -EINVAL for another type. */
static int get_text(const cJSON *o, const char *key, const char **ret, struct fail *f) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        *ret = NULL;
        if (!v || cJSON_IsNull(v))
                return 0;
        if (!cJSON_IsString(v))
                return fail(f, -EINVAL, "%s must be a string", key);
        if (v->valuestring[0])
                *ret = v->valuestring;
        return 0;
}

static int get_names(const cJSON *o, struct spec *s, struct fail *f) {
        const char *name, *namespace, *image;
        int r;

        if ((r = get_text(o, "service", &name, f)) < 0 ||
            (r = get_text(o, "namespace", &namespace, f)) < 0 ||
            (r = get_text(o, "image", &image, f)) < 0)
                return r;
        if (!name)
                return fail(f, -EINVAL, "service (the function's name) is missing");
        if (!spec_name_ok(name))
                return fail(f, -EINVAL,
                            "'%.64s' is no function name: use letters, digits, '-', '_' and '.'",
                            name);
        if (!namespace)
        namespace = "openfaas-fn";
        if (!spec_name_ok(namespace) || strchr(namespace, '.'))
                return fail(f, -EINVAL, "'%.64s' is no namespace: use letters, digits, '-' and '_'",
                            namespace);
        if (!image)
                return fail(f, -EINVAL, "image is missing");
        if (image_normalise(image, s->image) < 0)
                return fail(f, -EINVAL, "'%.80s' is no image name", image);
        (void)str_copy(s->name, sizeof(s->name), name);
        (void)str_copy(s->namespace, sizeof(s->namespace), namespace);
        return 0;
}

static bool env_name_ok(const char *name) {
        if (!name[0] || strchr(name, '='))
                return false;
        for (const char *c = name; *c; c++)
                if (*c <= ' ' || *c > '~')
                        return false;
        return true;
}

static int get_env(const cJSON *o, struct spec *s, struct fail *f) {
        const cJSON *vars = cJSON_GetObjectItemCaseSensitive(o, "envVars"), *v;

        if (!vars || cJSON_IsNull(vars))
                return 0;
        if (!cJSON_IsObject(vars))
                return fail(f, -EINVAL, "envVars must be an object of strings");
        cJSON_ArrayForEach(v, vars) {
                if (!cJSON_IsString(v) || !env_name_ok(v->string))
                        return fail(f, -EINVAL, "envVars: '%.40s' needs a plain name and a string",
                                    v->string);
                if (s->n_env == SPEC_ENV)
                        return fail(f, -E2BIG, "envVars: more than %d", SPEC_ENV);
                if (asprintf(&s->env[s->n_env], "%s=%s", v->string, v->valuestring) < 0) {
                        s->env[s->n_env] = NULL;
                        return -ENOMEM;
                }
                s->n_env++;
        }
        return 0;
}

static int get_resources(const cJSON *o, const char *key, uint64_t *memory, uint32_t *cpu,
                         struct fail *f) {
        const cJSON *res = cJSON_GetObjectItemCaseSensitive(o, key);
        const char *text;
        int r;

        if (!res || cJSON_IsNull(res))
                return 0;
        if (!cJSON_IsObject(res))
                return fail(f, -EINVAL, "%s must be an object with memory and cpu", key);
        r = get_text(res, "memory", &text, f);
        if (r < 0)
                return r;
        if (text && (str_to_bytes(text, memory) < 0 || *memory < 1 << 20))
                return fail(f, -EINVAL,
                            "%s.memory: '%.20s' is no amount of memory from 1Mi up (like 64Mi)",
                            key, text);
        r = get_text(res, "cpu", &text, f);
        if (r < 0)
                return r;
        if (text && cpu && (str_to_millicores(text, cpu) < 0 || *cpu < 10))
                return fail(f, -EINVAL,
                            "%s.cpu: '%.20s' is no amount of CPU from 10m up (like 250m or 1)", key,
                            text);
        return 0;
}

static int get_labels(const cJSON *o, struct spec *s, struct fail *f) {
        const cJSON *labels = cJSON_GetObjectItemCaseSensitive(o, "labels"), *v;
        int r;

        s->scale = AUTOSCALE_DEFAULTS;
        if (!labels || cJSON_IsNull(labels))
                return 0;
        if (!cJSON_IsObject(labels) || cJSON_GetArraySize(labels) > SPEC_LABELS)
                return fail(f, -EINVAL, "labels must be an object of at most %d strings",
                            SPEC_LABELS);
        cJSON_ArrayForEach(v, labels) {
                if (!cJSON_IsString(v))
                        return fail(f, -EINVAL, "label '%.60s' must be a string", v->string);
                r = autoscale_label(&s->scale, v->string, v->valuestring, f);
                if (r < 0)
                        return r;
        }
        return autoscale_check(&s->scale, f);
}

static int get_annotations(const cJSON *o, struct spec *s, struct fail *f) {
        const cJSON *notes = cJSON_GetObjectItemCaseSensitive(o, "annotations");
        const char *pull;
        int r;

        if (!notes || cJSON_IsNull(notes))
                return 0;
        if (!cJSON_IsObject(notes))
                return fail(f, -EINVAL, "annotations must be an object of strings");
        r = get_text(notes, "com.bramble.pull", &pull, f);
        if (r < 0 || !pull)
                return r;
        if (!str_eq(pull, "always") && !str_eq(pull, "missing"))
                return fail(f, -EINVAL, "annotation com.bramble.pull is always or missing");
        s->pull_always = str_eq(pull, "always");
        return 0;
}

bool spec_needs(const struct spec *s, const char *secret) {
        for (size_t i = 0; i < s->n_secrets; i++)
                if (str_eq(s->secrets[i], secret))
                        return true;
        return false;
}

static int get_secrets(const cJSON *o, struct spec *s, struct fail *f) {
        const cJSON *array = cJSON_GetObjectItemCaseSensitive(o, "secrets"), *v;

        if (!array || cJSON_IsNull(array))
                return 0;
        if (!cJSON_IsArray(array))
                return fail(f, -EINVAL, "secrets must be an array of names");
        cJSON_ArrayForEach(v, array) {
                if (!cJSON_IsString(v) || !names_valid(v->valuestring))
                        return fail(f, -EINVAL, "secrets: '%.64s' is no name of a secret",
                                    cJSON_IsString(v) ? v->valuestring : "");
                if (spec_needs(s, v->valuestring))
                        continue;
                if (s->n_secrets == SPEC_SECRETS)
                        return fail(f, -E2BIG, "secrets: more than %d", SPEC_SECRETS);
                s->secrets[s->n_secrets] = strdup(v->valuestring);
                if (!s->secrets[s->n_secrets])
                        return -ENOMEM;
                s->n_secrets++;
        }
        return 0;
}

/* The limits of calls may be labels or annotations; the gateway reads them from there. */
static int check_call_limits(const cJSON *o, const char *key, struct fail *f) {
        struct call_limits limits;
        const cJSON *v;

        call_limits_init(&limits);
        cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(o, key)) {
                const char *value = cJSON_IsString(v) ? v->valuestring : "";

                if (v->string && call_limits_take(&limits, v->string, value, f) < 0)
                        return -EINVAL;
        }
        return 0;
}

static int take_apart(const cJSON *o, struct spec *s, struct fail *f) {
        const cJSON *read_only = cJSON_GetObjectItemCaseSensitive(o, "readOnlyRootFilesystem");
        const char *process;
        int r;

        if ((r = get_names(o, s, f)) < 0 || (r = get_text(o, "envProcess", &process, f)) < 0)
                return r;
        if (process) {
                s->process = strdup(process);
                if (!s->process)
                        return -ENOMEM;
        }
        if (read_only && !cJSON_IsNull(read_only) && !cJSON_IsBool(read_only))
                return fail(f, -EINVAL, "readOnlyRootFilesystem must be true or false");
        s->read_only_root = cJSON_IsTrue(read_only);
        if ((r = get_env(o, s, f)) < 0 || (r = get_secrets(o, s, f)) < 0 ||
            (r = get_labels(o, s, f)) < 0 || (r = get_annotations(o, s, f)) < 0 ||
            (r = check_call_limits(o, "labels", f)) < 0 ||
            (r = check_call_limits(o, "annotations", f)) < 0 ||
            (r = get_resources(o, "limits", &s->memory_limit_bytes, &s->cpu_limit_millicores, f)) <
                    0 ||
            (r = get_resources(o, "requests", &s->memory_request_bytes, NULL, f)) < 0)
                return r;
        if (s->memory_limit_bytes && s->memory_request_bytes > s->memory_limit_bytes)
                return fail(f, -EINVAL, "requests.memory is above limits.memory");
        return 0;
}

int spec_parse(const char *json, size_t len, struct spec *ret, struct fail *f) {
        auto_json cJSON *o = NULL;
        struct spec s = { 0 };
        int r;

        if (len > LIMIT_SPEC_BYTES)
                return fail(f, -E2BIG, "the deployment is larger than %d KB",
                            LIMIT_SPEC_BYTES / 1024);
        r = json_parse_object(json, len, &o, f);
        if (r < 0)
                return r;
        r = take_apart(o, &s, f);
        if (r < 0) {
                spec_done(&s);
                return r;
        }
        *ret = s;
        return 0;
}

void spec_done(struct spec *s) {
        for (size_t i = 0; i < s->n_env; i++)
                free(s->env[i]);
        for (size_t i = 0; i < s->n_secrets; i++)
                free(s->secrets[i]);
        free(s->process);
        *s = (struct spec){ 0 };
}

uint64_t spec_memory(const struct spec *s, uint64_t default_bytes) {
        if (s->memory_request_bytes)
                return s->memory_request_bytes;
        return s->memory_limit_bytes ? s->memory_limit_bytes : default_bytes;
}
