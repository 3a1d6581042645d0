/* The agent's log of events: followed once for all who look, the last ones kept for who comes. */
#include "base/str.h"
#include "io/ui_json.h"
#include "gateway/ui_private.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

static int print_event(const struct ui_event *e, uint64_t now_ms, struct buf *out) {
        uint64_t age = e->age_ms + (now_ms - e->at_ms);

        return buf_printf(out, "{\"age_ms\":%llu%s%s", (unsigned long long)age,
                          e->text[1] == '}' ? "" : ",", e->text + 1);
}

/* It may be told again after the agent was away. */
static bool is_known(const struct ui_feed *f, uint64_t id, uint64_t unix_sec) {
        for (unsigned i = 0; i < f->n_events; i++)
                if (f->event[i].id == id && f->event[i].unix_sec == unix_sec)
                        return true;
        return false;
}

/* The object as text, without its age, which does not stay what it is. */
static char *text_of(const cJSON *event) {
        struct buf b = { .limit = UI_EVENT_BYTES };
        int r = buf_add(&b, "{", 1);
        const cJSON *o;

        cJSON_ArrayForEach(o, event) {
                if (r < 0 || str_eq(o->string, "age_ms"))
                        continue;
                if (b.len > 1)
                        r = buf_add(&b, ",", 1);
                if (r == 0)
                        r = ui_json_text(&b, o->string);
                if (r == 0)
                        r = buf_add(&b, ":", 1);
                if (r == 0)
                        r = ui_json_add(&b, o);
        }
        if (r == 0)
                r = buf_add(&b, "}", 1);
        if (r == 0)
                return buf_take(&b);
        buf_done(&b);
        return NULL;
}

/* The newest 'n' as one message; NULL: none, or no memory. */
static struct ui_message *message_of(struct ui *ui, unsigned n) {
        struct ui_feed *f = &ui->feed;
        struct ui_message *m = n > 0 ? ui_message_text("") : NULL;
        unsigned at = (f->next_event + UI_EVENTS - n) % UI_EVENTS;
        int r = m ? 0 : -1;

        for (unsigned i = 0; i < n && r == 0; i++) {
                r = ui_message_more(m, "event");
                if (r == 0)
                        r = print_event(&f->event[at], uv_now(ui->g->loop), &m->plain);
                if (r == 0)
                        r = ui_message_end(m);
                at = (at + 1) % UI_EVENTS;
        }
        if (r == 0)
                return m;
        ui_message_unref(m);
        return NULL;
}

void ui_events_flush(struct ui *ui) {
        struct ui_message *m = message_of(ui, ui->feed.untold);

        ui->feed.untold = 0;
        (void)uv_timer_stop(&ui->feed.gather);
        ui_viewers_send(ui, m);
        ui_message_unref(m);
}

static void on_gathered(uv_timer_t *timer) {
        ui_events_flush(container_of(timer, struct ui, feed.gather));
}

static void on_event(void *arg, const cJSON *event) {
        struct ui *ui = arg;
        struct ui_feed *f = &ui->feed;
        struct ui_event e = { .at_ms = uv_now(ui->g->loop) }, *slot = &f->event[f->next_event];

        if (json_number(event, "id", UINT64_MAX, &e.id) < 0)
                return; /* it only says that more will come */
        (void)json_number(event, "unix", UINT64_MAX, &e.unix_sec);
        (void)json_number(event, "age_ms", UINT64_MAX, &e.age_ms);
        if (is_known(f, e.id, e.unix_sec))
                return;
        e.text = text_of(event);
        if (!e.text)
                return;
        free(slot->text);
        *slot = e;
        f->next_event = (f->next_event + 1) % UI_EVENTS;
        if (f->n_events < UI_EVENTS)
                f->n_events++;
        if (f->untold < UI_EVENTS)
                f->untold++;
        /* many come at once where the log is read from its beginning */
        if (!uv_is_active((uv_handle_t *)&f->gather))
                (void)uv_timer_start(&f->gather, on_gathered, UI_GATHER_MS, 0);
}

static void on_end(void *arg, unsigned code, const char *error) {
        struct ui *ui = arg;

        (void)code;
        (void)error;
        ui->feed.events = NULL;
        ui->feed.events_again_ms = uv_now(ui->g->loop) + UI_AGAIN_MS;
}

void ui_events_follow(struct ui *ui) {
        static const struct agent_stream_ops ops = { .event = on_event, .end = on_end };
        struct ui_feed *f = &ui->feed;
        cJSON *request;

        if (f->events || uv_now(ui->g->loop) < f->events_again_ms)
                return;
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "events");
        if (f->n_events > 0)
                (void)cJSON_AddNumberToObject(
                        request, "since",
                        (double)f->event[(f->next_event + UI_EVENTS - 1) % UI_EVENTS].id);
        (void)cJSON_AddTrueToObject(request, "follow");
        if (agent_stream_open(ui->g, request, &ops, ui, &f->events) < 0)
                on_end(ui, 503, "");
}

void ui_events_leave(struct ui *ui) {
        agent_stream_close(ui->feed.events);
        ui->feed.events = NULL;
        ui->feed.events_again_ms = 0;
}

void ui_events_done(struct ui *ui) {
        for (unsigned i = 0; i < UI_EVENTS; i++) {
                free(ui->feed.event[i].text);
                ui->feed.event[i].text = NULL;
        }
        ui->feed.n_events = ui->feed.next_event = 0;
}

struct ui_message *ui_events_lately(struct ui *ui) {
        return message_of(ui, ui->feed.n_events);
}
