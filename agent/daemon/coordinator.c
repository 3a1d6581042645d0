#include "daemon/coordinator.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/placement.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/events.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/power.h"
#include "daemon/resolver.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 250 };

/* ---- boards -------------------------------------------------------------------------------------
 */

struct board_state *coordinator_board(const struct coordinator *c, uint64_t node) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i]->node == node)
                        return c->boards[i];
        return NULL;
}

const struct report_instance *coordinator_instance(const struct coordinator *c, uint32_t id,
                                                   const struct board_state **ret_board) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                for (uint32_t j = 0; j < c->boards[i]->n_instances; j++) {
                        if (c->boards[i]->instances[j].id != id)
                                continue;
                        if (ret_board)
                                *ret_board = c->boards[i];
                        return &c->boards[i]->instances[j];
                }
        return NULL;
}

static void board_free(struct board_state *b) {
        free(b->instances);
        free(b->images);
        free(b->calls);
        free(b->usage);
        free(b);
}

/* The table follows the charter's members. */
static void follow_members(struct coordinator *c) {
        const struct charter *charter = &c->agent->charter;

        for (uint32_t i = 0; i < c->n_boards;) {
                if (charter_member(charter, c->boards[i]->node)) {
                        i++;
                        continue;
                }
                board_free(c->boards[i]);
                c->boards[i] = c->boards[--c->n_boards];
        }
        for (uint32_t i = 0; i < charter->n_members; i++) {
                const struct charter_member *m = &charter->members[i];
                struct board_state *b;

                if (coordinator_board(c, m->node) || c->n_boards == LIMIT_BOARDS)
                        continue;
                b = calloc(1, sizeof(*b));
                if (!b)
                        return;
                b->node = m->node;
                b->board = m->board;
                b->changed = agent_now();
                b->sensors.temperature_mc = INT32_MIN;
                coordinator_alarms_resume(c, b);
                c->boards[c->n_boards++] = b;
        }
}

static void set_up(struct coordinator *c, struct board_state *b, bool up) {
        if (b->up == up)
                return;
        b->up = up;
        b->changed = agent_now();
        c->dirty = true; /* the picture tells, and daemon/events.c says so */
}

/* ---- decisions
 * ------------------------------------------------------------------------------------ */

static bool is_ready(void *arg, uint32_t id) {
        const struct board_state *b = NULL;
        const struct report_instance *r = coordinator_instance(arg, id, &b);

        return r && b->up && r->state == INSTANCE_READY;
}

static void on_placed(void *arg, int result) {
        struct coordinator *c = arg;

        if (--c->submitted == 0)
                c->n_ahead = 0; /* what was applied is in the charter */
        if (result < 0)
                c->dirty = true; /* what was not is still in the picture */
        if (result < 0 && result != -ECANCELED && result != -ENOENT)
                log_warning("a replica's place could not be written down: %s", strerror(-result));
        (void)uv_async_send(&c->poke);
}

/* Its board may begin: only this leader writes down places, so that its id is known.  Where it
 * comes otherwise (a function was removed meanwhile, somebody else leads), the next picture has it
 * not, or has another replica of that id: the board ends what it began. */
static void go_ahead(struct coordinator *c, const struct placement_action *action) {
        const struct charter *charter = &c->agent->charter;
        const struct charter_function *f =
                charter_function(charter, action->function, action->namespace);
        struct charter_instance *in = &c->ahead[c->n_ahead];

        if (!f || c->n_ahead == ARRAY_SIZE(c->ahead))
                return;
        *in = (struct charter_instance){ .id = charter->next_instance + c->n_ahead++,
                                         .function_generation = f->generation,
                                         .node = action->node };
        (void)str_copy(in->function, sizeof(in->function), action->function);
        (void)str_copy(in->namespace, sizeof(in->namespace), action->namespace);
        c->dirty = true;
}

uint32_t coordinator_ahead(const struct agent *a, const struct charter_instance **ret) {
        *ret = a->coordinator->ahead;
        return a->coordinator->n_ahead;
}

