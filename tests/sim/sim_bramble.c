/* Whole brambles: formation until one board founds, then libraft's real core with the real charter,
 * voters and placement, under cuts, power cuts, restarts from disk, jumping clocks and clients. */
#include "hive.h"

#include "base/str.h"
#include "core/voters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MSEC        USEC_PER_MSEC
#define CHAOS_USEC  (8 * USEC_PER_SEC)  /* from the founding on */
#define HEALED_USEC (40 * USEC_PER_SEC) /* after the chaos: all must agree by then */

enum event {
        EV_BOOT = 1,  /* a */
        EV_POWER_CUT, /* a, or (b) whoever leads, for 'number' us */
        EV_CUT,       /* a, b */
        EV_HEAL,      /* a, b */
        EV_ISOLATE,   /* whoever leads, from most others, for 'number' us */
        EV_MEET,      /* a and b can hear each other: first views */
        EV_LOST,      /* a notices that b is gone */
        EV_VIEW,      /* a hears b */
        EV_TICK,      /* a's formation */
        EV_FOUND,     /* a: the log is there, founding is handed in until it is acknowledged */
        EV_JOIN,      /* a is asked by b to take it in */
        EV_JOINED,    /* a is taken into bramble 'number', 0: refused */
        EV_DUTY,      /* a: what a leader does ten times a second */
        EV_CLIENT,    /* somebody deploys, scales or removes */
        EV_JUMP,      /* a's clock, by 'number' */
        EV_DICE,      /* new election timeouts */
        EV_PEACE,
        EV_LOOK, /* is everything well? */
};

static void feed(struct hive *h, unsigned i, const struct formation_event *ev);

static void plan(struct hive *h, usec_t in, int type, unsigned a, unsigned b, uint64_t number) {
        const struct sim_event ev = {
                .at = h->now + in, .type = type, .a = a, .b = b, .number = number
        };

        sim_plan(&h->queue, &ev);
}

static uint64_t node_of(unsigned i) {
        return i + HIVE_NODE;
}

/* ---- formation ---- */
static void tell(struct hive *h, unsigned i, unsigned j) {
        struct sim_event ev = { .type = EV_VIEW, .a = j, .b = i, .view = h->boards[i].f.self };

        if (i == j || !hive_hears(h, i, j))
                return;
        ev.at = h->now + 5 * MSEC; /* one delay for all keeps them in order */
        sim_plan(&h->queue, &ev);
}

static void perform(struct hive *h, unsigned i, const struct formation_action *a) {
        unsigned target = (unsigned)a->node - HIVE_NODE;

        switch (a->type) {
        case FORMATION_ACTION_TELL:
                for (unsigned j = 0; j < h->n; j++)
                        tell(h, i, j);
                break;
        case FORMATION_ACTION_FOUND:
                if (h->founded) {
                        h->ok = sim_wrong(h->now, "%u founds a second bramble", i);
                        break;
                }
                sim_say(h->now, "%u founds", i);
                hive_found(h, i);
                plan(h, 10 * MSEC, EV_FOUND, i, 0, 0);
                break;
        case FORMATION_ACTION_JOIN:
                for (uint32_t p = 0; !hive_hears(h, i, target) && p < h->boards[i].f.n_peers; p++)
                        if (h->boards[i].f.peers[p].bramble == a->bramble)
                                target = (unsigned)h->boards[i].f.peers[p].node - HIVE_NODE;
                if (hive_hears(h, i, target))
                        plan(h, 5 * MSEC, EV_JOIN, target, i, a->bramble);
                break;
        case FORMATION_ACTION_FOLD:
        case FORMATION_ACTION_CLASH:
                h->ok = sim_wrong(h->now, "%u sees two brambles where there is one", i);
                break;
        }
}

