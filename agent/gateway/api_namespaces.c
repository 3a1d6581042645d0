/* /system/namespaces and /system/namespace/NAME: where functions are. */
#include "base/str.h"
#include "core/limits.h"
#include "gateway/api.h"
#include "io/json.h"

#include <string.h>

static cJSON *ask(const char *verb) {
        cJSON *request = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(request, "verb", verb);
        return request;
}

void api_namespaces_list(struct api_request *q) {
        api_ask_agent_for(q, ask("namespaces"), "namespaces");
}

/* The path's name, else the body's.  False, and answered, where there is none or there are two. */
static bool get_name(struct api_request *q, const cJSON *body, char ret[static SIZE_NAME]) {
        const char *in_body = json_text(body, "name", "");

        ret[0] = '\0';
        if (q->rest.len == 0 ? str_copy(ret, SIZE_NAME, in_body) < 0
                             : str_copy_n(ret, SIZE_NAME, q->rest.at, q->rest.len) < 0) {
                api_reply_error(q, 400, "The name of a namespace has at most %d characters.",
                                SIZE_NAME - 1);
                return false;
        }
        if (in_body[0] && !str_eq(in_body, ret)) {
                api_reply_error(q, 400, "'name' is another namespace than the path's.");
                return false;
        }
        if (ret[0])
                return true;
        api_reply_error(q, 400, "The name of a namespace is missing.");
        return false;
}

void api_namespace_show(struct api_request *q) {
        char name[SIZE_NAME];
        cJSON *request;

        if (!get_name(q, NULL, name))
                return;
        request = ask("namespace");
        (void)cJSON_AddStringToObject(request, "name", name);
        api_ask_agent_for(q, request, "namespace");
}

void api_namespace_set(struct api_request *q) {
        static const char *const maps[] = { "annotations", "labels" };
        auto_json cJSON *body = api_body_json(q);
        char name[SIZE_NAME];
        cJSON *request;

        if (!body || !get_name(q, body, name))
                return;
        request = ask("namespace-set");
        (void)cJSON_AddStringToObject(request, "name", name);
        for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
                cJSON *map = cJSON_DetachItemFromObjectCaseSensitive(body, maps[i]);

                if (map)
                        (void)cJSON_AddItemToObject(request, maps[i], map);
        }
        (void)cJSON_AddBoolToObject(request, "only_new", q->method == API_POST);
        (void)cJSON_AddBoolToObject(request, "only_existing", q->method == API_PUT);
        api_ask_agent(q, request, q->method == API_POST ? 201 : 202);
}

/* faas-cli sends the name in the path and again in a body. */
void api_namespace_remove(struct api_request *q) {
        char name[SIZE_NAME];
        cJSON *request;

        if (!get_name(q, NULL, name))
                return;
        request = ask("namespace-remove");
        (void)cJSON_AddStringToObject(request, "name", name);
        api_ask_agent(q, request, 202);
}