static void submit(struct coordinator *c, const struct placement_action *action) {
        struct charter_command cmd = { .op = action->place ? CHARTER_INSTANCE_PLACE
                                                           : CHARTER_INSTANCE_DROP,
                                       .node = action->node,
                                       .instance = action->instance };
        int r;

        (void)str_copy(cmd.name, sizeof(cmd.name), action->function);
        (void)str_copy(cmd.namespace, sizeof(cmd.namespace), action->namespace);
        r = consensus_submit(membership_consensus(c->agent), &cmd, on_placed, c);
        if (r == 0) {
                c->submitted++;
                if (action->place)
                        go_ahead(c, action);
        } else if (log_once("placement")) {
                log_warning("cannot place replicas: %s", strerror(-r));
        }
}

/* A board that should get nothing new. */
static bool avoid(const struct board_state *b) {
        const uint32_t bad =
                PROBLEM_DISK_FULL | PROBLEM_DISK_READ_ONLY | PROBLEM_CONTAINERD | PROBLEM_NETWORK;

        if (b->sensors.problems & bad)
                return true;
        if ((b->sensors.power & POWER_KNOWN) &&
            (b->sensors.power & (POWER_THROTTLED | POWER_UNDER_VOLTAGE)))
                return true;
        return b->board.throttle_c && b->sensors.temperature_mc != INT32_MIN &&
               b->sensors.temperature_mc >= b->board.throttle_c * 1000;
}

/* One that comes back from a shutdown is not lost. */
static usec_t down_since(const struct coordinator *c, const struct board_state *b, usec_t now) {
        return charter_awaits(&c->agent->charter, b->node) ? now : b->changed;
}

void coordinator_placement_boards(const struct coordinator *c, struct placement_board *ret) {
        usec_t now = agent_now();

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];
                const struct charter_member *m = charter_member(&c->agent->charter, b->node);

                ret[i] = (struct placement_board){ .node = b->node,
                                                   .up = b->up,
                                                   .down_since = down_since(c, b, now),
                                                   .avoid = avoid(b) ||
                                                            power_leaves(c->agent, b->node),
                                                   .cordoned = m && m->cordoned,
                                                   .function_bytes = b->board.function_bytes,
                                                   .cpu_permille = b->sensors.cpu_permille };
        }
}

static void place(struct coordinator *c, usec_t now) {
        struct placement_actions *actions = &c->actions;
        struct placement_board boards[LIMIT_BOARDS];
        auto_free struct charter_function *functions = NULL;
        struct charter charter = c->agent->charter;

        if (c->submitted > 0)
                return; /* what is under way would be decided twice */
        functions = coordinator_functions_ahead(c);
        if (functions)
                charter.functions = functions;
        coordinator_placement_boards(c, boards);
        placement_step(&charter, boards, c->n_boards, is_ready, coordinator_keeps, c, now, actions);
        if (!str_eq(c->reason, actions->reason)) {
                (void)str_copy(c->reason, sizeof(c->reason), actions->reason);
                c->dirty = true;
                if (c->reason[0])
                        log_warning("%s", c->reason);
        }
        for (uint32_t i = 0; i < actions->n; i++)
                submit(c, &actions->items[i]);
}

static void on_voters_changed(void *arg, int result) {
        struct coordinator *c = arg;

        c->changing = false;
        if (result < 0) { /* the timer looks again */
                log_debug("the voters could not be changed: %s, trying again", strerror(-result));
                return;
        }
        (void)uv_async_send(&c->poke);
}

static void choose_voters(struct coordinator *c, usec_t now) {
        struct consensus *consensus = membership_consensus(c->agent);
        struct voter_board boards[LIMIT_BOARDS];
        struct voters_action action;

        if (c->changing)
                return;
        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];

                boards[i] = (struct voter_board){ .node = b->node,
                                                  .role = consensus_role(consensus, b->node),
                                                  .up = b->up,
                                                  .down_since = down_since(c, b, now),
                                                  .strength = board_strength(&b->board) };
        }
        action = voters_step(boards, c->n_boards, c->agent->board.node, now);
        if (action.change == VOTERS_KEEP)
                return;
        c->changing = true;
        if (consensus_change(consensus, &action, on_voters_changed, c) < 0)
                c->changing = false;
}