static void feed(struct hive *h, unsigned i, const struct formation_event *ev) {
        struct hive_board *b = &h->boards[i];
        struct formation_actions actions;
        usec_t due;

        formation_step(&b->f, h->now + b->skew, ev, &actions);
        for (uint32_t k = 0; k < actions.n; k++)
                perform(h, i, &actions.items[k]);
        if (b->f.deadline == USEC_NEVER)
                return;
        due = usec_sub(b->f.deadline, b->skew);
        due = due > h->now ? due : h->now;
        if (b->tick <= due)
                return;
        b->tick = due;
        plan(h, due - h->now, EV_TICK, i, 0, b->life);
}

static void boot(struct hive *h, unsigned i) {
        const struct formation_config config = { h->n, 60 * USEC_PER_SEC, USEC_PER_SEC };
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };
        struct hive_board *b = &h->boards[i];

        if (b->on)
                return;
        /* what libraft had begun must have reached the disk */
        if (h->founded && h->now < b->off_since + 700 * MSEC) {
                plan(h, b->off_since + 700 * MSEC - h->now, EV_BOOT, i, 0, 0);
                return;
        }
        sim_say(h->now, "%u starts", i);
        hive_power(h, i, true);
        formation_init(&b->f, &config, node_of(i), board_strength(&b->board), b->disk_bramble,
                       h->now + b->skew);
        b->tick = USEC_NEVER;
        for (unsigned j = 0; j < h->n; j++)
                if (j != i && hive_hears(h, i, j))
                        plan(h, sim_between(&h->random, 20 * MSEC, 300 * MSEC), EV_MEET, i, j, 0);
        feed(h, i, &tick);
        plan(h, 100 * MSEC, EV_DUTY, i, 0, b->life);
}

static void apart(struct hive *h, unsigned a, unsigned b) {
        plan(h, sim_between(&h->random, 10 * MSEC, 1500 * MSEC), EV_LOST, a, b, 0);
        plan(h, sim_between(&h->random, 10 * MSEC, 1500 * MSEC), EV_LOST, b, a, 0);
}

/* The fixture's disk cuts a log back wrongly once a snapshot was installed, so worlds with
 * snapshots keep their leader: one follower at a time stands still and must catch up. */
static bool spared(struct hive *h, unsigned i) {
        bool others_run = true;

        for (unsigned j = 0; j < h->n; j++)
                others_run &= h->boards[j].on;
        return h->snapshots && (hive_leads(h, i) || !others_run || h->n < 3);
}

static void power_cut(struct hive *h, unsigned i) {
        if (!h->boards[i].on || h->peace || spared(h, i))
                return;
        sim_say(h->now, "%u loses power", i);
        hive_power(h, i, false);
        h->boards[i].skew = 0;
        for (unsigned j = 0; j < h->n; j++)
                if (j != i)
                        apart(h, i, j);
}

static void set_cut(struct hive *h, unsigned a, unsigned b, bool cut) {
        if (a == b || h->cut[a][b] == cut || (cut && (h->peace || h->snapshots)))
                return;
        hive_set_cut(h, a, b, cut);
        if (cut)
                apart(h, a, b);
        else
                plan(h, sim_between(&h->random, 20 * MSEC, 300 * MSEC), EV_MEET, a, b, 0);
}

/* ---- founding, joining, leading ---- */
static void hand_in_founding(struct hive *h, unsigned i) {
        struct charter_command cmd = { .op = CHARTER_FOUND,
                                       .bramble = 77,
                                       .board = h->boards[i].board };

        if (h->boards[i].disk_bramble)
                return;
        (void)str_copy(cmd.cluster, sizeof(cmd.cluster), "school");
        (void)str_copy(cmd.user, sizeof(cmd.user), "admin");
        (void)str_copy(cmd.password, sizeof(cmd.password), "secret");
        if (!hive_leads(h, i) || !hive_submit(h, i, &cmd))
                plan(h, 10 * MSEC, EV_FOUND, i, 0, 0);
}

