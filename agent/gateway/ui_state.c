#include "gateway/ui_state.h"

#include "base/str.h"
#include "gateway/gateway.h"
#include "gateway/ui_calls.h"
#include "io/ui_json.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUE_BYTES = 256 * 1024 };

/* A picture under way. */
struct painter {
        struct ui_state *s;
        struct ui_picture *p;
        struct gateway *g;
        uint64_t now_ms;
        int error;
};

void ui_state_done(struct ui_state *s) {
        ui_picture_done(&s->pictures[0]);
        ui_picture_done(&s->pictures[1]);
        buf_done(&s->text);
        free(s->calls);
        *s = (struct ui_state){ 0 };
}

/* ---- one field --------------------------------------------------------------------------------
 */

static struct buf *value(struct painter *w) {
        w->s->text.len = 0;
        w->s->text.limit = VALUE_BYTES;
        return &w->s->text;
}

/* The field's value is what was printed into value(); 'r' says how that went.  One that is too
 * large is not worth losing the others. */
static void put(struct painter *w, const char *name, int r) {
        if (w->error == 0 && r != -ENOMEM)
                r = ui_picture_field(w->p, name, r < 0 ? "null" : w->s->text.data);
        if (w->error == 0 && r < 0)
                w->error = r;
}

static void put_json(struct painter *w, const char *name, const cJSON *v) {
        struct buf *b = value(w);

        put(w, name, ui_json_add(b, v));
}

static void put_raw(struct painter *w, const char *name, const char *json) {
        struct buf *b = value(w);

        put(w, name, buf_add_text(b, json));
}

static void put_text(struct painter *w, const char *name, const char *text) {
        struct buf *b = value(w);

        put(w, name, ui_json_text(b, text));
}

static void begin(struct painter *w, enum ui_section section, const char *key) {
        struct buf *b = value(w);
        int r = ui_json_text(b, key);

        if (r == 0)
                r = ui_picture_object(w->p, section, b->data);
        if (w->error == 0 && r < 0)
                w->error = r;
}

/* A name is put into JSON as it is: it comes from the agent, but who knows. */
static bool is_plain(const char *name) {
        for (; name && *name; name++)
                if ((unsigned char)*name < ' ' || *name == '"' || *name == '\\')
                        return false;
        return name != NULL;
}

/* ---- the cluster ------------------------------------------------------------------------------
 */

static void put_quorum(struct painter *w, const cJSON *status) {
        struct buf *b = value(w);
        uint64_t voters = 0, up = 0;
        int r;

        (void)json_number(status, "voters", 1000, &voters);
        if (json_number(status, "voters_up", 1000, &up) == 0)
                r = buf_printf(b, "{\"voters\":%u,\"up\":%u,\"have\":%s}", (unsigned)voters,
                               (unsigned)up, up * 2 > voters ? "true" : "false");
        else
                r = buf_printf(b, "{\"voters\":%u,\"up\":null,\"have\":false}", (unsigned)voters);
        put(w, "quorum", r);
}

static void put_boards_up(struct painter *w, const cJSON *nodes) {
        const cJSON *o;
        unsigned up = 0;
        struct buf *b;

        cJSON_ArrayForEach(o, nodes) {
                up += str_eq(json_text(o, "state", ""), "up");
        }
        b = value(w);
        put(w, "boards_up", buf_add_number(b, up));
}

/* Their ages would be news each second: "since_ms" is told as "at_ms", when each began on the clock
 * that the stream begins with. */
static void put_alerts(struct painter *w, const cJSON *alerts) {
        auto_json cJSON *told = cJSON_CreateArray();
        const cJSON *a;

        cJSON_ArrayForEach(a, alerts) {
                cJSON *o = cJSON_Duplicate(a, true);
                uint64_t age;

                if (json_number(a, "since_ms", UINT64_MAX, &age) == 0) {
                        cJSON_DeleteItemFromObjectCaseSensitive(o, "since_ms");
                        (void)cJSON_AddNumberToObject(
                                o, "at_ms",
                                (double)since_at(&w->s->alerts, json_text(a, "name", ""),
                                                 json_text(a, "board", ""), w->now_ms, age));
                }
                (void)cJSON_AddItemToArray(told, o);
        }
        since_sweep(&w->s->alerts);
        if (told)
                put_json(w, "alerts", told);
        else
                put_raw(w, "alerts", "[]");
}

