#include "gateway/metrics.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/metrics_text.h"
#include "gateway/agent.h"
#include "gateway/async.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "io/json.h"

#include <stdio.h>

enum { SLICE_BYTES = 64 * 1024 };

/* In the order in which they are shown; what the agent tells comes behind them. */
static void (*const parts[])(struct gateway *g, struct buf *out) = {
        functions_metrics,
        async_metrics,
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

static void take(struct metrics_told *told, uint64_t now_ms, unsigned code, const cJSON *reply) {
        const char *text = json_text(reply, "text", "");

        told->at_ms = now_ms;
        told->text.len = 0;
        told->text.limit = GATEWAY_METRICS_BYTES;
        told->known = code == 0 && text[0] && buf_add_text(&told->text, text) == 0;
        (void)str_copy(told->version, sizeof(told->version), json_text(reply, "version", ""));
        (void)str_copy(told->commit, sizeof(told->commit), json_text(reply, "commit", ""));
}

/* ---- one scrape ------------------------------------------------------------------------------ */

struct scrape {
        struct gateway *g;
        struct client *client;
        struct agent_request *asked;
        struct buf page;
        size_t sent;
        bool begun; /* what is queued is ours */
};

static void scrape_free(struct scrape *s) {
        if (s->asked)
                agent_forget(s->asked);
        buf_done(&s->page);
        s->g->n_scrapes--;
        free(s);
}

static void print_page(struct gateway *g, struct buf *out) {
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                parts[i](g, out);
        add_versions(&g->told, out);
        if (g->told.known)
                (void)buf_add(out, g->told.text.data, g->told.text.len);
}

/* False where the scrape has to wait until that is gone, or is over. */
static bool send_bytes(struct scrape *s, const char *data, size_t len) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)len);
        int r = client_write(s->client, &buf, 1);

        if (r < 0) {
                struct client *client = s->client;

                scrape_free(s);
                client_abort(client);
        }
        return r == 0;
}

/* What is not taken waits here and not in the connection, where it would be a copy. */
static void on_drained(void *arg) {
        struct scrape *s = arg;
        struct client *client = s->client;

        if (!s->begun)
                return;
        while (s->sent < s->page.len) {
                size_t left = s->page.len - s->sent;
                size_t part = left < SLICE_BYTES ? left : SLICE_BYTES;

                s->sent += part;
                if (!send_bytes(s, s->page.data + s->sent - part, part))
                        return;
        }
        scrape_free(s);
        client_finish(client);
}

static void answer(struct scrape *s) {
        char head[256];
        int n;

        print_page(s->g, &s->page);
        n = snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nContent-Type: " METRICS_TEXT_TYPE
                     "\r\nContent-Length: %zu\r\n%s\r\n",
                     s->page.len, client_connection_line(s->client, false));
        s->begun = true;
        if (client_is_head(s->client))
                s->sent = s->page.len;
        if (send_bytes(s, head, (size_t)n))
                on_drained(s);
}

static void on_told(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct scrape *s = arg;

        (void)error; /* bramble_agent_up says it */
        s->asked = NULL;
        take(&s->g->told, uv_now(s->g->loop), code, reply);
        answer(s);
}

/* The request is whole.  However often it comes, the agent is asked but once a second. */
static void on_end(void *arg) {
        struct scrape *s = arg;
        struct metrics_told *told = &s->g->told;
        uint64_t now_ms = uv_now(s->g->loop);
        cJSON *request;

        if (told->known && now_ms - told->at_ms < GATEWAY_METRICS_MS) {
                answer(s);
                return;
        }
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "metrics");
        if (agent_ask_soon(s->g->agent, request, on_told, s, &s->asked) == 0)
                return;
        take(told, now_ms, 503, NULL);
        answer(s);
}

static void on_closed(void *arg) {
        scrape_free(arg);
}

static const struct exchange_ops scrape_ops = {
        .end = on_end,
        .drained = on_drained,
        .closed = on_closed,
};

void metrics_start(struct gateway *g, struct client *client, const struct http_head *head,
                   const struct http_text *rest) {
        struct scrape *s;

        (void)head;
        (void)rest;
        if (g->n_scrapes == GATEWAY_SCRAPES) {
                reply_error(client, 503, "%d others read this already; try again in a moment.",
                            GATEWAY_SCRAPES);
                return;
        }
        s = calloc(1, sizeof(*s));
        if (!s) {
                reply_error(client, 503, "The gateway is out of memory.");
                return;
        }
        s->g = g;
        s->client = client;
        s->page.limit = GATEWAY_METRICS_BYTES;
        g->n_scrapes++;
        client_attach(client, &scrape_ops, s, false);
        client_continue(client);
}
