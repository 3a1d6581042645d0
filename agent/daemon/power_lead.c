/* power_lead - the board that leads a shutdown: asks the others how they are, tells them what to
 * do, tries their addresses, and goes off last.  It goes on when no majority is left to lead, for
 * it is what switched that off. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/events.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/power_private.h"
#include "daemon/runner.h"
#include "io/json.h"
#include "io/log.h"
#include "io/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REACH_MS = 1000 };

#define POLL_USEC     (500 * USEC_PER_MSEC)
#define POLL_OLD_USEC (3 * USEC_PER_SEC) /* a question that is not answered is asked again */

/* Whom an answer is about. */
struct poll {
        struct power *p;
        uint64_t id, node;
};

static struct shutdown_fact *fact_of(struct power_lead *l, uint64_t node) {
        for (uint32_t i = 0; i < l->n; i++)
                if (l->facts[i].node == node)
                        return &l->facts[i];
        return NULL;
}

static struct power_board *board_of(struct power_lead *l, uint64_t node) {
        for (uint32_t i = 0; i < l->n; i++)
                if (l->boards[i].node == node)
                        return &l->boards[i];
        return NULL;
}

static const char *name_of(void *arg, uint64_t node) {
        const struct agent *a = arg;
        const struct charter_member *m = charter_member(&a->charter, node);
        const struct world_member *w = m ? NULL : world_member(&a->world, node);

        return m ? m->name : w ? w->name : "a board";
}

/* ---- what is shown --------------------------------------------------------------------------- */

void power_lead_view(const struct power *p, struct power_view *v) {
        const struct shutdown_plan *plan = &p->lead.plan;
        struct agent *a = p->agent;
        uint64_t nodes[LIMIT_BOARDS];

        *v = (struct power_view){ .id = plan->id,
                                  .active = true,
                                  .reboot = plan->reboot,
                                  .phase = plan->phase,
                                  .n = plan->n };
        for (uint32_t i = 0; i < plan->n; i++)
                nodes[i] = plan->boards[i].node;
        shutdown_order(nodes, plan->n, plan->last);
        for (uint32_t i = 0; i < plan->n; i++) {
                struct power_row *row = &v->rows[i];

                row->node = nodes[i];
                row->master = nodes[i] == a->charter.master;
                (void)str_copy(row->name, sizeof(row->name), name_of(a, nodes[i]));
                for (uint32_t j = 0; j < plan->n; j++)
                        if (plan->boards[j].node == nodes[i])
                                row->state = plan->boards[j].state;
        }
        if (plan->last)
                (void)str_copy(v->last, sizeof(v->last), name_of(a, plan->last));
        (void)shutdown_text(plan, name_of, a, v->text, sizeof(v->text));
}

/* ---- questions and orders -------------------------------------------------------------------- */

/* What keeps a board from going off, said once. */
static void note_why(struct power *p, struct power_board *b, const char *why) {
        if (str_eq(b->why, why))
                return;
        (void)snprintf(b->why, sizeof(b->why), "%s", why);
        if (why[0])
                log_warning("%s does not go off: %s", name_of(p->agent, b->node), why);
}

static void on_answer(void *arg, int result, const char *why, const cJSON *reply) {
        struct poll *poll = arg;
        struct power *p = poll->p;
        struct power_lead *l = &p->lead;
        bool of_now = l->active && l->plan.id == poll->id;
        struct shutdown_fact *f = of_now ? fact_of(l, poll->node) : NULL;
        struct power_board *b = of_now ? board_of(l, poll->node) : NULL;
        const char *error = json_text(reply, "error", NULL);
        uint64_t functions;

        (void)why;
        free(poll);
        if (!b || !f)
                return;
        b->polled = 0;
        if (error)
                note_why(p, b, error);
        if (result < 0 || error || str_from_hex64(json_text(reply, "boot", ""), &f->boot) < 0)
                return;
        f->heard = agent_now();
        f->going = json_bool(reply, "going");
        if (json_number(reply, "functions", LIMIT_BOARD_INSTANCES, &functions) == 0)
                f->functions = (uint32_t)functions;
        note_why(p, b, json_text(reply, "why", ""));
}

