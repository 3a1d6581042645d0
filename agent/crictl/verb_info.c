/* verb_info - what the runtime is and how it is. */
#include "crictl/crictl.h"

#include "base/buf.h"
#include "base/str.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static cJSON *condition_json(const struct cri_condition *k) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "type", k->type);
        (void)cJSON_AddBoolToObject(o, "status", k->good);
        (void)cJSON_AddStringToObject(o, "reason", k->reason);
        (void)cJSON_AddStringToObject(o, "message", k->message);
        return o;
}

/* The value of an info entry: mostly JSON of any kind, else plain text. */
static cJSON *value_json(const char *text) {
        auto_buf struct buf whole = { 0 };
        cJSON *o, *value;

        if (buf_printf(&whole, "{\"value\":%s}", text) < 0 ||
            json_parse_object(whole.data, whole.len, &o, NULL) < 0)
                return cJSON_CreateString(text);
        value = cJSON_DetachItemFromObjectCaseSensitive(o, "value");
        if (o->child) { /* it only looked like JSON */
                cJSON_Delete(value);
                value = cJSON_CreateString(text);
        }
        cJSON_Delete(o);
        return value;
}

/* {"status": {"conditions": [...]}, "config": {...}, "golang": "go1.19", ...} */
static cJSON *info_json(const struct cri_status *s) {
        cJSON *o = cJSON_CreateObject(), *list;

        list = cJSON_AddArrayToObject(cJSON_AddObjectToObject(o, "status"), "conditions");
        for (size_t i = 0; i < s->n_conditions; i++)
                (void)cJSON_AddItemToArray(list, condition_json(&s->conditions[i]));
        for (size_t i = 0; i < s->n_info; i++)
                (void)cJSON_AddItemToObject(o, s->info[i].key, value_json(s->info[i].value));
        return o;
}

/* The value that the template names, as text; nothing where there is none. */
static void print_value(const cJSON *o, const char *template) {
        const char *at = NULL;
        char key[64];

        while (o && options_template_key(template, &at, key, sizeof(key)) == 1)
                o = cJSON_GetObjectItemCaseSensitive(o, key);
        if (!o)
                return;
        if (cJSON_IsString(o)) {
                printf("%s\n", crictl_safe(o->valuestring));
        } else {
                char *text = cJSON_PrintUnformatted(o);

                printf("%s\n", str_or(text, ""));
                cJSON_free(text);
        }
}

static void on_status(void *arg, int result, const char *why, const struct cri_status *s) {
        struct crictl *c = arg;
        cJSON *o;

        if (result == 0 && c->o->template) {
                o = info_json(s);
                print_value(o, c->o->template);
                cJSON_Delete(o);
        } else if (result == 0 && crictl_print_json(info_json(s)) != CRICTL_DONE) {
                result = -ENOMEM;
        }
        crictl_end(c, result, why);
}

int verb_info(struct crictl *c, char **names) {
        (void)names;
        return crictl_wait(c, cri_status(c->cri, on_status, c), "ask for the runtime's status",
                           NULL);
}

static void on_version(void *arg, int result, const char *why, const struct cri_version *v) {
        if (result == 0)
                printf("Version:  %s\nRuntimeName:  %s\nRuntimeVersion:  %s\n"
                       "RuntimeApiVersion:  %s\n",
                       crictl_safe(v->version), crictl_safe(v->runtime_name),
                       crictl_safe(v->runtime_version), crictl_safe(v->runtime_api_version));
        crictl_end(arg, result, why);
}

int verb_version(struct crictl *c, char **names) {
        (void)names;
        return crictl_wait(c, cri_version(c->cri, on_version, c), "ask for the runtime's version",
                           NULL);
}
