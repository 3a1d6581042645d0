/* The feed: asks the agent once a second, and only while somebody looks; what changed is made into
 * one message for all. */
#include "base/str.h"
#include "io/ui_json.h"
#include "gateway/ui_private.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>

enum { CHECK_TICKS = 5, SHUTDOWN_TICKS = 2, AGAIN_TICKS = 60 };

static void forget(struct ui_feed *f) {
        if (f->asked)
                agent_forget(f->asked);
        if (f->asked_shutdown)
                agent_forget(f->asked_shutdown);
        f->asked = f->asked_shutdown = NULL;
        ui_message_unref(f->whole);
        f->whole = NULL;
        free(f->shutdown);
        f->shutdown = NULL;
        ui_packer_done(&f->packer);
        ui_state_done(&f->state);
}

/* ---- what changed -----------------------------------------------------------------------------
 */

/* -ENOMEM: those who look do not know what changed, and have to get it whole. */
static int tell_change(struct ui *ui) {
        const struct ui_state *s = &ui->feed.state;
        struct ui_message *m = ui_message_begin("change");
        int r = m ? ui_picture_change(ui_state_before(s), ui_state_now(s), &m->plain) : -ENOMEM;

        if (r > 0) {
                r = ui_message_end(m);
                if (r == 0)
                        ui_viewers_send(ui, m);
        }
        ui_message_unref(m);
        return r;
}

struct ui_message *ui_feed_whole(struct ui *ui) {
        struct ui_feed *f = &ui->feed;
        struct ui_message *m;

        if (!f->state.known)
                return NULL;
        if (!f->whole) {
                m = ui_message_begin("state");
                if (m && ui_picture_print(ui_state_now(&f->state), &m->plain) == 0 &&
                    ui_message_end(m) == 0)
                        f->whole = m;
                else
                        ui_message_unref(m);
        }
        return f->whole ? ui_message_ref(f->whole) : NULL;
}

static void fresh(struct ui *ui) {
        ui_message_unref(ui->feed.whole);
        ui->feed.whole = NULL;
}

static int tell_whole(struct ui *ui) {
        struct ui_message *m = ui_feed_whole(ui);
        int r = m ? 0 : -ENOMEM;

        ui_viewers_send(ui, m);
        ui_message_unref(m);
        return r;
}

/* The agent is away: what is known stays, and the page says so. */
static void lose_agent(struct ui *ui) {
        struct ui_feed *f = &ui->feed;
        struct ui_message *m;

        if (f->lost)
                return;
        f->lost = true;
        m = ui_message_text("event: change\ndata: {\"agent_ok\":false}\n\n");
        fresh(ui);
        if (f->state.known && ui_state_agent_ok(&f->state, false) == 0)
                ui_viewers_send(ui, m);
        ui_message_unref(m);
}

static void on_status(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct ui *ui = arg;
        struct ui_feed *f = &ui->feed;
        bool known = f->state.known;
        int r;

        (void)error;
        f->asked = NULL;
        if (code) {
                lose_agent(ui);
                return;
        }
        r = ui_state_take(&f->state, ui->g, uv_now(ui->g->loop), reply, f->shutdown);
        if (r < 0) {
                if (log_once("ui-state"))
                        log_warning("cannot show the state that the agent told: %s",
                                    uv_strerror(r));
                return;
        }
        f->lost = false;
        fresh(ui);
        f->behind = (known && !f->behind ? tell_change(ui) : tell_whole(ui)) < 0;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static void on_shutdown(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct ui_feed *f = &((struct ui *)arg)->feed;
        struct buf text = { 0 };

        (void)error;
        f->asked_shutdown = NULL;
        f->no_shutdown_status = code != 0;
        free(f->shutdown);
        f->shutdown = NULL;
        if (code == 0 && json_bool(reply, "active") && ui_json_add(&text, reply) == 0)
                f->shutdown = buf_take(&text);
        buf_done(&text);
}

static void ask(struct ui *ui, const char *verb, agent_reply_cb done, struct agent_request **ret) {
        cJSON *request;

        if (*ret)
                return;
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", verb);
        if (agent_ask_soon(ui->g->agent, request, done, ui, ret) < 0) {
                *ret = NULL;
                lose_agent(ui);
        }
}

static void heartbeat(struct ui *ui) {
        struct ui_message *m = ui_message_text(":\n\n");

        ui_viewers_send(ui, m);
        ui_message_unref(m);
}

static void on_tick(uv_timer_t *timer) {
        struct ui *ui = container_of(timer, struct ui, feed.timer);
        struct ui_feed *f = &ui->feed;

        f->ticks++;
        ui_check_credentials(ui);
        if (f->ticks % CHECK_TICKS == 0)
                ui_viewers_check(ui);
        if (ui->n_viewers == 0) {
                (void)uv_timer_stop(timer);
                f->ticking = false;
                ui_events_leave(ui);
                forget(f);
                return;
        }
        if (++f->quiet >= UI_HEARTBEAT_TICKS)
                heartbeat(ui);
        ui_events_follow(ui);
        if (f->ticks % (f->no_shutdown_status ? AGAIN_TICKS : SHUTDOWN_TICKS) == 0)
                ask(ui, "shutdown_status", on_shutdown, &f->asked_shutdown);
        ask(ui, "status", on_status, &f->asked);
}

void ui_feed_init(struct ui *ui) {
        (void)uv_timer_init(ui->g->loop, &ui->feed.timer);
        (void)uv_timer_init(ui->g->loop, &ui->feed.gather);
}

void ui_feed_want(struct ui *ui) {
        struct ui_feed *f = &ui->feed;

        if (f->ticking || ui->stopping)
                return;
        f->ticking = true;
        f->ticks = f->quiet = 0;
        f->lost = f->behind = f->no_shutdown_status = false;
        (void)uv_timer_start(&f->timer, on_tick, 0, UI_TICK_MS);
}

void ui_feed_close(struct ui *ui) {
        uv_close((uv_handle_t *)&ui->feed.timer, NULL);
        uv_close((uv_handle_t *)&ui->feed.gather, NULL);
        forget(&ui->feed);
}

void ui_feed_done(struct ui *ui) {
        forget(&ui->feed);
        ui_events_done(ui);
}