static cJSON *question(const struct power *p, uint64_t node, bool with_view) {
        const struct shutdown_plan *plan = &p->lead.plan;
        cJSON *o = cJSON_CreateObject();
        char hex[17];

        (void)cJSON_AddStringToObject(o, "verb", "power");
        str_hex64(plan->id, hex);
        (void)cJSON_AddStringToObject(o, "id", hex);
        str_hex64(shutdown_boot(plan, node), hex);
        (void)cJSON_AddStringToObject(o, "boot", hex);
        (void)cJSON_AddBoolToObject(o, "held", shutdown_holds(plan, node));
        (void)cJSON_AddBoolToObject(o, "order", shutdown_orders(plan, node));
        (void)cJSON_AddBoolToObject(o, "reboot", plan->reboot);
        (void)cJSON_AddNumberToObject(o, "timeout_s", (double)(plan->timeout_usec / USEC_PER_SEC));
        if (with_view)
                (void)cJSON_AddItemToObject(o, "view", power_view_json(&p->view));
        return o;
}

static void ask(struct power *p, struct power_board *b, usec_t now, bool news) {
        auto_json cJSON *o = NULL;
        struct poll *poll;

        if (!peers_link(p->agent, b->node) ||
            (!news && b->polled && usec_sub(now, b->polled) < POLL_OLD_USEC))
                return;
        poll = calloc(1, sizeof(*poll));
        if (!poll)
                return;
        *poll = (struct poll){ p, p->lead.plan.id, b->node };
        o = question(p, b->node, b->told != p->version);
        b->told = p->version;
        b->polled = now;
        api_ask_peer(p->agent, b->node, o, on_answer, poll);
}

static void on_reached(void *arg, bool answered) {
        struct poll *poll = arg;
        struct power_lead *l = &poll->p->lead;
        bool of_now = l->active && l->plan.id == poll->id;
        struct shutdown_fact *f = of_now ? fact_of(l, poll->node) : NULL;
        struct power_board *b = of_now ? board_of(l, poll->node) : NULL;

        if (b)
                b->reaching = false;
        if (f && answered)
                f->answered = agent_now();
        if (f)
                f->misses = answered ? 0 : f->misses + 1;
        free(poll);
}

/* One attempt at a time, while it is to go off and longer, in case it does not. */
static void try_address(struct power *p, struct power_board *b) {
        uint16_t port = 0;
        const char *address = peers_address(p->agent, b->node, &port);
        struct poll *poll;

        if (b->reaching || p->lead.plan.phase != SHUTDOWN_BOARDS || b->node == p->lead.plan.last)
                return;
        poll = calloc(1, sizeof(*poll));
        if (!poll)
                return;
        *poll = (struct poll){ p, p->lead.plan.id, b->node };
        if (!address) { /* it was never there */
                on_reached(poll, false);
                return;
        }
        b->reaching = true;
        if (reach(p->agent->loop, address, port, REACH_MS, on_reached, poll) < 0)
                on_reached(poll, false);
}

static void poll_all(struct power *p, usec_t now, bool news) {
        struct power_lead *l = &p->lead;

        if (!news && usec_sub(now, l->polled) < POLL_USEC)
                return;
        if (!news)
                l->polled = now;
        for (uint32_t i = 0; i < l->n; i++) {
                if (l->boards[i].node == p->agent->board.node)
                        continue;
                ask(p, &l->boards[i], now, news);
                if (!news)
                        try_address(p, &l->boards[i]);
        }
}

/* ---- facts ----------------------------------------------------------------------------------- */

/* Every member has a row: those that the record is not about are told how it goes, too. */
static void follow_members(struct power *p) {
        const struct charter *c = &p->agent->charter;
        struct power_lead *l = &p->lead;

        for (uint32_t i = 0; i < c->n_members && l->n < LIMIT_BOARDS; i++) {
                uint64_t node = c->members[i].node;

                if (fact_of(l, node))
                        continue;
                l->boards[l->n] = (struct power_board){ .node = node };
                l->facts[l->n++] = (struct shutdown_fact){ .node = node };
        }
        for (uint32_t i = 0; i < l->n; i++) {
                struct consensus *consensus = membership_consensus(p->agent);

                l->facts[i].votes =
                        consensus && consensus_role(consensus, l->facts[i].node) == VOTER_VOTES;
        }
}

