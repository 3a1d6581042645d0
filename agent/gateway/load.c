#include "gateway/load.h"

#include "gateway/gateway.h"

static bool is_busy(const struct function *fn) {
        return fn->unsent > 0 || fn->n_waiting > 0 || function_in_flight(fn) > 0;
}

static void add(cJSON *calls, struct function *fn) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "name", fn->name);
        (void)cJSON_AddStringToObject(o, "namespace", fn->namespace);
        (void)cJSON_AddNumberToObject(o, "count", (double)fn->unsent);
        (void)cJSON_AddNumberToObject(o, "in_flight", function_in_flight(fn));
        (void)cJSON_AddNumberToObject(o, "waiting", fn->n_waiting);
        (void)cJSON_AddItemToArray(calls, o);
}

cJSON *load_collect(struct gateway *g, uint64_t ms) {
        cJSON *request = cJSON_CreateObject(), *calls;

        (void)cJSON_AddStringToObject(request, "verb", "calls");
        (void)cJSON_AddNumberToObject(request, "ms", (double)ms);
        calls = cJSON_AddArrayToObject(request, "calls");
        for (size_t i = 0; i < g->functions.n; i++) {
                struct function *fn = g->functions.items[i];
                bool busy = is_busy(fn);

                if (!busy && !fn->told_busy)
                        continue; /* that it is over is told once */
                add(calls, fn);
                fn->telling = true;
                fn->told_busy = busy;
                fn->sent += fn->unsent;
                fn->unsent = 0;
        }
        if (cJSON_GetArraySize(calls) > 0)
                return request;
        cJSON_Delete(request);
        return NULL;
}

void load_settle(struct gateway *g, bool arrived) {
        for (size_t i = 0; i < g->functions.n; i++) {
                struct function *fn = g->functions.items[i];

                if (!arrived) {
                        fn->unsent += fn->sent;
                        fn->told_busy = fn->told_busy || fn->telling;
                }
                fn->sent = 0;
                fn->telling = false;
        }
}

bool load_under_way(const struct gateway *g) {
        for (size_t i = 0; i < g->functions.n; i++)
                if (g->functions.items[i]->telling)
                        return true;
        return false;
}
