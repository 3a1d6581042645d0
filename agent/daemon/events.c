#include "daemon/events.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/webhook.h"
#include "io/event_json.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
        CATCH_UP_SEC = 10,
        NEWS_SEC = 60, /* what is older was in the journal when it was new */
};

struct agent_events {
        struct agent *agent;
        struct events log;
        uint64_t said;          /* newest that readers and the journal were told of */
        uint64_t term, version; /* of the picture that events were last derived from */
        bool asking;            /* another board, for what is missing */
        bool lacks;             /* this agent leads, and was started anew: others remember more */
        uint64_t bramble;       /* that the log is of */
        struct request *followers; /* a list through 'next_watcher' */
};

static int64_t monotonic(void) {
        return (int64_t)agent_now();
}

static struct event_time event_now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (struct event_time){ monotonic(),
                                    (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 };
}

/* ---- telling -----------------------------------------------------------------------------------
 */

/* In the journal of the board that it is about, and of the leader, which is the one that knows. */
static void journal(const struct agent *a, const struct event *e) {
        static const enum log_level levels[SEVERITY_MAX] = { LOG_LEVEL_INFO, LOG_LEVEL_NOTICE,
                                                             LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
        const char *id = e->kind == EVENT_ALERT        ? LOG_ID_ALERT
                         : e->kind == EVENT_ALERT_OVER ? LOG_ID_ALERT_OVER
                                                       : LOG_ID_ROLE;

        if (monotonic() - e->at_usec > NEWS_SEC * (int64_t)USEC_PER_SEC)
                return;
        if (e->kind == EVENT_ELECTED) /* who is elected says so itself, and sooner */
                return;
        if (!membership_leads(a) && !str_eq(e->board, a->name))
                return;
        log_event(levels[e->severity], id, e->board, "%s", e->text);
}

/* All that came behind what was said last; 'leads': this board wrote it. */
static void say(struct agent_events *ev, bool leads) {
        for (uint32_t i = events_since(&ev->log, ev->said); i < ev->log.n; i++) {
                const struct event *e = events_at(&ev->log, i);
                auto_json cJSON *o = ev->followers ? event_json(e, monotonic()) : NULL;

                journal(ev->agent, e);
                for (struct request *q = ev->followers; q; q = q->next_watcher)
                        (void)request_event(q, o);
                if (leads)
                        webhook_event(ev->agent, e);
        }
        ev->said = events_last(&ev->log);
}

/* Another bramble (two became one) has another story. */
static void begin(struct agent_events *ev, uint64_t bramble) {
        if (ev->bramble == bramble)
                return;
        ev->bramble = bramble;
        ev->said = 0;
        ev->log.first = ev->log.n = 0; /* the rest is not touched: it is 100 KB */
}

/* ---- the leader --------------------------------------------------------------------------------
 */

/* A log that begins anew (the agent was restarted) takes what the others remember. */
static void catch_up(struct agent_events *ev, const struct world *now);

void events_lead(struct agent *a, struct world *now) {
        struct agent_events *ev = a->events;
        const struct world *before = &a->world;
        /* a picture that could not be told is made once more from the same one before it */
        bool again = before->bramble == now->bramble && before->term == ev->term &&
                     before->version == ev->version && ev->version;

        begin(ev, now->bramble);
        ev->lacks = ev->lacks || before->bramble != now->bramble;
        if (!again)
                (void)events_step(&ev->log, before, now, event_now());
        ev->term = before->term;
        ev->version = before->version;
        say(ev, true);
        catch_up(ev, now);
        now->last_event = events_last(&ev->log);
}

void events_tell(struct agent *a, const struct event *e) {
        if (!membership_leads(a))
                return;
        (void)events_add(&a->events->log, a->world.term, event_now(), e);
        say(a->events, true);
        coordinator_changed(a); /* the next picture names it */
}

/* ---- from another board ------------------------------------------------------------------------
 */

static void take(struct agent_events *ev, const cJSON *reply) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(reply, "events"), *o;
        unsigned n = 0;

        cJSON_ArrayForEach(o, list) {
                struct event e;

                if (n++ == LIMIT_EVENTS)
                        break;
                if (event_from_json(o, monotonic(), &e) == 0)
                        (void)events_merge(&ev->log, &e);
        }
}

