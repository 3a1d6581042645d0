/* /system/function/NAME and /system/scale-function/NAME: one function. */
#include "base/str.h"
#include "core/route.h"
#include "gateway/agent.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "gateway/status.h"
#include "io/json.h"

static void show(struct api_request *q, const cJSON *usage) {
        char name[SIZE_NAME], namespace[SIZE_NAME];
        const struct function *fn;
        cJSON *o;

        if (!api_function_name(q, NULL, name, namespace))
                return;
        fn = functions_find(&q->g->functions, name, namespace);
        if (!fn) {
                api_reply_error(q, 404, "There is no function '%s' in the namespace '%s'.", name,
                                namespace);
                return;
        }
        o = status_json(fn);
        if (o && usage)
                (void)cJSON_AddItemToObject(o, "usage", cJSON_Duplicate(usage, true));
        api_reply_json(q, 200, o);
}

/* Who leads knows what the replicas use; without it the rest is still worth showing. */
static void on_usage(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct api_request *q = arg;

        (void)error;
        q->asked = NULL;
        show(q, code == 0 ? reply : NULL);
}

static bool wants_usage(const struct api_request *q) {
        char text[8];

        return route_query(&q->query, "usage", text, sizeof(text)) == 0 &&
               (str_eq(text, "1") || str_eq(text, "true"));
}

void api_function_show(struct api_request *q) {
        char name[SIZE_NAME], namespace[SIZE_NAME];
        cJSON *request;

        if (!wants_usage(q)) {
                show(q, NULL);
                return;
        }
        if (!api_function_name(q, NULL, name, namespace))
                return;
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "usage");
        (void)cJSON_AddStringToObject(request, "name", name);
        (void)cJSON_AddStringToObject(request, "namespace", namespace);
        if (agent_ask(q->g->agent, request, on_usage, q, &q->asked) < 0)
                show(q, NULL);
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
