/* /system/secrets: names come out, values only go in. */
#include "base/str.h"
#include "core/limits.h"
#include "core/route.h"
#include "gateway/api.h"
#include "io/json.h"

#include <errno.h>

void api_secrets_list(struct api_request *q) {
        char namespace[SIZE_NAME];
        int r = route_query(&q->query, "namespace", namespace, sizeof(namespace));
        cJSON *request;

        if (r < 0 && r != -ENOENT) {
                api_reply_error(q, 400, "The namespace in the query is wrong.");
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "secrets");
        if (r == 0)
                (void)cJSON_AddStringToObject(request, "namespace", namespace);
        api_ask_agent_for(q, request, "secrets");
}

/* Copies the field where it is a string; false, and answered, where it is something else. */
static bool copy_text(struct api_request *q, const cJSON *body, const char *key, cJSON *request) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(body, key);

        if (!v || cJSON_IsNull(v))
                return true;
        if (!cJSON_IsString(v)) {
                api_reply_error(q, 400, "'%s' has to be a string.", key);
                return false;
        }
        (void)cJSON_AddStringToObject(request, key, v->valuestring);
        return true;
}

void api_secrets_change(struct api_request *q) {
        cJSON *body = api_body_json(q), *request;
        bool set = q->method != API_DELETE, good;

        if (!body)
                return;
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", set ? "secret-set" : "secret-remove");
        good = copy_text(q, body, "name", request) && copy_text(q, body, "namespace", request) &&
               (!set ||
                (copy_text(q, body, "value", request) && copy_text(q, body, "rawValue", request)));
        json_wipe(body);
        cJSON_Delete(body);
        if (!good) {
                json_wipe(request);
                cJSON_Delete(request);
                return;
        }
        if (set) {
                (void)cJSON_AddBoolToObject(request, "only_new", q->method == API_POST);
                (void)cJSON_AddBoolToObject(request, "only_existing", q->method == API_PUT);
        }
        api_ask_agent(q, request, q->method == API_POST ? 201 : 202);
}
