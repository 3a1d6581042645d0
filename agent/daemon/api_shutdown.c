/* api_shutdown - a person switches boards off: any board takes the wish, the leader writes it down,
 * and boards tell each other how far it is. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/coordinator.h"
#include "daemon/kube_snapshots.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/power_private.h"
#include "daemon/runner.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { GATHER_MS = 1000 };

/* ---- which boards, in which order ------------------------------------------------------------ */

struct order {
        const struct agent *agent;
        uint64_t nodes[LIMIT_BOARDS], last;
        bool up[LIMIT_BOARDS]; /* in the order of the charter */
        uint32_t n;
};

static void add_board(void *arg, const struct coordinator_board *b) {
        struct order *o = arg;
        struct consensus *consensus = membership_consensus(o->agent);
        uint64_t node = b->member->node;

        o->up[o->n] = b->up;
        o->nodes[o->n++] = node;
        if (node == o->agent->charter.master && b->up &&
            consensus_role(consensus, node) == VOTER_VOTES)
                o->last = node;
}

static void reply_order(struct request *q, uint64_t only) {
        struct agent *a = q->agent;
        struct order order = { .agent = a, .last = a->board.node };
        cJSON *o = cJSON_CreateObject(), *boards = cJSON_CreateArray();
        uint64_t nodes[LIMIT_BOARDS];
        uint32_t place = 0;

        coordinator_each(a, add_board, &order);
        memcpy(nodes, order.nodes, sizeof(nodes));
        shutdown_order(nodes, order.n, order.last);
        for (uint32_t i = 0; i < order.n; i++) {
                const struct charter_member *m = charter_member(&a->charter, nodes[i]);
                bool up = false;
                cJSON *item;

                if (!m || (only && only != m->node))
                        continue;
                for (uint32_t j = 0; j < order.n; j++)
                        if (order.nodes[j] == nodes[i])
                                up = order.up[j];
                item = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(item, "name", m->name);
                (void)cJSON_AddStringToObject(item, "role",
                                              m->node == a->charter.master ? "master" : "worker");
                (void)cJSON_AddNumberToObject(item, "order", ++place);
                (void)cJSON_AddStringToObject(item, "state", up ? "waiting" : "silent");
                (void)cJSON_AddItemToArray(boards, item);
        }
        (void)cJSON_AddBoolToObject(o, "dry_run", true);
        (void)cJSON_AddStringToObject(o, "cluster", a->charter.cluster);
        (void)cJSON_AddItemToObject(o, "boards", boards);
        request_reply(q, o);
}

/* ---- the leader writes it down --------------------------------------------------------------- */

struct begin {
        struct request *q;
        struct charter_shutdown record;
        uv_timer_t timer;
        unsigned waiting; /* boards that have not said in which life they are */
        bool submitted, answered, closed;
};

struct gather {
        struct begin *begin;
        uint64_t node;
};

static void begin_free(struct begin *b) {
        if (b->waiting == 0 && b->answered && b->closed)
                free(b);
}

static void reply_id(struct request *q, uint64_t id) {
        cJSON *o = cJSON_CreateObject();
        char hex[17];

        str_hex64(id, hex);
        (void)cJSON_AddStringToObject(o, "id", hex);
        request_reply(q, o);
}

/* A board that was told to restart cannot be told otherwise, and whoever wants it off does not want
 * it to come back. */
static void refuse_contrary(struct request *q, const struct charter_member *only, bool restarts) {
        const char *who = only ? only->name : "the boards", *are = only ? "is" : "are";

        if (restarts)
                request_fail(q, 409, "%s %s being restarted: switch %s off when %s %s back", who,
                             are, only ? "it" : "them", only ? "it" : "they", are);
        else
                request_fail(q, 409,
                             "%s %s being switched off, and %s not start again without a person: "
                             "unplug and plug in again",
                             who, are, only ? "does" : "do");
}

/* It is under way already: whoever asks again watches it. */
static void reply_again(struct request *q, uint64_t only) {
        const struct charter_shutdown *now = &q->agent->charter.shutdown;
        bool reboot = json_bool(q->args, "reboot");

        if (charter_shutdown_wish(now, only, reboot) == SHUTDOWN_WISH_CONTRARY)
                refuse_contrary(q, charter_member(&q->agent->charter, now->only), now->reboot);
        else
                reply_id(q, now->id);
}

static void on_written(void *arg, int result) {
        struct begin *b = arg;
        const struct charter_shutdown *now = &b->q->agent->charter.shutdown;

        if (result == 0)
                reply_id(b->q, b->record.id);
        else if (result == -EALREADY && now->id)
                reply_again(b->q, b->record.only);
        else if (result == -EBUSY)
                request_fail(b->q, 409, "another board is being switched off: wait for its end");
        else
                request_fail_errno(b->q, result,
                                   result == -ECANCELED ? "the leader has just changed: try again"
                                                        : "");
        power_look(b->q->agent);
        request_unref(b->q);
        b->answered = true;
        begin_free(b);
}