static void join(struct hive *h, unsigned i, unsigned who) {
        struct charter_command cmd = { .op = CHARTER_MEMBER_ADD, .board = h->boards[who].board };
        unsigned leader = hive_leads(h, i) ? i : hive_leader_of(h, i);

        if (!h->boards[i].on || !h->boards[i].disk_bramble)
                return;
        if (leader == h->n || !hive_hears(h, i, leader) || !hive_leads(h, leader) ||
            !hive_submit(h, leader, &cmd))
                plan(h, 5 * MSEC, EV_JOINED, who, i, 0);
}

static struct hive_promise *promise_of(struct hive *h, const char *name) {
        uint64_t k;

        return name[0] == 'f' && str_to_u64(name + 1, HIVE_FUNCTIONS - 1, &k) == 0 ? &h->promises[k]
                                                                                   : NULL;
}

/* The log has answered. */
static void done(struct hive *h, unsigned i, const struct charter_command *cmd, int result) {
        struct formation_event founded = { .type = FORMATION_EVENT_FOUNDED, .bramble = 77 };
        struct hive_promise *p = promise_of(h, cmd->name);
        unsigned joiner = (unsigned)cmd->board.node - HIVE_NODE;

        if (result != 0)
                return;
        if (cmd->op == CHARTER_FOUND) {
                h->boards[i].disk_bramble = 77;
                feed(h, i, &founded);
        } else if (cmd->op == CHARTER_MEMBER_ADD && hive_hears(h, i, joiner)) {
                plan(h, 5 * MSEC, EV_JOINED, joiner, i, 77);
        } else if (cmd->op == CHARTER_FUNCTION_SET && p) {
                p->acknowledged = true;
        } else if (cmd->op == CHARTER_FUNCTION_REMOVE && p) {
                p->remove_acknowledged = true;
        }
}

static void joined(struct hive *h, unsigned i, uint64_t bramble) {
        struct formation_event ev = { .type = FORMATION_EVENT_REFUSED };
        struct hive_board *b = &h->boards[i];

        if (!b->on || b->f.state != FORMATION_JOINING)
                return;
        if (bramble) {
                sim_say(h->now, "%u is a member", i);
                b->disk_bramble = bramble;
                ev = (struct formation_event){ .type = FORMATION_EVENT_FOUNDED,
                                               .bramble = bramble };
        }
        feed(h, i, &ev);
}

static void duty(struct hive *h, unsigned i) {
        struct hive_board *b = &h->boards[i];
        struct formation_event ev = { .type = FORMATION_EVENT_SELF, .view = b->f.self };
        unsigned leader = hive_leads(h, i) ? i : hive_leader_of(h, i);

        if (leader == h->n) /* boards that stand by hear it from those that vote */
                for (unsigned j = 0; j < h->n; j++)
                        if (hive_hears(h, i, j) && hive_leads(h, j))
                                leader = j;
        ev.view.leader = leader < h->n ? node_of(leader) : 0;
        ev.view.members = b->charter.n_members;
        ev.view.work = charter_has_work(&b->charter);
        ev.view.mergeable = hive_leads(h, i);
        feed(h, i, &ev);
        if (hive_leads(h, i))
                hive_coordinate(h, i);
        plan(h, 100 * MSEC, EV_DUTY, i, 0, b->life);
}

/* ---- what a person does with boards ---- */
/* Drains one, gives one work again, or calls one otherwise.  Names and boards are drawn from few,
 * so that they meet. */
static void look_after_board(struct hive *h, unsigned leader) {
        struct charter_command cmd = { .op = CHARTER_MEMBER_CORDON,
                                       .node = node_of(sim_below(&h->random, h->n)) };

        if (sim_chance(&h->random, 40)) {
                cmd.op = CHARTER_MEMBER_RENAME;
                if (cmd.node == h->boards[leader].charter.master)
                        return; /* by its name the end is told from a second founding */
                (void)snprintf(cmd.name, sizeof(cmd.name), "%s%u",
                               sim_chance(&h->random, 50) ? "w" : "board",
                               1 + sim_below(&h->random, h->n + 1));
        } else {
                cmd.cordoned = sim_chance(&h->random, 50);
        }
        (void)hive_submit(h, leader, &cmd);
}

