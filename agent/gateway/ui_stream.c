/* Those who look: each a connection that gets what all get, and is dropped where it does not read.
 */
#include "base/scope.h"
#include "base/str.h"
#include "gateway/client.h"
#include "io/ui_json.h"
#include "gateway/ui_private.h"
#include "io/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct viewer {
        struct list link;
        struct ui *ui;
        struct client *client;
        char token[SESSION_TOKEN];
        bool pack, blocked; /* 'blocked': what was written is not all gone */
        unsigned n, next;   /* that wait, and the first of them */
        struct ui_message *queue[UI_QUEUE];
};

static void viewer_free(struct viewer *v) {
        for (; v->n > 0; v->n--) {
                ui_message_unref(v->queue[v->next]);
                v->next = (v->next + 1) % UI_QUEUE;
        }
        list_remove(&v->link);
        v->ui->n_viewers--;
        explicit_bzero(v->token, sizeof(v->token));
        free(v);
}

/* Breaks the connection: the page knows that it did not end in order, and comes again. */
static void drop(struct viewer *v) {
        struct client *c = v->client;

        viewer_free(v);
        client_abort(c);
}

/* False where the viewer is gone by that. */
static bool write_one(struct viewer *v, struct ui_message *m) {
        const struct buf *bytes;
        uv_buf_t buf;
        int r = ui_message_bytes(m, v->pack, &v->ui->feed.packer, &bytes);

        if (r == 0) {
                buf = uv_buf_init(bytes->data, (unsigned)bytes->len);
                r = client_write(v->client, &buf, 1);
        }
        if (r < 0) {
                drop(v);
                return false;
        }
        v->blocked = r > 0;
        return true;
}

static bool viewer_send(struct viewer *v, struct ui_message *m) {
        if (!m)
                return true;
        if (!v->blocked)
                return write_one(v, m);
        if (v->n == UI_QUEUE) {
                log_info("somebody at %s looks at the dashboard and does not read: dropped",
                         client_address(v->client));
                drop(v);
                return false;
        }
        v->queue[(v->next + v->n++) % UI_QUEUE] = ui_message_ref(m);
        return true;
}

static void on_drained(void *arg) {
        struct viewer *v = arg;

        v->blocked = false;
        while (v->n > 0 && !v->blocked) {
                struct ui_message *m = v->queue[v->next];
                bool there;

                v->next = (v->next + 1) % UI_QUEUE;
                v->n--;
                there = write_one(v, m);
                ui_message_unref(m);
                if (!there)
                        return;
        }
}

static void on_closed(void *arg) {
        viewer_free(arg);
}

static const struct exchange_ops ops = {
        .drained = on_drained,
        .closed = on_closed,
};

/* ---- for the feed -----------------------------------------------------------------------------
 */

void ui_viewers_send(struct ui *ui, struct ui_message *m) {
        struct viewer *v, *next;

        if (!m)
                return;
        ui->feed.quiet = 0;
        list_each(v, next, &ui->viewers, link)(void) viewer_send(v, m);
}

void ui_viewers_check(struct ui *ui) {
        struct viewer *v, *next;

        list_each(v, next, &ui->viewers, link) {
                if (!session_find(&ui->sessions, ui_now(ui), v->token))
                        drop(v);
        }
}

void ui_viewers_stop(struct ui *ui) {
        struct viewer *v, *next;

        list_each(v, next, &ui->viewers, link) {
                struct client *c = v->client;

                viewer_free(v);
                client_finish(c); /* 'Connection: close' was said */
        }
}

/* ---- the beginning ----------------------------------------------------------------------------
 */

static struct ui_message *hello(struct ui *ui, const struct session *session) {
        struct ui_message *m = ui_message_begin("hello");
        auto_buf struct buf b = { 0 };
        int r = m ? 0 : -1;

        if (r == 0)
                r = buf_printf(&b, "{\"csrf\":\"%s\",\"user\":", session->csrf);
        if (r == 0)
                r = ui_json_text(&b, ui->g->user);
        if (r == 0)
                r = buf_add_text(&b, ",\"node\":");
        if (r == 0)
                r = ui_json_text(&b, ui->g->node);
        if (r == 0)
                r = buf_printf(&b,
                               ",\"version\":\"%s\",\"now_ms\":%" PRIu64
                               ",\"retry_ms\":%d}\nretry: %d",
                               BRAMBLE_VERSION, uv_now(ui->g->loop), UI_RETRY_MS, UI_RETRY_MS);
        if (r == 0)
                r = buf_add(&m->plain, b.data, b.len);
        if (r == 0 && ui_message_end(m) == 0)
                return m;
        ui_message_unref(m);
        return NULL;
}

static int send_head(struct client *c, bool pack) {
        char head[1024];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 200 OK\r\n%s" ui_no_store
                         "Content-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n"
                         "Vary: Accept-Encoding\r\n%s%s\r\n",
                         ui_headers, pack ? "Content-Encoding: gzip\r\n" : "",
                         client_connection_line(c, true));
        uv_buf_t bufs[2] = { uv_buf_init(head, (unsigned)n),
                             uv_buf_init((char *)(uintptr_t)ui_message_gzip_head,
                                         pack ? UI_GZIP_HEAD : 0) };

        return client_write(c, bufs, 2);
}

static void greet(struct viewer *v, const struct session *session) {
        struct ui_message *first[] = { hello(v->ui, session), ui_feed_whole(v->ui),
                                       ui_events_lately(v->ui) };
        bool there = first[0] != NULL;

        if (!there)
                drop(v);
        for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
                there = there && viewer_send(v, first[i]);
                ui_message_unref(first[i]);
        }
}

void ui_stream(struct ui_request *q) {
        static const char too_many[] =
                "{\"error\":\"Too many look at this board's dashboard: close "
                "a page, or use another board's.\"}";
        struct session *session = ui_request_session(q);
        struct ui *ui = q->ui;
        struct viewer *v;
        struct client *c;
        int r;

        if (ui->n_viewers >= UI_VIEWERS || ui->stopping) {
                ui_reply(q, 503, ui_no_store "Retry-After: 10\r\n", "application/json", too_many,
                         sizeof(too_many) - 1);
                return;
        }
        if (client_is_head(q->client)) {
                ui_reply(q, 200, ui_no_store, "text/event-stream", "", 0);
                return;
        }
        v = calloc(1, sizeof(*v));
        if (!v || !session) {
                free(v);
                ui_reply_text(q, 503, "", "The gateway is out of memory.\n");
                return;
        }
        *v = (struct viewer){ .ui = ui, .pack = q->pack };
        memcpy(v->token, q->token, sizeof(v->token));
        ui_events_flush(ui); /* this one is told them with the others of late */
        c = v->client = ui_take_client(q);
        list_append(&ui->viewers, &v->link);
        ui->n_viewers++;
        client_send_room(c, UI_SEND_BYTES);
        client_attach(c, &ops, v, false);
        client_endless(c);
        r = send_head(c, v->pack);
        if (r < 0) {
                drop(v);
                return;
        }
        v->blocked = r > 0;
        greet(v, session);
        ui_feed_want(ui);
}