/* ---- the picture
 * ---------------------------------------------------------------------------------- */

static void send_picture(struct coordinator *c) {
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct board_state *b = c->boards[i];
                struct link *l = peers_link(c->agent, b->node);

                if (!l || b->sent_version == c->version)
                        continue;
                if (link_send(l, FRAME_ORDERS, 0, c->picture.data, c->picture.len) < 0)
                        continue;
                b->sent_version = c->version;
                c->counts_changed = c->counts_changed || c->picture_behind;
        }
}

static void make_picture(struct coordinator *c) {
        struct world world;

        c->version++;
        if (coordinator_make_world(c, &world) < 0)
                return; /* no memory: the next turn tries again */
        events_lead(c->agent, &world);
        buf_done(&c->picture);
        c->picture.limit = LIMIT_FRAME_BYTES;
        if (world_encode(&world, &c->picture) < 0) {
                world_done(&world);
                if (log_once("picture"))
                        log_error("the bramble has grown too large to tell its boards about it");
                return;
        }
        c->dirty = false;
        c->picture_behind = false;
        agent_take_world(c->agent, &world);
}

/* All members reported, or the new leader has waited long enough for the rest. */
static bool settle(struct coordinator *c, usec_t now) {
        bool all = true;

        if (c->settled)
                return true;
        for (uint32_t i = 0; i < c->n_boards; i++)
                all = all && c->boards[i]->heard;
        c->settled = c->n_boards > 0 && (all || usec_sub(now, c->since) >= COORDINATOR_SETTLE_USEC);
        c->dirty = c->dirty || c->settled;
        return c->settled;
}

bool coordinator_later(struct request *q) {
        struct coordinator *c = q->agent->coordinator;

        if (c->settled)
                return false;
        if (!c->leads || !request_hold(&c->held, q))
                request_fail(q, 503, "the leader has just changed: try again in a moment");
        return true;
}

static void send_counts(struct coordinator *c) {
        auto_buf struct buf b = { .limit = LIMIT_FRAME_BYTES };
        struct counts counts;

        coordinator_make_counts(c, &counts);
        if (c->agent->world.version != c->version || counts_encode(&counts, &b) < 0)
                return; /* the picture of before we led, or no memory */
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct link *l = peers_link(c->agent, c->boards[i]->node);

                if (l && c->boards[i]->sent_version == c->version)
                        (void)link_send(l, FRAME_COUNTS, 0, b.data, b.len);
        }
        c->picture_behind = true;
        if (counts_apply(&counts, &c->agent->world))
                api_counts_changed(c->agent);
}

/* People see calls counted within a second, by numbers alone: under load a picture a second to each
 * board would be a burden for the leader's Ethernet. */
static void count_calls(struct coordinator *c, usec_t now) {
        if (!c->counts_changed || usec_sub(now, c->counted) < USEC_PER_SEC)
                return;
        c->counts_changed = false;
        c->counted = now;
        if (!c->dirty) /* a new picture tells of them too */
                send_counts(c);
}

void coordinator_reply(struct request *q, cJSON *reply) {
        struct coordinator *c = q->agent->coordinator;

        if (!c->leads || !c->settled) {
                request_reply(q, reply);
                return;
        }
        q->shown = reply;
        q->next_shown = c->shown;
        c->shown = request_ref(q);
        (void)uv_async_send(&c->poke);
}

static void reply_shown(struct coordinator *c) {
        struct request *q = c->shown;

        c->shown = NULL;
        for (struct request *next; q; q = next) {
                next = q->next_shown;
                request_reply(q, q->shown);
                q->shown = NULL;
                request_unref(q);
        }
}

