/* power_view - what people see of a shutdown: lines for those who watch, and the same for other
 * boards. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/power_private.h"
#include "io/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- those who watch ------------------------------------------------------------------------- */

static void tell(struct request *q, const struct power_view *v, const struct power_row *row,
                 const char *text) {
        auto_json cJSON *o = cJSON_CreateObject();
        char hex[17];

        str_hex64(v->id, hex);
        (void)cJSON_AddStringToObject(o, "id", hex);
        (void)cJSON_AddStringToObject(o, "phase", shutdown_phase_text(v->phase));
        (void)cJSON_AddStringToObject(o, "board", row ? row->name : "");
        (void)cJSON_AddStringToObject(o, "state", row ? shutdown_state_text(row->state) : "");
        (void)cJSON_AddStringToObject(o, "text", text);
        (void)cJSON_AddStringToObject(o, "last", v->last);
        (void)cJSON_AddStringToObject(o, "self", q->agent->name);
        (void)request_event(q, o);
}

static const char *row_text(const struct power_view *v, const struct power_row *row, char *dst,
                            size_t size) {
        static const char *const words[SHUTDOWN_STATE_MAX] = {
                [SHUTDOWN_WAITING] = "%s waits",
                [SHUTDOWN_STOPPING] = "%s goes off",
                [SHUTDOWN_SILENT] = "%s is silent, and never said that it goes off",
                [SHUTDOWN_HUNG] = "%s still answers",
                [SHUTDOWN_OFF] = "%s is off",
                [SHUTDOWN_BACK] = "%s is on again",
        };
        const char *format =
                v->reboot && row->state == SHUTDOWN_STOPPING ? "%s restarts" : words[row->state];
        const char *after = strstr(format, "%s") + 2;

        (void)snprintf(dst, size, "%s%s", row->name, after);
        return dst;
}

/* What is new in 'v' against 'old' (NULL: all of it); the end of it is the last line. */
static void tell_news(struct request *q, const struct power_view *v, const struct power_view *old) {
        bool ended = v->phase >= SHUTDOWN_DONE;
        char text[2 * SIZE_NAME];

        if (!ended && (!old || old->phase != v->phase))
                tell(q, v, NULL, v->text);
        for (uint32_t i = 0; i < v->n; i++) {
                const struct power_row *row = &v->rows[i], *before = NULL;

                for (uint32_t j = 0; old && j < old->n; j++)
                        if (old->rows[j].node == row->node)
                                before = &old->rows[j];
                if (before ? before->state != row->state : row->state != SHUTDOWN_WAITING)
                        tell(q, v, row, row_text(v, row, text, sizeof(text)));
        }
        if (ended && (!old || old->phase != v->phase))
                tell(q, v, NULL, v->text);
}

static void end_all(struct power *p, bool ok, const char *text) {
        while (p->watchers) {
                struct request *q = p->watchers;
                cJSON *o = cJSON_CreateObject();

                p->watchers = q->next_watcher;
                (void)cJSON_AddBoolToObject(o, "ok", ok);
                (void)cJSON_AddStringToObject(o, "text", text);
                request_reply(q, o);
                request_unref(q);
        }
}

void power_changed(struct power *p, const struct power_view *v) {
        struct power_view old = p->view;
        bool same = old.id == v->id && old.active;

        p->view = *v;
        p->version++;
        p->news = agent_now();
        for (struct request *q = p->watchers; q; q = q->next_watcher)
                tell_news(q, v, same ? &old : NULL);
        if (v->phase < SHUTDOWN_DONE)
                return;
        end_all(p, v->phase == SHUTDOWN_DONE, v->text);
        if (!p->lead.active && p->follow.id == 0)
                p->view.active = false;
}

void power_view_going(struct power *p) {
        struct power_view v = p->view;

        for (uint32_t i = 0; i < v.n && v.active && !p->lead.active; i++) {
                if (v.rows[i].node != p->agent->board.node)
                        continue;
                v.rows[i].state = SHUTDOWN_STOPPING;
                power_changed(p, &v);
        }
}

void power_view_over(struct power *p) {
        p->view.active = false;
        end_all(p, false, "the boards stay on: it was ended, or the boards are back");
}

void power_view_check(struct power *p, usec_t now) {
        if (p->watchers && usec_sub(now, p->news) > POWER_NEWS_USEC)
                end_all(p, false, "nothing was heard of it for a minute: agentctl status");
        if (p->view.active && p->view.phase >= SHUTDOWN_DONE && !p->lead.active &&
            p->follow.id == 0)
                p->view.active = false;
}

static void watcher_gone(struct request *q) {
        struct power *p = q->agent->power;

        for (struct request **at = &p->watchers; *at; at = &(*at)->next_watcher) {
                if (*at != q)
                        continue;
                *at = q->next_watcher;
                request_unref(q);
                return;
        }
}

void power_watch(struct request *q) {
        struct power *p = q->agent->power;

        q->on_gone = watcher_gone;
        q->next_watcher = p->watchers;
        p->watchers = request_ref(q);
        p->news = agent_now();
        power_run(p);
        if (p->view.active && p->view.phase < SHUTDOWN_DONE)
                tell_news(q, &p->view, NULL);
}