static cJSON *list_request(const struct agent_events *ev) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", "event-list");
        (void)cJSON_AddNumberToObject(o, "since", (double)events_last(&ev->log));
        return o;
}

static void on_list(void *arg, int result, const char *why, const cJSON *reply) {
        struct agent_events *ev = arg;

        (void)why;
        ev->asking = false;
        if (result < 0 || !reply)
                return; /* asked again in a second */
        take(ev, reply);
        say(ev, false);
}

void events_follow(struct agent *a) {
        struct agent_events *ev = a->events;
        auto_json cJSON *request = NULL;

        begin(ev, a->world.bramble);
        if (ev->asking || a->world.last_event <= events_last(&ev->log))
                return;
        ev->asking = true;
        request = list_request(ev);
        api_ask_leader(a, request, on_list, ev);
}

/* What others remember is older than what this leader has said since. */
static void on_caught_up(void *arg, int result, const char *why, const cJSON *reply) {
        struct agent_events *ev = arg;

        (void)why;
        ev->asking = false;
        ev->lacks = result < 0;
        if (result == 0 && reply)
                take(ev, reply);
}

static void catch_up(struct agent_events *ev, const struct world *now) {
        auto_json cJSON *request = NULL;

        if (!ev->lacks || ev->asking)
                return;
        for (uint32_t i = 0; i < now->n_members; i++) {
                const struct world_member *m = &now->members[i];
                struct board_ask *ask;

                if (m->node == ev->agent->board.node || !m->up)
                        continue;
                request = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(request, "verb", "event-list");
                ev->asking = api_ask_board(ev->agent, m->node, request, CATCH_UP_SEC, on_caught_up,
                                           ev, &ask) == 0;
                return;
        }
}

/* ---- verbs -------------------------------------------------------------------------------------
 */

static uint64_t since(const struct request *q) {
        uint64_t id = 0;

        (void)json_number(q->args, "since", UINT64_MAX, &id);
        return id;
}

void verb_event_list(struct request *q) {
        const struct events *log = &q->agent->events->log;
        cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "events");

        for (uint32_t i = events_since(log, since(q)); i < log->n; i++)
                (void)cJSON_AddItemToArray(list, event_json(events_at(log, i), monotonic()));
        request_reply(q, o);
}

static void follower_gone(struct request *q) {
        for (struct request **p = &q->agent->events->followers; *p; p = &(*p)->next_watcher) {
                if (*p != q)
                        continue;
                *p = q->next_watcher;
                request_unref(q);
                return;
        }
}

/* {"since":ID,"since_ms":AGE,"follow":BOOL}: an event each, and, where not following, a reply. */
void verb_events(struct request *q) {
        struct agent_events *ev = q->agent->events;
        uint64_t age_ms = UINT64_MAX;
        cJSON *end;

        (void)json_number(q->args, "since_ms", UINT64_MAX, &age_ms);
        for (uint32_t i = events_since(&ev->log, since(q)); i < ev->log.n; i++) {
                const struct event *e = events_at(&ev->log, i);
                auto_json cJSON *o = NULL;

                if ((uint64_t)(monotonic() - e->at_usec) / USEC_PER_MSEC > age_ms)
                        continue;
                o = event_json(e, monotonic());
                (void)request_event(q, o);
        }
        if (!json_bool(q->args, "follow")) {
                end = cJSON_CreateObject();
                (void)cJSON_AddNumberToObject(end, "last", (double)events_last(&ev->log));
                request_reply(q, end);
                return;
        }
        q->on_gone = follower_gone;
        q->next_watcher = ev->followers;
        ev->followers = request_ref(q);
}

int events_open(struct agent *a) {
        struct agent_events *ev = calloc(1, sizeof(*ev));

        if (!ev)
                return -ENOMEM;
        ev->agent = a;
        a->events = ev;
        return 0;
}