static void paint_top(struct painter *w, const cJSON *status, const char *shutdown) {
        static const char *const texts[] = { "cluster", "master", "leader", "note" };
        const cJSON *alerts = cJSON_GetObjectItemCaseSensitive(status, "alerts");
        const cJSON *down = cJSON_GetObjectItemCaseSensitive(status, "shutdown");

        begin(w, UI_TOP, "");
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                put_text(w, texts[i], json_text(status, texts[i], ""));
        put_text(w, "node", w->g->node);
        put_raw(w, "agent_ok", "true");
        put_quorum(w, status);
        put_boards_up(w, cJSON_GetObjectItemCaseSensitive(status, "nodes"));
        put_json(w, "watts", cJSON_GetObjectItemCaseSensitive(status, "watts"));
        put_json(w, "kubernetes", cJSON_GetObjectItemCaseSensitive(status, "kubernetes"));
        put_alerts(w, cJSON_IsArray(alerts) ? alerts : NULL);
        if (cJSON_IsObject(down))
                put_json(w, "shutdown", down);
        else
                put_raw(w, "shutdown", shutdown ? shutdown : "null");
}

/* ---- boards and functions ---------------------------------------------------------------------
 */

static void paint_board(struct painter *w, const cJSON *node) {
        const char *id = json_text(node, "id", "");
        const cJSON *v;

        if (!id[0])
                return;
        begin(w, UI_BOARDS, id);
        put_text(w, "id", id);
        cJSON_ArrayForEach(v, node) {
                if (!str_eq(v->string, "id") && is_plain(v->string))
                        put_json(w, v->string, v);
        }
}

static void put_calls(struct painter *w, const cJSON *o, const char *name, const char *namespace) {
        const struct function *fn = functions_find(&w->g->functions, name, namespace);
        struct ui_calls *c = ui_calls_of(w->s, name, namespace);
        uint64_t total = 0, p50, p99;
        struct buf *b;
        double rate;

        if (!c)
                return;
        (void)json_number(o, "invocations", UINT64_MAX, &total);
        ui_calls_sample(c, w->now_ms, total, fn);
        rate = ui_calls_rate(c);
        b = value(w);
        put(w, "calls_per_s", rate < 0 ? buf_add(b, "null", 4) : ui_json_rate(b, rate));
        b = value(w);
        if (!ui_calls_latency(c, fn, &p50, &p99)) {
                put(w, "latency_ms", buf_add(b, "null", 4));
                return;
        }
        (void)buf_add_text(b, "{\"p50\":");
        (void)ui_json_rate(b, (double)p50 / 1000);
        (void)buf_add_text(b, ",\"p99\":");
        (void)ui_json_rate(b, (double)p99 / 1000);
        put(w, "latency_ms", buf_add(b, "}", 1));
}

static void paint_function(struct painter *w, const cJSON *o) {
        const char *name = json_text(o, "name", ""), *namespace = json_text(o, "namespace", "");
        char key[2 * SIZE_NAME];
        const cJSON *v;

        if (!name[0] || snprintf(key, sizeof(key), "%s.%s", name, namespace) >= (int)sizeof(key))
                return;
        begin(w, UI_FUNCTIONS, key);
        put_text(w, "name", name);
        put_text(w, "namespace", namespace);
        cJSON_ArrayForEach(v, o) {
                static const char *const without[] = { "name", "namespace", "spec" };
                bool skip = !is_plain(v->string);

                for (size_t i = 0; i < ARRAY_SIZE(without) && !skip; i++)
                        skip = str_eq(v->string, without[i]);
                if (!skip)
                        put_json(w, v->string, v);
        }
        put_calls(w, o, name, namespace);
}

int ui_state_take(struct ui_state *s, struct gateway *g, uint64_t now_ms, const cJSON *status,
                  const char *shutdown) {
        struct painter w = { .s = s, .p = &s->pictures[!s->now], .g = g, .now_ms = now_ms };
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(status, "nodes");
        const cJSON *functions = cJSON_GetObjectItemCaseSensitive(status, "functions"), *o;

        if (!cJSON_IsArray(nodes) || !cJSON_IsArray(functions))
                return -EINVAL;
        ui_picture_empty(w.p);
        paint_top(&w, status, shutdown);
        cJSON_ArrayForEach(o, nodes) {
                paint_board(&w, o);
        }
        cJSON_ArrayForEach(o, functions) {
                paint_function(&w, o);
        }
        ui_calls_sweep(s);
        if (w.error < 0)
                return w.error;
        s->now = !s->now;
        s->known = true;
        return 0;
}

int ui_state_agent_ok(struct ui_state *s, bool ok) {
        return ui_picture_set(&s->pictures[s->now], "agent_ok", ok ? "true" : "false");
}
