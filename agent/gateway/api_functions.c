/* /system/functions: what there is, deploying, removing. */
#include "base/str.h"
#include "core/names.h"
#include "core/route.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "gateway/status.h"
#include "io/json.h"

#include <errno.h>
#include <string.h>

void api_functions_list(struct api_request *q) {
        const struct functions *fs = &q->g->functions;
        char namespace[SIZE_NAME];
        int r = route_query(&q->query, "namespace", namespace, sizeof(namespace));
        cJSON *list;

        if (r < 0 && r != -ENOENT) {
                api_reply_error(q, 400, "The namespace in the query is wrong.");
                return;
        }
        if (r == -ENOENT || !namespace[0])
                (void)str_copy(namespace, sizeof(namespace), ROUTE_NAMESPACE);
        list = cJSON_CreateArray();
        for (size_t i = 0; i < fs->n; i++) {
                if (!str_eq(fs->items[i]->namespace, namespace))
                        continue;
                if (!cJSON_AddItemToArray(list, status_json(fs->items[i]))) {
                        cJSON_Delete(list);
                        list = NULL; /* answered as out of memory */
                        break;
                }
        }
        api_reply_json(q, 200, list);
}

/* The agent checks the rest: here only that there is something to ask it. */
void api_functions_deploy(struct api_request *q) {
        cJSON *spec = api_body_json(q), *request;

        if (!spec)
                return;
        if (!json_text(spec, "service", "")[0] || !json_text(spec, "image", "")[0]) {
                cJSON_Delete(spec);
                api_reply_error(q, 400, "A deployment needs a 'service' and an 'image'.");
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "deploy");
        (void)cJSON_AddItemToObject(request, "spec", spec);
        (void)cJSON_AddBoolToObject(request, "only_new", false);
        (void)cJSON_AddBoolToObject(request, "only_existing", q->method == API_PUT);
        api_ask_agent(q, request, 202);
}

void api_functions_remove(struct api_request *q) {
        auto_json cJSON *body = api_body_json(q);
        const char *name, *namespace;
        struct route_function path;
        cJSON *request;

        if (!body)
                return;
        name = json_text(body, "functionName", "");
        namespace = json_text(body, "namespace", "");
        if (route_function(&(struct http_text){ name, strlen(name) }, &path) < 0 ||
            path.rest.len > 0) {
                api_reply_error(q, 400, "'functionName' has to be the name of a function.");
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "remove");
        (void)cJSON_AddStringToObject(request, "name", namespace[0] ? name : path.name);
        (void)cJSON_AddStringToObject(request, "namespace",
                                      namespace[0] ? namespace : path.namespace);
        api_ask_agent(q, request, 202);
}