static void own_fact(struct power *p, usec_t now) {
        struct shutdown_fact *f = fact_of(&p->lead, p->agent->board.node);

        if (!f)
                return;
        f->heard = f->answered = now;
        f->boot = p->boot;
        f->going = p->going;
        f->functions = runner_left(p->agent);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static void on_cleared(void *arg, int result) {
        struct power *p = arg;

        p->lead.clearing = false;
        if (result < 0 && result != -ENOENT && result != -EINVAL && result != -ECANCELED)
                log_warning("the end of a shutdown could not be written down: %s",
                            strerror(-result));
}

void power_clear(struct power *p, uint64_t id, bool returning) {
        struct charter_command cmd = { .op = CHARTER_SHUTDOWN_CLEAR,
                                       .shutdown = { .id = id, .returning = returning } };
        struct consensus *consensus = membership_consensus(p->agent);

        if (p->lead.clearing || !consensus || !membership_leads(p->agent))
                return;
        p->lead.clearing = consensus_submit(consensus, &cmd, on_cleared, p) == 0;
}

static void on_handed(void *arg, int result) {
        struct power *p = arg;

        p->lead.handing = false;
        if (result < 0)
                log_info("the leadership stays here: %s", strerror(-result));
}

static void hand_over(struct power *p, uint64_t to) {
        struct consensus *consensus = membership_consensus(p->agent);

        if (p->lead.handing || !consensus)
                return;
        p->lead.handing = consensus_transfer(consensus, to, on_handed, p) == 0;
        if (p->lead.handing)
                log_info("the leadership goes to %s", to ? name_of(p->agent, to) : "another board");
}

static void tell_begun(struct power *p, const struct charter_shutdown *record) {
        struct event e = { .kind = EVENT_SHUTDOWN,
                           .severity = SEVERITY_INFO,
                           .alarm = ALARM_KINDS };

        if (record->only) {
                (void)str_copy(e.board, sizeof(e.board), name_of(p->agent, record->only));
                (void)snprintf(e.text, sizeof(e.text), "%.63s is being %s", e.board,
                               record->reboot ? "restarted" : "switched off");
        } else {
                (void)snprintf(e.text, sizeof(e.text), "all boards are being %s",
                               record->reboot ? "restarted" : "switched off");
        }
        events_tell(p->agent, &e);
}

static void begin(struct power *p, usec_t now) {
        struct power_lead *l = &p->lead;
        const struct charter_shutdown *record = &p->agent->charter.shutdown;
        struct shutdown_board seen[LIMIT_BOARDS];
        uint32_t n = 0;

        if (p->view.id == record->id)
                for (; n < p->view.n; n++)
                        seen[n] = (struct shutdown_board){ .node = p->view.rows[n].node,
                                                           .state = p->view.rows[n].state };
        *l = (struct power_lead){ .active = true, .handing = l->handing, .clearing = l->clearing };
        shutdown_begin(&l->plan, record, p->agent->board.node, seen, n, now);
}

static void show(struct power *p) {
        struct power_view v;

        power_lead_view(p, &v);
        power_changed(p, &v);
        log_info("shutdown: %s", v.text);
}

static void perform(struct power *p, const struct shutdown_actions *actions, usec_t now) {
        struct power_lead *l = &p->lead;

        if (actions->clear)
                power_clear(p, l->plan.id, !l->plan.only);
        if (actions->drop) {
                l->active = false;
                if (actions->clear)
                        power_view_over(p);
                return;
        }
        if (actions->hand_over)
                hand_over(p, actions->hand_to);
        if (actions->take_snapshot)
                power_snapshot_take(p, now);
        if (actions->changed) {
                show(p);
                poll_all(p, now, true);
        }
        if (actions->go)
                power_go(p, l->plan.reboot);
}

void power_lead_look(struct power *p, usec_t now) {
        struct power_lead *l = &p->lead;
        const struct charter_shutdown *record = &p->agent->charter.shutdown;
        uint64_t id = record->returning ? 0 : record->id;
        bool leads = membership_leads(p->agent), first;
        struct shutdown_actions actions;
        struct shutdown_now in;

        if (l->active && leads && id != l->plan.id) {
                l->active = false; /* it was ended, or another one took its place */
                power_view_over(p);
        }
        first = !l->active;
        if (first) {
                if (!leads || !id || l->clearing)
                        return;
                begin(p, now);
        }
        p->news = now;
        follow_members(p);
        own_fact(p, now);
        if (shutdown_holds(&l->plan, p->agent->board.node) &&
            (!shutdown_boot(&l->plan, p->agent->board.node) ||
             shutdown_boot(&l->plan, p->agent->board.node) == p->boot))
                power_hold(p, l->plan.id, true, l->plan.timeout_usec);
        in = (struct shutdown_now){ .leads = leads,
                                    .snapshot = power_saves_etcd(p->agent),
                                    .snapshot_kept = power_snapshot_kept(p),
                                    .master = p->agent->charter.master,
                                    .facts = l->facts,
                                    .n_facts = l->n };
        shutdown_step(&l->plan, now, &in, &actions);
        if (actions.drop && first) { /* the boards are back: nobody was told of anything */
                l->active = false;
                power_clear(p, l->plan.id, !l->plan.only);
                return;
        }
        if (first && p->view.id != id) /* or an earlier leader has said so */
                tell_begun(p, record);
        if (first)
                show(p);
        if (!actions.drop)
                poll_all(p, now, false);
        perform(p, &actions, now);
}
