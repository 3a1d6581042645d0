/* functions_metrics - the functions in the words of OpenFaaS' gateway. */
#include "gateway/metrics.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/metrics_text.h"
#include "gateway/gateway.h"
#include "io/json.h"

#include <stdio.h>

/* A label of the deployment that holds a number. */
static uint64_t label_number(const struct function *fn, const char *label, uint64_t fallback) {
        const cJSON *labels = cJSON_GetObjectItemCaseSensitive(fn->spec, "labels");
        const char *text = json_text(labels, label, "");
        uint64_t v;

        return str_to_u64(text, UINT32_MAX, &v) == 0 ? v : fallback;
}

static uint64_t started(const struct function *fn) {
        return fn->counts.started;
}

static uint64_t in_flight(const struct function *fn) {
        return call_counts_in_flight(&fn->counts);
}

static uint64_t waiting(const struct function *fn) {
        return fn->n_waiting;
}

static uint64_t wanted(const struct function *fn) {
        return fn->replicas;
}

static uint64_t ready(const struct function *fn) {
        return fn->replicas < fn->available ? fn->replicas : fn->available;
}

static uint64_t target(const struct function *fn) {
        return label_number(fn, "com.openfaas.scale.target", 50);
}

static uint64_t least(const struct function *fn) {
        return label_number(fn, "com.openfaas.scale.min", 1);
}

static const struct family {
        const char *name, *type, *help;
        uint64_t (*value)(const struct function *fn);
} families[] = {
        { "gateway_function_invocation_started", "counter",
          "Calls of the function that this gateway began.", started },
        { "gateway_service_count", "gauge",
          "Replicas of the function that are wanted, on all boards.", wanted },
        { "gateway_service_ready_count", "gauge",
          "Replicas of the function that are ready, on all boards.", ready },
        { "gateway_service_target", "gauge",
          "Load that one replica is meant for: com.openfaas.scale.target.", target },
        { "gateway_service_min", "gauge", "Fewest replicas: com.openfaas.scale.min.", least },
        { "bramble_function_in_flight", "gauge",
          "Calls of the function that this gateway has under way.", in_flight },
        { "bramble_function_waiting", "gauge",
          "Calls of the function that wait for a replica at this gateway.", waiting },
};

static void name_of(const struct function *fn, char *dst, size_t size) {
        (void)snprintf(dst, size, "%s.%s", fn->name, fn->namespace);
}

static void print_family(const struct functions *fs, const struct family *f, struct buf *out) {
        metrics_text_family(out, f->name, f->type, f->help);
        for (size_t i = 0; i < fs->n; i++) {
                struct metrics_labels l = { 0 };
                char name[2 * SIZE_NAME];

                name_of(fs->items[i], name, sizeof(name));
                metrics_text_label(&l, "function_name", name);
                metrics_text_count(out, f->name, &l, f->value(fs->items[i]));
        }
}

void functions_metrics(struct gateway *g, struct buf *out) {
        static const struct {
                const char *name, *type, *help;
                void (*print)(const struct call_counts *counts, const char *name, struct buf *out);
        } counted[] = {
                { "gateway_function_invocation_total", "counter",
                  "Calls of the function through this gateway, by the status they ended with; 499: "
                  "the client went away before.",
                  call_counts_print_total },
                { "gateway_functions_seconds", "histogram",
                  "How long the calls took, from the request's head to the response's end.",
                  call_counts_print_seconds },
        };
        const struct functions *fs = &g->functions;

        for (size_t c = 0; c < ARRAY_SIZE(counted); c++) {
                metrics_text_family(out, counted[c].name, counted[c].type, counted[c].help);
                for (size_t i = 0; i < fs->n; i++) {
                        char name[2 * SIZE_NAME];

                        name_of(fs->items[i], name, sizeof(name));
                        counted[c].print(&fs->items[i]->counts, name, out);
                }
        }
        for (size_t f = 0; f < ARRAY_SIZE(families); f++)
                print_family(fs, &families[f], out);
}
