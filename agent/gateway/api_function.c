/* /system/function/NAME and /system/scale-function/NAME: one function. */
#include "base/str.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "gateway/status.h"
#include "io/json.h"

void api_function_show(struct api_request *q) {
        char name[SIZE_NAME], namespace[SIZE_NAME];
        const struct function *fn;

        if (!api_function_name(q, NULL, name, namespace))
                return;
        fn = functions_find(&q->g->functions, name, namespace);
        if (fn)
                api_reply_json(q, 200, status_json(fn));
        else
                api_reply_error(q, 404, "There is no function '%s' in the namespace '%s'.", name,
                                namespace);
}

void api_function_scale(struct api_request *q) {
        char name[SIZE_NAME], namespace[SIZE_NAME];
        auto_json cJSON *body = api_body_json(q);
        cJSON *request;
        uint64_t replicas;

        if (!body || !api_function_name(q, body, name, namespace))
                return;
        if (!str_eq(json_text(body, "serviceName", name), name)) {
                api_reply_error(q, 400, "'serviceName' is another function than the path's.");
                return;
        }
        if (json_number(body, "replicas", LIMIT_REPLICAS, &replicas) < 0) {
                api_reply_error(q, 400, "'replicas' has to be a number from 0 to %d.",
                                LIMIT_REPLICAS);
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "scale");
        (void)cJSON_AddStringToObject(request, "name", name);
        (void)cJSON_AddStringToObject(request, "namespace", namespace);
        (void)cJSON_AddNumberToObject(request, "replicas", (double)replicas);
        api_ask_agent(q, request, 202);
}