/* ---- clients ---- */
static void client(struct hive *h, const struct sim_event *ev) {
        struct charter_command cmd = {
                .op = CHARTER_FUNCTION_SET, .spec = "{}", .spec_len = 2, .memory_bytes = 1 << 20
        };
        unsigned i = sim_below(&h->random, h->n);
        struct hive_promise *p;
        uint32_t k = h->n_promises;

        (void)ev;
        if (!h->peace)
                plan(h, sim_between(&h->random, 20 * MSEC, 400 * MSEC), EV_CLIENT, 0, 0, 0);
        /* whoever believes that it leads takes orders, also one that does not know better yet */
        for (unsigned tries = 0; tries < h->n && !(h->boards[i].on && hive_leads(h, i)); tries++)
                i = (i + 1) % h->n;
        if (!h->boards[i].on || !hive_leads(h, i) || !h->boards[i].charter.bramble)
                return;
        if (sim_chance(&h->random, 15)) {
                look_after_board(h, i);
                return;
        }
        if (k > 0 && (k == HIVE_FUNCTIONS || sim_chance(&h->random, 40))) {
                k = sim_below(&h->random, k);
                cmd.op = sim_chance(&h->random, 50) ? CHARTER_FUNCTION_SCALE
                                                    : CHARTER_FUNCTION_REMOVE;
        } else {
                h->n_promises++;
        }
        p = &h->promises[k];
        cmd.replicas = sim_below(&h->random, 4);
        (void)snprintf(cmd.name, sizeof(cmd.name), "f%u", k);
        (void)str_copy(cmd.namespace, sizeof(cmd.namespace), "openfaas-fn");
        (void)str_copy(cmd.image, sizeof(cmd.image), "docker.io/library/hello:latest");
        p->tried |= cmd.op == CHARTER_FUNCTION_SET;
        p->remove_tried |= cmd.op == CHARTER_FUNCTION_REMOVE;
        (void)hive_submit(h, i, &cmd);
}

/* ---- is everything well? ---- */
/* On a cordoned board nothing runs, and it does not lead, where another one could; and elsewhere
 * everything does. */
static const char *misplaced(struct hive *h, unsigned leader) {
        const struct charter *c = &h->boards[leader].charter;
        bool free_board = false, free_voter = false;

        for (uint32_t k = 0; k < c->n_members; k++) {
                const struct charter_member *m = &c->members[k];

                free_board = free_board || !m->cordoned;
                free_voter = free_voter ||
                             (!m->cordoned && hive_votes(h, leader, (unsigned)m->node - HIVE_NODE));
        }
        if (free_voter && charter_member(c, node_of(leader))->cordoned)
                return "a cordoned board leads";
        if (!free_board)
                return NULL; /* there is no place for anything */
        for (uint32_t k = 0; k < c->n_instances; k++)
                if (charter_member(c, c->instances[k].node)->cordoned)
                        return "a cordoned board has a replica";
        for (uint32_t k = 0; k < c->n_functions; k++)
                if (charter_replicas(c, c->functions[k].name, c->functions[k].namespace, 0) !=
                    c->functions[k].replicas)
                        return "a function has not its replicas";
        return NULL;
}

