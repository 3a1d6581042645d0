#include "gateway/metrics.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/metrics_text.h"
#include "gateway/agent.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "io/json.h"

/* In the order in which they are shown; what the agent tells comes behind them. */
static void (*const parts[])(struct gateway *g, struct buf *out) = {
        functions_metrics,
        process_metrics,
};

void metrics_told_done(struct metrics_told *told) {
        buf_done(&told->text);
        *told = (struct metrics_told){ 0 };
}

static void add_build(struct buf *out, const char *component, const char *version,
                      const char *commit) {
        struct metrics_labels l = { 0 };

        metrics_text_label(&l, "commit", commit);
        metrics_text_label(&l, "component", component);
        metrics_text_label(&l, "version", version);
        metrics_text_count(out, "bramble_build_info", &l, 1);
}

static void add_versions(const struct metrics_told *told, struct buf *out) {
        metrics_text_family(out, "bramble_build_info", "gauge",
                            "The programs of this board and their versions; always 1.");
        add_build(out, "gateway", BRAMBLE_VERSION, BRAMBLE_COMMIT);
        if (told->known)
                add_build(out, "agent", told->version, told->commit);
        metrics_text_one(
                out, "bramble_agent_up", "gauge",
                "1 where this board's agent answers; without it there is nothing of the board "
                "itself.",
                told->known);
}

static void answer(struct api_request *q) {
        struct buf out = { .limit = GATEWAY_METRICS_BYTES };
        struct gateway *g = q->g;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                parts[i](g, &out);
        add_versions(&g->told, &out);
        if (g->told.known)
                (void)buf_add(&out, g->told.text.data, g->told.text.len);
        api_reply_text(q, 200, METRICS_TEXT_TYPE, &out);
        buf_done(&out);
}

static void take(struct metrics_told *told, uint64_t now_ms, unsigned code, const cJSON *reply) {
        const char *text = json_text(reply, "text", "");

        told->at_ms = now_ms;
        told->text.len = 0;
        told->text.limit = GATEWAY_METRICS_BYTES;
        told->known = code == 0 && text[0] && buf_add_text(&told->text, text) == 0;
        (void)str_copy(told->version, sizeof(told->version), json_text(reply, "version", ""));
        (void)str_copy(told->commit, sizeof(told->commit), json_text(reply, "commit", ""));
}

static void on_told(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct api_request *q = arg;

        (void)error; /* bramble_agent_up says it */
        q->asked = NULL;
        take(&q->g->told, uv_now(q->g->loop), code, reply);
        answer(q);
}

/* However often it is asked for, the agent is asked but once a second. */
void api_metrics(struct api_request *q) {
        struct metrics_told *told = &q->g->told;
        uint64_t now_ms = uv_now(q->g->loop);
        cJSON *request;

        if (told->known && now_ms - told->at_ms < GATEWAY_METRICS_MS) {
                answer(q);
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "metrics");
        if (agent_ask_soon(q->g->agent, request, on_told, q, &q->asked) == 0)
                return;
        take(told, now_ms, 503, NULL);
        answer(q);
}