static void show(struct coordinator *c) {
        if (!c->shown)
                return;
        if (c->dirty)
                make_picture(c);
        send_picture(c);
        reply_shown(c);
}

static void look(struct coordinator *c) {
        usec_t now = agent_now();

        if (!c->leads)
                return;
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct board_state *b = c->boards[i];

                if (b->up && usec_sub(now, b->heard) > COORDINATOR_SILENT_USEC)
                        set_up(c, b, false);
        }
        power_look(c->agent);
        if (!power_frozen(c->agent))
                choose_voters(c, now);
        if (!settle(c, now))
                return;
        requests_run(&c->held);
        show(c);                       /* before another board leads, and who asked is told that */
        if (!power_frozen(c->agent)) { /* else all stays as it is until the boards are back */
                coordinator_drain_look(c, now);
                if (c->handing_over)
                        return; /* the log takes nothing more: the next leader goes on */
                coordinator_scale_look(c, now);
                place(c, now);
                resolver_look(c->agent);
                coordinator_kube_look(c, now);
                coordinator_alarms_look(c, now); /* boards that are switched off are not lost */
        }
        count_calls(c, now);
        if (c->dirty)
                make_picture(c);
        send_picture(c);
}

static void on_timer(uv_timer_t *timer) {
        look(timer->data);
}

static void on_poke(uv_async_t *poke) {
        look(poke->data);
}

/* ---- events
 * ---------------------------------------------------------------------------------------- */

void coordinator_lead(struct agent *a, bool leads) {
        struct coordinator *c = a->coordinator;

        leads = leads && membership_leads(a);
        if (c->leads == leads)
                return;
        c->leads = leads;
        c->settled = false;
        c->reason[0] = '\0';
        c->kube_note[0] = '\0';
        c->kube_submitted = false;
        c->kube_quiet_since = 0;
        c->since = agent_now();
        reply_shown(c); /* the change is in the log, whoever leads */
        for (uint32_t i = 0; i < c->n_boards; i++)
                board_free(c->boards[i]);
        c->n_boards = 0;
        c->n_ahead = 0;
        coordinator_scale_forget(c);
        if (!leads) {
                requests_run(&c->held); /* to be told so */
                (void)uv_timer_stop(&c->timer);
                resolver_stop(a);
                return;
        }
        follow_members(c);
        coordinator_scale_follow(c);
        (void)uv_timer_start(&c->timer, on_timer, LOOK_MS, LOOK_MS);
        agent_report_soon(a);
        (void)uv_async_send(&c->poke);
}

void coordinator_pictured(struct agent *a) {
        off_list_follow(&a->coordinator->off, &a->charter.shutdown, &a->world, agent_now());
}

void coordinator_changed(struct agent *a) {
        struct coordinator *c = a->coordinator;

        coordinator_pictured(a);
        if (!c->leads)
                return;
        follow_members(c);
        coordinator_scale_follow(c);
        c->dirty = true;
        (void)uv_async_send(&c->poke);
}

bool coordinator_majority(const struct agent *a) {
        const struct coordinator *c = a->coordinator;
        struct consensus *consensus = membership_consensus(a);
        unsigned voters = 0, up = 0;

        for (uint32_t i = 0; c->leads && i < c->n_boards; i++) {
                if (consensus_role(consensus, c->boards[i]->node) != VOTER_VOTES)
                        continue;
                voters++;
                up += c->boards[i]->up;
        }
        return voters > 0 && up > voters / 2;
}

void coordinator_fold(struct agent *a, uint64_t bramble) {
        struct coordinator *c = a->coordinator;
        auto_buf struct buf b = { 0 };
        struct world last;

        if (c->leads && coordinator_make_world(c, &last) == 0) {
                last.fold = bramble;
                last.version = ++c->version;
                if (world_encode(&last, &b) == 0)
                        for (uint32_t i = 0; i < c->n_boards; i++) {
                                struct link *l = peers_link(a, c->boards[i]->node);

                                if (l)
                                        (void)link_send(l, FRAME_ORDERS, 0, b.data, b.len);
                        }
                world_done(&last);
        }
        membership_leave(a, bramble);
}