/* NULL, or what is not well (yet). */
static const char *unwell(struct hive *h) {
        static char text[128];
        const struct charter *c;
        unsigned leader = h->n, voters;
        uint64_t hash;

        for (unsigned i = 0; i < h->n; i++) {
                if (!h->boards[i].on || h->boards[i].f.state != FORMATION_MEMBER)
                        return "not all are members";
                if (hive_leads(h, i) && leader != h->n)
                        return "two leaders";
                if (hive_leads(h, i))
                        leader = i;
        }
        if (leader == h->n)
                return "no leader";
        c = &h->boards[leader].charter;
        hash = hive_charter_hash(c);
        voters = hive_voters(h, leader);
        if (!hive_settled(h, leader))
                return "the log of the leader is not applied";
        if (c->n_members != h->n || !charter_member(c, c->master))
                return "the charter lacks a member or the master";
        if (voters != voters_wanted(h->n)) {
                (void)snprintf(text, sizeof(text), "%u voters of %u boards", voters, h->n);
                return text;
        }
        for (unsigned i = 0; i < h->n; i++)
                if (hive_votes(h, leader, i) && hive_charter_hash(&h->boards[i].charter) != hash)
                        return "voters have different charters";
        return misplaced(h, leader);
}

static bool names_differ(const struct charter *c) {
        for (uint32_t i = 0; i < c->n_members; i++)
                for (uint32_t j = 0; j < i; j++)
                        if (str_eq(c->members[i].name, c->members[j].name) ||
                            c->members[i].subnet == c->members[j].subnet)
                                return false;
        return true;
}

/* Nothing that was acknowledged is lost, and nothing that was removed is back. */
static bool promises_kept(struct hive *h) {
        const struct charter *c = NULL;

        for (unsigned i = 0; i < h->n; i++)
                if (hive_leads(h, i))
                        c = &h->boards[i].charter;
        if (!c || !names_differ(c))
                return sim_wrong(h->now, "two boards have one name or subnet");
        if (!str_eq(charter_member(c, c->master)->name, "m1"))
                return sim_wrong(h->now, "the master is not m1");
        for (unsigned k = 0; k < h->n_promises; k++) {
                const struct hive_promise *p = &h->promises[k];
                char name[16];
                bool there;

                (void)snprintf(name, sizeof(name), "f%u", k);
                there = charter_function(c, name, "openfaas-fn");
                if (p->acknowledged && !p->remove_tried && !there)
                        return sim_wrong(h->now, "%s was acknowledged and is lost", name);
                if (p->remove_acknowledged && there)
                        return sim_wrong(h->now, "%s was removed and is back", name);
                if (there && !p->tried)
                        return sim_wrong(h->now, "%s comes from nowhere", name);
        }
        return true;
}

/* ---- what happens ---- */
static void peace(struct hive *h, const struct sim_event *ev) {
        (void)ev;
        if (!h->founded) { /* nobody is in a hurry before there is a bramble */
                plan(h, USEC_PER_SEC, EV_PEACE, 0, 0, 0);
                return;
        }
        sim_say(h->now, "peace");
        h->peace = true;
        for (unsigned i = 0; i < h->n; i++) {
                for (unsigned j = 0; j < i; j++)
                        set_cut(h, i, j, false);
                boot(h, i);
        }
        plan(h, USEC_PER_SEC, EV_LOOK, 0, 0, h->now + HEALED_USEC);
}

static void look(struct hive *h, usec_t latest) {
        const char *what = unwell(h);

        if (what && h->now < latest) {
                plan(h, 300 * MSEC, EV_LOOK, 0, 0, latest);
                return;
        }
        h->over = true;
        if (what)
                h->ok = sim_wrong(h->now, "%s", what);
        else
                h->ok = promises_kept(h);
}

static void throw_dice(struct hive *h, const struct sim_event *ev) {
        (void)ev;
        if (h->founded)
                for (unsigned i = 0; i < h->n; i++) {
                        raft_fixture_set_randomized_election_timeout(
                                &h->fixture, i, (unsigned)sim_between(&h->random, 600, 1200));
                        raft_fixture_set_network_latency(&h->fixture, i,
                                                         (unsigned)sim_between(&h->random, 1, 30));
                }
        plan(h, 500 * MSEC, EV_DICE, 0, 0, 0);
}