static void on_timer_closed(uv_handle_t *handle) {
        struct begin *b = handle->data;

        b->closed = true;
        begin_free(b);
}

static void write_down(struct begin *b) {
        struct charter_command cmd = { .op = CHARTER_SHUTDOWN_SET, .shutdown = b->record };
        struct consensus *consensus = membership_consensus(b->q->agent);
        int r;

        if (b->submitted)
                return;
        b->submitted = true;
        uv_close((uv_handle_t *)&b->timer, on_timer_closed);
        r = consensus ? consensus_submit(consensus, &cmd, on_written, b) : -ENOTCONN;
        if (r < 0)
                on_written(b, r);
}

static void on_patience_over(uv_timer_t *timer) {
        write_down(timer->data);
}

static void on_life(void *arg, int result, const char *why, const cJSON *reply) {
        struct gather *g = arg;
        struct begin *b = g->begin;
        uint64_t boot = 0;

        (void)why;
        if (result == 0)
                (void)str_from_hex64(json_text(reply, "boot", ""), &boot);
        for (uint32_t i = 0; i < b->record.n; i++)
                if (b->record.boards[i].node == g->node)
                        b->record.boards[i].boot = boot;
        free(g);
        if (--b->waiting == 0 && !b->submitted)
                write_down(b);
        else
                begin_free(b);
}

/* Asks the boards in which life they are: that one is to end, and no later one. */
static void gather(struct begin *b) {
        struct agent *a = b->q->agent;
        auto_json cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "verb", "power");
        b->waiting = 1; /* until all are asked */
        for (uint32_t i = 0; i < b->record.n; i++) {
                struct charter_shutdown_board *board = &b->record.boards[i];
                struct gather *g;

                if (board->node == a->board.node)
                        board->boot = a->power->boot;
                if (board->node == a->board.node || !peers_link(a, board->node) ||
                    !(g = calloc(1, sizeof(*g))))
                        continue;
                *g = (struct gather){ b, board->node };
                b->waiting++;
                api_ask_peer(a, board->node, o, on_life, g);
        }
        (void)uv_timer_start(&b->timer, on_patience_over, GATHER_MS, 0);
        if (--b->waiting == 0)
                write_down(b);
}

static int make_record(struct request *q, uint64_t only, struct charter_shutdown *ret) {
        const struct charter *c = &q->agent->charter;
        uint64_t timeout = SHUTDOWN_TIMEOUT;

        if (cJSON_GetObjectItemCaseSensitive(q->args, "timeout_s") &&
            (json_number(q->args, "timeout_s", SHUTDOWN_TIMEOUT_MOST, &timeout) < 0 ||
             timeout < SHUTDOWN_TIMEOUT_LEAST)) {
                request_fail(q, 400, "the timeout is a number of seconds from %d to %d",
                             SHUTDOWN_TIMEOUT_LEAST, SHUTDOWN_TIMEOUT_MOST);
                return -EINVAL;
        }
        *ret = (struct charter_shutdown){ .reboot = json_bool(q->args, "reboot"),
                                          .only = only,
                                          .timeout_sec = (uint32_t)timeout };
        if (getrandom(&ret->id, sizeof(ret->id), 0) != sizeof(ret->id) || ret->id == 0)
                ret->id = q->agent->boot | 1;
        for (uint32_t i = 0; i < c->n_members; i++)
                if (!only || c->members[i].node == only)
                        ret->boards[ret->n++].node = c->members[i].node;
        return 0;
}

void verb_shutdown_begin(struct request *q) {
        struct agent *a = q->agent;
        const struct charter_shutdown *now = &a->charter.shutdown;
        const char *name = json_text(q->args, "only", "");
        const struct charter_member *m = charter_member_by_name(&a->charter, name);
        uint64_t only = m ? m->node : 0;
        struct begin *b;

        if (name[0] && !m) {
                request_fail(q, 404, "no board is called '%.63s': agentctl status", name);
                return;
        }
        if (json_bool(q->args, "dry_run")) {
                reply_order(q, only);
                return;
        }
        if (charter_shutdown_wish(now, only, json_bool(q->args, "reboot")) != SHUTDOWN_WISH_NEW) {
                reply_again(q, only);
                return;
        }
        b = calloc(1, sizeof(*b));
        if (!b) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        if (make_record(q, only, &b->record) < 0 || uv_timer_init(a->loop, &b->timer) < 0) {
                free(b);
                return;
        }
        log_notice("a person %s %s", json_bool(q->args, "reboot") ? "restarts" : "switches off",
                   m ? m->name : "all boards");
        b->timer.data = b;
        b->q = request_ref(q);
        gather(b);
}