void coordinator_peer_lost(struct agent *a, uint64_t node) {
        struct coordinator *c = a->coordinator;
        struct board_state *b = c->leads ? coordinator_board(c, node) : NULL;

        if (b)
                b->sent_version = 0; /* a new connection gets the whole picture */
}

void coordinator_report_frame(struct agent *a, uint64_t node, const struct frame *f) {
        auto_free struct report *r = NULL;

        if (!a->coordinator->leads)
                return;
        r = malloc(sizeof(*r));
        if (!r)
                return;
        if (report_decode(f->body, f->len, r) < 0 || r->board.node != node) {
                if (log_once("report"))
                        log_warning("a report that makes no sense came from %016" PRIx64, node);
                return;
        }
        coordinator_report(a, r);
}

/* Copies 'n' items of 'size' bytes over '*slot'; true where they differ from what was there. */
static bool copy_items(void *slot, uint32_t *slot_n, const void *items, uint32_t n, size_t size) {
        void **p = slot, *copy;

        if (*slot_n == n && (n == 0 || memcmp(*p, items, n * size) == 0))
                return false;
        copy = realloc(*p, (n ? n : 1) * size);
        if (!copy)
                return false;
        if (n)
                memcpy(copy, items, n * size);
        *p = copy;
        *slot_n = n;
        return true;
}

void coordinator_report(struct agent *a, const struct report *r) {
        struct coordinator *c = a->coordinator;
        struct board_state *b = c->leads ? coordinator_board(c, r->board.node) : NULL;

        if (!b)
                return;
        b->heard = agent_now();
        set_up(c, b, true);
        b->board = r->board;
        b->sensors = r->sensors;
        if (coordinator_alarms_report(b, r, b->heard))
                c->dirty = true;
        if (!str_eq(b->address, r->address)) {
                (void)str_copy(b->address, sizeof(b->address), r->address);
                c->dirty = true;
        }
        if (copy_items(&b->instances, &b->n_instances, r->instances, r->n_instances,
                       sizeof(r->instances[0])))
                c->dirty = true;
        if (copy_items(&b->images, &b->n_images, r->images, r->n_images, sizeof(r->images[0])))
                c->dirty = true;
        if (copy_items(&b->calls, &b->n_calls, r->calls, r->n_calls, sizeof(r->calls[0])))
                c->counts_changed = true;
        (void)copy_items(&b->usage, &b->n_usage, r->usage, r->n_usage, sizeof(r->usage[0]));
        if (b->kube.api != r->kube.api || b->kube.epoch != r->kube.epoch)
                c->dirty = true;
        b->kube = r->kube;
        membership_changed(a);
        if (c->dirty)
                (void)uv_async_send(&c->poke);
}

void coordinator_each(const struct agent *a,
                      void (*each)(void *arg, const struct coordinator_board *b), void *arg) {
        const struct coordinator *c = a->coordinator;

        for (uint32_t i = 0; c->leads && i < a->charter.n_members; i++) {
                const struct charter_member *m = &a->charter.members[i];
                const struct board_state *b = coordinator_board(c, m->node);
                struct coordinator_board out = { .member = m, .silent_usec = USEC_NEVER };

                if (!b)
                        continue;
                out.up = b->up;
                if (b->heard)
                        out.silent_usec = agent_now() - b->heard;
                out.board = &b->board;
                out.sensors = &b->sensors;
                out.kube = &b->kube;
                out.address = b->address;
                out.n_instances = b->n_instances;
                each(arg, &out);
        }
}

int coordinator_open(struct agent *a) {
        struct coordinator *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->agent = a;
        a->coordinator = c;
        if ((r = uv_timer_init(a->loop, &c->timer)) < 0 ||
            (r = uv_async_init(a->loop, &c->poke, on_poke)) < 0)
                return r;
        c->timer.data = c;
        c->poke.data = c;
        return 0;
}
