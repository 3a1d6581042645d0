/* /system/alert: the webhook of an AlertManager, which scales functions as a rule of Prometheus
 * says. */
#include "base/str.h"
#include "core/alert.h"
#include "core/route.h"
#include "gateway/agent.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "io/json.h"
#include "io/log.h"

#include <stdlib.h>
#include <string.h>

#define ALERT_NAME "APIHighInvocationRate" /* the rule that people have; others are not for us */

enum { ALERTS_MOST = 256 };

/* One webhook: its alerts one after the other. */
struct alerts {
        struct api_request *q;
        cJSON *body;
        const cJSON *next;
};

static void done(struct alerts *a, unsigned code, const char *error) {
        struct api_request *q = a->q;

        q->state = NULL;
        cJSON_Delete(a->body);
        free(a);
        if (code)
                api_reply_error(q, code, "%s", error);
        else
                api_reply_empty(q, 200, "");
}

static uint32_t label(const cJSON *labels, const char *key, uint32_t fallback) {
        const char *text = json_text(labels, key, NULL);
        uint64_t n;

        return text && str_to_u64(text, UINT32_MAX, &n) == 0 ? (uint32_t)n : fallback;
}

/* What the function of one alert should have; false where it has it, or is none of ours. */
static bool wanted(const struct gateway *g, const cJSON *alert, const struct function **ret,
                   uint32_t *ret_replicas) {
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(alert, "labels"), *labels;
        const char *name = json_text(said, "function_name", "");
        const char *status = json_text(alert, "status", "");
        struct route_function path;
        const struct function *fn;

        if (!str_eq(json_text(said, "alertname", ""), ALERT_NAME) ||
            route_function(&(struct http_text){ name, strlen(name) }, &path) < 0)
                return false;
        fn = functions_find(&g->functions, path.name, path.namespace);
        if (!fn)
                return false;
        labels = cJSON_GetObjectItemCaseSensitive(fn->spec, "labels");
        *ret_replicas = alert_replicas(str_eq(status, "firing"), fn->replicas,
                                       label(labels, "com.openfaas.scale.min", 1),
                                       label(labels, "com.openfaas.scale.max", 20),
                                       label(labels, "com.openfaas.scale.factor", ALERT_FACTOR));
        *ret = fn;
        return *ret_replicas != fn->replicas;
}

static void go_on(struct alerts *a);

static void on_scaled(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct alerts *a = arg;

        (void)reply;
        a->q->asked = NULL;
        if (code && code != 404) /* it was removed meanwhile */
                done(a, code, error);
        else
                go_on(a);
}

static void scale(struct alerts *a, const struct function *fn, uint32_t replicas) {
        cJSON *request = cJSON_CreateObject();

        log_field(LOG_LEVEL_INFO, "BRAMBLE_FUNCTION", fn->name,
                  "an alert scales %s from %u to %u replicas", fn->name, fn->replicas, replicas);
        (void)cJSON_AddStringToObject(request, "verb", "scale");
        (void)cJSON_AddStringToObject(request, "name", fn->name);
        (void)cJSON_AddStringToObject(request, "namespace", fn->namespace);
        (void)cJSON_AddNumberToObject(request, "replicas", replicas);
        (void)cJSON_AddTrueToObject(request, "by_load"); /* a person's number stays the least */
        if (agent_ask(a->q->g->agent, request, on_scaled, a, &a->q->asked) < 0)
                done(a, 503, "The agent of this board cannot be asked now; try again in a moment.");
}

static void go_on(struct alerts *a) {
        while (a->next) {
                const cJSON *alert = a->next;
                const struct function *fn;
                uint32_t replicas;

                a->next = alert->next;
                if (wanted(a->q->g, alert, &fn, &replicas)) {
                        scale(a, fn, replicas);
                        return;
                }
        }
        done(a, 0, "");
}

/* Every alert says which, whether it is firing or over, and what it is about. */
static bool check(const cJSON *list) {
        const cJSON *o;

        if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > ALERTS_MOST)
                return false;
        cJSON_ArrayForEach(o, list) {
                const char *status = json_text(o, "status", "");

                if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(o, "labels")) ||
                    (!str_eq(status, "firing") && !str_eq(status, "resolved")))
                        return false;
        }
        return true;
}

static void forget(void *state) {
        struct alerts *a = state;

        cJSON_Delete(a->body);
        free(a);
}

void api_alert(struct api_request *q) {
        cJSON *body = api_body_json(q);
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "alerts");
        struct alerts *a;

        if (!body)
                return;
        if (!check(list)) {
                cJSON_Delete(body);
                api_reply_error(q, 400,
                                "This is no webhook of an AlertManager: it has 'alerts', each "
                                "with a 'status' (firing or resolved) and 'labels'.");
                return;
        }
        a = calloc(1, sizeof(*a));
        if (!a) {
                cJSON_Delete(body);
                api_reply_error(q, 503, "The gateway is out of memory.");
                return;
        }
        *a = (struct alerts){ .q = q, .body = body, .next = list->child };
        q->state = a;
        q->forget = forget;
        go_on(a);
}
