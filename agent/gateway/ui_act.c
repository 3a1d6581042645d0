/* POST /ui/act: what somebody does to boards.  The agent does it, and goes on with it though the
 * page be closed; how far a shutdown is, all who look are told. */
#include "base/scope.h"
#include "base/str.h"
#include "io/ui_act_request.h"
#include "io/ui_json.h"
#include "gateway/ui_private.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct ui_action {
        struct list link;
        struct ui *ui;
        struct ui_request *q; /* whoever asked, until answered */
        struct agent_stream *stream;
        struct deadline deadline; /* then it is answered that it is under way */
        struct ui_act_request act;
        bool refused;     /* the agent's last word is that it did not work */
        bool told_failed; /* so all who look know already */
        cJSON *steps;     /* of a dry run */
        int n_steps;
};

static void action_free(struct ui_action *a) {
        deadline_clear(&a->deadline);
        list_remove(&a->link);
        a->ui->n_actions--;
        cJSON_Delete(a->steps);
        free(a);
}

void ui_action_orphan(struct ui_action *a) {
        a->q = NULL;
        if (!a->act.dry_run)
                return;
        agent_stream_close(a->stream); /* only whoever asked wants to know */
        action_free(a);
}

static struct ui_request *take_request(struct ui_action *a) {
        struct ui_request *q = a->q;

        a->q = NULL;
        deadline_clear(&a->deadline);
        if (q)
                q->action = NULL;
        return q;
}

static void answer(struct ui_action *a, const char *text) {
        struct ui_request *q = take_request(a);
        cJSON *o;

        if (!q)
                return;
        o = cJSON_CreateObject();
        (void)cJSON_AddTrueToObject(o, "ok");
        (void)cJSON_AddStringToObject(o, "text", text);
        if (a->steps)
                (void)cJSON_AddItemToObject(o, "steps", take_ptr(a->steps));
        ui_reply_json(q, 200, o);
}

/* ---- progress ---------------------------------------------------------------------------------
 */

static void tell(struct ui *ui, const cJSON *line) {
        struct ui_message *m = ui_message_begin("shutdown");

        if (m && ui_json_add(&m->plain, line) == 0 && ui_message_end(m) == 0)
                ui_viewers_send(ui, m);
        ui_message_unref(m);
}

static void tell_failed(struct ui *ui, const char *error) {
        auto_json cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "phase", "failed");
        (void)cJSON_AddStringToObject(o, "board", "");
        (void)cJSON_AddStringToObject(o, "state", "");
        (void)cJSON_AddStringToObject(o, "text", error);
        tell(ui, o);
}

static void on_event(void *arg, const cJSON *event) {
        struct ui_action *a = arg;

        if (!a->act.off)
                return;
        if (!a->act.dry_run) {
                a->told_failed = a->told_failed || str_eq(json_text(event, "phase", ""), "failed");
                tell(a->ui, event);
                answer(a, a->act.done);
        } else if (a->steps && a->n_steps < UI_STEPS) {
                a->n_steps++;
                (void)cJSON_AddItemToArray(a->steps, cJSON_Duplicate(event, true));
        }
}

/* What the agent says at the end is said, where it says something. */
static void on_reply(void *arg, const cJSON *reply) {
        struct ui_action *a = arg;
        const char *text = json_text(reply, "text", "");
        /* of a dry run: the boards in the order in which they go */
        const cJSON *steps = cJSON_GetObjectItemCaseSensitive(reply, "boards");

        a->refused = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(reply, "ok"));
        if (text[0])
                (void)snprintf(a->act.done, sizeof(a->act.done), "%s", text);
        if (a->act.dry_run && a->n_steps == 0 && cJSON_IsArray(steps)) {
                cJSON_Delete(a->steps);
                a->steps = cJSON_Duplicate(steps, true);
        }
}

static void on_end(void *arg, unsigned code, const char *error) {
        struct ui_action *a = arg;
        struct ui_request *q;

        if (code == 0 && a->refused) {
                code = 409;
                error = a->act.done;
        }
        if (code == 0) {
                answer(a, a->act.done);
                action_free(a);
                return;
        }
        q = take_request(a);
        if (q) {
                ui_reply_error(q, code, "%s", error);
        } else {
                log_warning("what the dashboard asked for did not work: %s", error);
                if (a->act.off && !a->told_failed && !a->ui->stopping)
                        tell_failed(a->ui, error);
        }
        action_free(a);
}

static void on_expired(struct deadline *d) {
        struct ui_action *a = container_of(d, struct ui_action, deadline);

        answer(a, "It is under way.");
}

/* ---- the beginning ----------------------------------------------------------------------------
 */

static void start(struct ui_request *q, struct ui_act_request *act) {
        static const struct agent_stream_ops ops = { .event = on_event,
                                                     .reply = on_reply,
                                                     .end = on_end };
        struct ui *ui = q->ui;
        struct ui_action *a = calloc(1, sizeof(*a));

        if (!a) {
                cJSON_Delete(act->request);
                ui_reply_error(q, 503, "The gateway is out of memory.");
                return;
        }
        *a = (struct ui_action){ .ui = ui, .q = q, .act = *act };
        deadline_init(&a->deadline, on_expired);
        list_append(&ui->actions, &a->link);
        ui->n_actions++;
        a->act.request = NULL;
        a->steps = act->dry_run ? cJSON_CreateArray() : NULL;
        if (agent_stream_open(ui->g, act->request, &ops, a, &a->stream) < 0) {
                action_free(a);
                ui_reply_error(q, 503,
                               "The agent of this board cannot be asked now; try again in "
                               "a moment.");
                return;
        }
        q->action = a;
        deadline_set(&ui->g->deadlines, &a->deadline, DEADLINE_AGENT);
}

void ui_act(struct ui_request *q) {
        struct session *session = ui_request_session(q);
        struct ui *ui = q->ui;
        struct ui_act_request act;
        struct fail f = { 0 };
        int r;

        if (!session) { /* it ended since the head came */
                ui_reply_error(q, 401, "You are not logged in any more: load /ui/ anew.");
                return;
        }
        if (ui_act_request_read(q->body.data, q->body.len, ui->g->cluster, &act, &f) < 0) {
                ui_reply_error(q, 400, "%s", fail_text(&f));
                return;
        }
        r = session_take_once(&ui->sessions, session, ui_now(ui), act.once);
        if (r == 0 && ui->n_actions < UI_ACTIONS && !ui->stopping) {
                start(q, &act);
                return;
        }
        cJSON_Delete(act.request);
        if (r == -EEXIST)
                ui_reply_error(q, 409, "This was asked for already, and is not done twice.");
        else if (r == -EINVAL)
                ui_reply_error(q, 400, "'once' has to be %d to %d letters, digits, - and _.",
                               SESSION_ONCE_LEAST, SESSION_ONCE_MOST);
        else
                ui_reply_error(q, 503, "Too much is being done already; try again in a moment.");
}

void ui_actions_stop(struct ui *ui) {
        struct ui_action *a, *next;

        list_each(a, next, &ui->actions, link) {
                struct ui_request *q = take_request(a);

                if (q)
                        ui_reply_error(q, 503, "The gateway of this board stops.");
                agent_stream_close(a->stream);
                action_free(a);
        }
}