static void hear(struct hive *h, const struct sim_event *ev) {
        struct formation_event peer = { .type = FORMATION_EVENT_PEER, .view = ev->view };
        struct formation_event lost = { .type = FORMATION_EVENT_PEER_LOST, .node = node_of(ev->b) };

        if (!h->boards[ev->a].on)
                return;
        if (ev->type == EV_VIEW && hive_hears(h, ev->a, ev->b))
                feed(h, ev->a, &peer);
        else if (ev->type == EV_LOST && !hive_hears(h, ev->a, ev->b))
                feed(h, ev->a, &lost);
}

static void on_boot(struct hive *h, const struct sim_event *ev) {
        boot(h, ev->a);
}

static void on_power_cut(struct hive *h, const struct sim_event *ev) {
        unsigned victim = ev->a;

        for (unsigned i = 0; ev->b && i < h->n; i++)
                if (h->boards[i].on && hive_leads(h, i))
                        victim = i;
        power_cut(h, victim);
        plan(h, ev->number, EV_BOOT, victim, 0, 0);
}

static void on_cable(struct hive *h, const struct sim_event *ev) {
        set_cut(h, ev->a, ev->b, ev->type == EV_CUT);
}

/* A leader that takes orders which nobody hears: what it wrote must go when it comes back. */
static void on_isolate(struct hive *h, const struct sim_event *ev) {
        unsigned leader = h->n;

        for (unsigned i = 0; i < h->n; i++)
                if (h->boards[i].on && hive_leads(h, i))
                        leader = i;
        for (unsigned i = 0; leader < h->n && i < h->n; i++) {
                if (i == leader || sim_chance(&h->random, 20))
                        continue;
                set_cut(h, leader, i, true);
                plan(h, ev->number, EV_HEAL, leader, i, 0);
        }
}

static void on_meet(struct hive *h, const struct sim_event *ev) {
        tell(h, ev->a, ev->b);
        tell(h, ev->b, ev->a);
}

static void on_tick(struct hive *h, const struct sim_event *ev) {
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };
        struct hive_board *b = &h->boards[ev->a];

        if (b->life != ev->number || !b->on || b->tick != ev->at)
                return;
        b->tick = USEC_NEVER;
        feed(h, ev->a, &tick);
}

static void on_found(struct hive *h, const struct sim_event *ev) {
        hand_in_founding(h, ev->a);
}

static void on_join(struct hive *h, const struct sim_event *ev) {
        join(h, ev->a, ev->b);
}

static void on_joined(struct hive *h, const struct sim_event *ev) {
        joined(h, ev->a, ev->number);
}

static void on_duty(struct hive *h, const struct sim_event *ev) {
        if (h->boards[ev->a].on && h->boards[ev->a].life == ev->number)
                duty(h, ev->a);
}

static void on_jump(struct hive *h, const struct sim_event *ev) {
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };

        if (!h->boards[ev->a].on)
                return;
        h->boards[ev->a].skew += ev->number;
        feed(h, ev->a, &tick);
}

static void on_look(struct hive *h, const struct sim_event *ev) {
        look(h, ev->number);
}

static void happen(struct hive *h, const struct sim_event *ev) {
        static void (*const handlers[EV_LOOK + 1])(struct hive * h, const struct sim_event *ev) = {
                [EV_BOOT] = on_boot,       [EV_POWER_CUT] = on_power_cut,
                [EV_CUT] = on_cable,       [EV_HEAL] = on_cable,
                [EV_ISOLATE] = on_isolate, [EV_MEET] = on_meet,
                [EV_LOST] = hear,          [EV_VIEW] = hear,
                [EV_TICK] = on_tick,       [EV_FOUND] = on_found,
                [EV_JOIN] = on_join,       [EV_JOINED] = on_joined,
                [EV_DUTY] = on_duty,       [EV_CLIENT] = client,
                [EV_JUMP] = on_jump,       [EV_DICE] = throw_dice,
                [EV_PEACE] = peace,        [EV_LOOK] = on_look,
        };

        handlers[ev->type](h, ev);
}