/* Is anybody being switched off? */
void verb_shutdown_record(struct request *q) {
        const struct charter_shutdown *now = &q->agent->charter.shutdown;
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddBoolToObject(o, "record", now->id != 0 && !now->returning);
        request_reply(q, o);
}

/* ---- what a person asks ---------------------------------------------------------------------- */

/* Nobody leads, and this board needs nobody for itself.  (Whoever only asks for the order hears
 * that nobody leads.) */
static bool goes_alone(const struct request *q) {
        const char *name = json_text(q->args, "only", "");

        return name[0] && str_eq(name, q->agent->name) && !json_bool(q->args, "dry_run");
}

static void go_alone(struct request *q) {
        cJSON *o = cJSON_CreateObject();

        power_go(q->agent->power, json_bool(q->args, "reboot"));
        (void)cJSON_AddBoolToObject(o, "ok", true);
        (void)cJSON_AddStringToObject(o, "text", "this board goes off now");
        request_reply(q, o);
}

static void on_begun(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;

        if (json_text(reply, "error", NULL) || (result == 0 && json_bool(reply, "dry_run"))) {
                request_reply(q, cJSON_Duplicate(reply, true));
        } else if (result == -ENOTCONN && goes_alone(q)) {
                go_alone(q);
        } else if (result < 0) {
                request_fail_errno(q, result, why);
        } else {
                power_watch(q);
        }
        request_unref(q);
}

/* This board sees to it, and may have nobody left to lead. */
static bool under_way(const struct request *q) {
        const struct power_lead *l = &q->agent->power->lead;

        return l->active && !l->plan.only && !json_bool(q->args, "dry_run") &&
               l->plan.phase < SHUTDOWN_DONE && !json_text(q->args, "only", "")[0];
}

void verb_shutdown(struct request *q) {
        auto_json cJSON *o = NULL;

        if (under_way(q)) {
                const struct shutdown_plan *plan = &q->agent->power->lead.plan;

                if (plan->reboot == json_bool(q->args, "reboot"))
                        power_watch(q);
                else
                        refuse_contrary(q, NULL, plan->reboot);
                return;
        }
        o = cJSON_Duplicate(q->args, true);
        (void)cJSON_ReplaceItemInObjectCaseSensitive(o, "verb",
                                                     cJSON_CreateString("shutdown-begin"));
        api_run_on_leader(q->agent, o, on_begun, request_ref(q));
}

void verb_shutdown_status(struct request *q) {
        request_reply(q, power_view_json(&q->agent->power->view));
}

/* ---- what the board that leads it asks ------------------------------------------------------- */

static void take_view(struct power *p, const cJSON *o) {
        struct power_view v;

        p->news = agent_now();
        if (cJSON_IsObject(o) && power_view_read(o, &v) == 0)
                power_changed(p, &v);
}

/* Who leads says how it is, and asks how this board is.  Without an id: only the latter.  An order
 * for an earlier life of this board is none. */
void verb_power(struct request *q) {
        struct power *p = q->agent->power;
        uint64_t id = 0, boot = 0, timeout = SHUTDOWN_TIMEOUT;
        bool from_leader = link_node(q->link) == membership_leader(q->agent);
        const char *why = p->why;
        cJSON *o;
        char hex[17];

        (void)str_from_hex64(json_text(q->args, "id", ""), &id);
        (void)str_from_hex64(json_text(q->args, "boot", ""), &boot);
        (void)json_number(q->args, "timeout_s", SHUTDOWN_TIMEOUT_MOST, &timeout);
        /* It obeys only its leader, and one that it has heard of this shutdown from.  How it is it
         * says to each member: in its next life it has forgotten, and by its boot the asker sees
         * that it was off, however short that was. */
        if (id && !from_leader && p->follow.id != id && p->view.id != id) {
                why = boot == p->boot ? "this board knows of no such shutdown" : "";
                id = 0;
        }
        if (id)
                take_view(p, cJSON_GetObjectItemCaseSensitive(q->args, "view"));
        if (id && (!boot || boot == p->boot)) {
                bool held = json_bool(q->args, "held");

                if (held || p->follow.id == id)
                        power_hold(p, id, held, timeout * USEC_PER_SEC);
                if (held && json_bool(q->args, "order"))
                        power_go(p, json_bool(q->args, "reboot"));
        }
        o = cJSON_CreateObject();
        str_hex64(p->boot, hex);
        (void)cJSON_AddStringToObject(o, "boot", hex);
        (void)cJSON_AddBoolToObject(o, "going", p->going);
        (void)cJSON_AddNumberToObject(o, "functions", runner_left(q->agent));
        (void)cJSON_AddStringToObject(o, "why", why);
        request_reply(q, o);
}

void verb_power_snapshot(struct request *q) {
        kube_snapshots_now(q->agent);
        request_reply(q, cJSON_CreateObject());
}
