/* api_watch - the gateway's side: the routes whenever they change, and how often each was called.
 */
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/reporter.h"
#include "daemon/status_json.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static cJSON *instances_json(const struct agent *a, uint32_t function) {
        cJSON *array = cJSON_CreateArray();

        for (uint32_t i = 0; i < a->world.n_instances; i++) {
                const struct world_instance *in = &a->world.instances[i];
                const struct world_member *m = world_member(&a->world, in->node);
                char address[16];
                cJSON *o;

                if (in->function != function || !in->address || !m || !m->up)
                        continue;
                o = cJSON_CreateObject();
                (void)cJSON_AddNumberToObject(o, "id", in->id);
                (void)cJSON_AddStringToObject(o, "node", m->name);
                (void)cJSON_AddBoolToObject(o, "local", in->node == a->board.node);
                (void)cJSON_AddStringToObject(o, "address", status_ipv4(address, in->address));
                (void)cJSON_AddNumberToObject(o, "port", in->port);
                (void)cJSON_AddBoolToObject(o, "ready", in->state == INSTANCE_READY);
                (void)cJSON_AddItemToArray(array, o);
        }
        return array;
}

static cJSON *function_json(const struct agent *a, uint32_t i) {
        const struct world_function *f = &a->world.functions[i];
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "name", f->name);
        (void)cJSON_AddStringToObject(o, "namespace", f->namespace);
        (void)cJSON_AddStringToObject(o, "image", f->image);
        (void)cJSON_AddNumberToObject(o, "replicas", f->replicas);
        (void)cJSON_AddNumberToObject(o, "available", f->available);
        (void)cJSON_AddNumberToObject(o, "invocations", (double)f->invocations);
        (void)cJSON_AddNumberToObject(o, "created", (double)f->created_unix);
        (void)cJSON_AddStringToObject(o, "reason", f->reason);
        (void)cJSON_AddBoolToObject(o, "stuck", f->stuck);
        (void)cJSON_AddItemToObject(o, "spec", cJSON_CreateRaw(f->spec));
        (void)cJSON_AddItemToObject(o, "instances", instances_json(a, i));
        return o;
}

static cJSON *routes_json(const struct agent *a) {
        cJSON *o = cJSON_CreateObject(), *auth = cJSON_CreateObject();
        cJSON *functions = cJSON_CreateArray();
        struct utsname u;

        (void)cJSON_AddStringToObject(o, "cluster", a->world.cluster);
        (void)cJSON_AddStringToObject(o, "node", a->name);
        (void)cJSON_AddStringToObject(o, "arch", uname(&u) == 0 ? u.machine : "unknown");
        (void)cJSON_AddStringToObject(auth, "user", a->world.user);
        (void)cJSON_AddStringToObject(auth, "password", a->world.password);
        (void)cJSON_AddItemToObject(o, "auth", auth);
        for (uint32_t i = 0; i < a->world.n_functions; i++)
                (void)cJSON_AddItemToArray(functions, function_json(a, i));
        (void)cJSON_AddItemToObject(o, "functions", functions);
        return o;
}

void api_world_changed(struct agent *a) {
        auto_json cJSON *routes = NULL;

        if (!*api_watchers(a) || !a->world.bramble)
                return;
        routes = routes_json(a);
        for (struct request *q = *api_watchers(a); q; q = q->next_watcher)
                (void)request_event(q, routes);
}

void api_counts_changed(struct agent *a) {
        auto_json cJSON *o = NULL;
        cJSON *counts;

        if (!*api_watchers(a) || !a->world.bramble)
                return;
        o = cJSON_CreateObject();
        counts = cJSON_AddArrayToObject(o, "counts");
        for (uint32_t i = 0; i < a->world.n_functions; i++) {
                const struct world_function *f = &a->world.functions[i];
                cJSON *one = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(one, "name", f->name);
                (void)cJSON_AddStringToObject(one, "namespace", f->namespace);
                (void)cJSON_AddNumberToObject(one, "invocations", (double)f->invocations);
                (void)cJSON_AddItemToArray(counts, one);
        }
        for (struct request *q = *api_watchers(a); q; q = q->next_watcher)
                (void)request_event(q, o);
}

static void watcher_gone(struct request *q) {
        for (struct request **p = api_watchers(q->agent); *p; p = &(*p)->next_watcher) {
                if (*p != q)
                        continue;
                *p = q->next_watcher;
                request_unref(q);
                return;
        }
}

void verb_watch(struct request *q) {
        auto_json cJSON *routes = NULL;

        struct request **watchers = api_watchers(q->agent);

        q->on_gone = watcher_gone;
        q->next_watcher = *watchers;
        *watchers = request_ref(q);
        if (!q->agent->world.bramble)
                return; /* told as soon as there is something to tell */
        routes = routes_json(q->agent);
        (void)request_event(q, routes);
}

static uint32_t number(const cJSON *o, const char *key) {
        uint64_t n;

        return json_number(o, key, UINT32_MAX, &n) == 0 ? (uint32_t)n : 0;
}

void verb_calls(struct request *q) {
        const cJSON *calls = cJSON_GetObjectItemCaseSensitive(q->args, "calls"), *o;
        uint32_t ms = number(q->args, "ms");

        cJSON_ArrayForEach(o, calls) {
                struct reporter_load load = { .name = json_text(o, "name", ""),
                                              .namespace = json_text(o, "namespace", ""),
                                              .count = number(o, "count"),
                                              .ms = ms ? ms : 1000,
                                              .in_flight = number(o, "in_flight"),
                                              .waiting = number(o, "waiting") };

                reporter_calls(q->agent, &load);
        }
        reporter_calls_told(q->agent);
        agent_report_soon(q->agent);
        request_reply(q, cJSON_CreateObject());
}