/* ---- what is planned ---- */
static void plan_partition(struct hive *h, usec_t at, usec_t until) {
        unsigned side[HIVE_BOARDS];

        for (unsigned i = 0; i < h->n; i++)
                side[i] = sim_below(&h->random, 2);
        for (unsigned i = 0; i < h->n; i++)
                for (unsigned j = 0; j < i; j++)
                        if (side[i] != side[j]) {
                                plan(h, at, EV_CUT, i, j, 0);
                                plan(h, until, EV_HEAL, i, j, 0);
                        }
}

static void plan_trouble(struct hive *h) {
        unsigned troubles = 1 + sim_below(&h->random, 2 * h->n);

        for (unsigned k = 0; k < troubles; k++) {
                usec_t at = sim_between(&h->random, 1500 * MSEC, CHAOS_USEC), until, jump;
                unsigned a = sim_below(&h->random, h->n), b = sim_below(&h->random, h->n);

                until = sim_between(&h->random, at, CHAOS_USEC);
                switch (sim_below(&h->random, 7)) {
                case 0:
                        plan_partition(h, at, until);
                        break;
                case 1:
                case 2:
                        plan(h, at, EV_POWER_CUT, a, sim_chance(&h->random, 60), until - at);
                        break;
                case 3:
                        jump = sim_between(&h->random, 0, USEC_PER_HOUR);
                        plan(h, at, EV_JUMP, a, 0, jump);
                        break;
                case 4:
                case 5:
                        plan(h, at, EV_ISOLATE, 0, 0, until - at);
                        break;
                default:
                        plan(h, at, EV_CUT, a, b, 0);
                        plan(h, until, EV_HEAL, a, b, 0);
                        break;
                }
        }
}

static void set_up(struct hive *h, uint64_t seed) {
        memset(h, 0, sizeof(*h));
        h->random.state = seed;
        h->ok = true;
        h->done = done;
        h->n = 1 + sim_below(&h->random, HIVE_BOARDS);
        h->snapshots = sim_chance(&h->random, 30);
        for (unsigned i = 0; i < h->n; i++) {
                struct hive_board *b = &h->boards[i];

                b->hive = h;
                b->alone_since = USEC_NEVER;
                b->board = (struct board){ .id = "3B+",
                                           .node = node_of(i),
                                           .cores = 4,
                                           .ram_bytes = 1 << 30,
                                           .function_bytes = 512 << 20,
                                           .bits_kernel = 64,
                                           .bits_user = 64 };
                b->board.clock_mhz = sim_chance(&h->random, 50) ? 1400 : 1200;
                plan(h, sim_between(&h->random, 0, 500 * MSEC), EV_BOOT, i, 0, 0);
        }
        plan_trouble(h);
        plan(h, 0, EV_DICE, 0, 0, 0);
        plan(h, 1500 * MSEC, EV_CLIENT, 0, 0, 0);
        plan(h, CHAOS_USEC, EV_PEACE, 0, 0, 0);
}

static bool run(uint64_t seed) {
        static struct hive h;
        struct sim_event ev;
        bool ok;

        set_up(&h, seed);
        sim_say(0, "%u boards%s", h.n, h.snapshots ? ", snapshots" : "");
        while (h.ok && !h.over && sim_next(&h.queue, &ev)) {
                hive_run(&h, ev.at);
                happen(&h, &ev);
        }
        ok = h.ok;
        sim_say(h.now, "%u elections, %u handed over, %u commands acknowledged", h.elections,
                h.transfers, h.acknowledged);
        hive_done(&h);
        return ok;
}

int main(void) {
        return sim_main("sim_bramble", run);
}
