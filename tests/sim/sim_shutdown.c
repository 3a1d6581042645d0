/* Brambles that are switched off: leaders are killed, cables pulled, boards hang or are switched on
 * again half-way; then the power goes and comes back. */
#include "sim.h"

#include "core/shutdown_plan.h"
#include "core/voters.h"

#include <stdio.h>
#include <string.h>

enum { BOARDS_MAX = 7, STEP_MSEC = 100 };

#define STEP_USEC (STEP_MSEC * USEC_PER_MSEC)
#define MSEC      USEC_PER_MSEC

enum hang { HANG_NOT, HANG_REFUSES, HANG_STAYS }; /* never says yes; says yes and never is off */

struct toy {
        bool on, agent;
        enum hang hang;
        uint64_t boot;
        unsigned side; /* of the cut */
        bool going;
        usec_t agent_ends, ends; /* 0: not going off */
        usec_t functions_end;    /* 0: they run */
        bool plans;
        struct shutdown_plan plan;
        struct shutdown_follow follow;
        struct shutdown_fact facts[BOARDS_MAX];
        usec_t poll, led_since;
        bool was_told; /* in this life, that the bramble is being switched off */
        bool went;     /* in this life */
};

struct shelf {
        struct sim_random random;
        usec_t now;
        unsigned n, voters;
        struct toy boards[BOARDS_MAX];
        struct charter_shutdown record; /* what a majority has written */
        unsigned leader;                /* n: nobody */
        usec_t leaderless;
        bool ok, calm, claimed; /* nothing goes wrong; "all boards are off" was said */
        enum shutdown_phase ended;
        usec_t all_off;
        uint64_t boots;
        unsigned cold; /* the power came back */
};

static uint64_t node_of(unsigned i) {
        return i + 1;
}

static bool hears(const struct shelf *s, unsigned i, unsigned j) {
        return s->boards[i].on && s->boards[j].on && s->boards[i].side == s->boards[j].side;
}

static unsigned reached(const struct shelf *s, unsigned i) {
        unsigned n = 0;

        for (unsigned j = 0; j < s->voters; j++)
                n += s->boards[j].agent && hears(s, i, j);
        return n;
}

static bool may_lead(const struct shelf *s, unsigned i) {
        return i < s->voters && s->boards[i].agent && 2 * reached(s, i) > s->voters;
}

static void elect(struct shelf *s) {
        unsigned first;

        if (s->leader < s->n && may_lead(s, s->leader)) {
                s->leaderless = 0;
                return;
        }
        if (s->leader < s->n)
                sim_say(s->now, "%u leads no more", s->leader);
        s->leader = s->n;
        if (!s->leaderless)
                s->leaderless = s->now + sim_between(&s->random, 500 * MSEC, 1500 * MSEC);
        if (s->now < s->leaderless)
                return;
        first = sim_below(&s->random, s->voters);
        for (unsigned k = 0; k < s->voters; k++) {
                unsigned i = (first + k) % s->voters;

                if (!may_lead(s, i))
                        continue;
                s->leader = i;
                s->leaderless = 0;
                sim_say(s->now, "%u leads", i);
                return;
        }
}

static void power(struct shelf *s, unsigned i, bool on) {
        struct toy *b = &s->boards[i];

        sim_say(s->now, "%u is %s", i, on ? "on" : "off");
        *b = (struct toy){ .on = on, .agent = on, .side = b->side, .hang = b->hang };
        b->boot = on ? ++s->boots : 0;
}

/* A board switches itself off. */
static void go(struct shelf *s, unsigned i, const char *why) {
        struct toy *b = &s->boards[i];

        if (b->going)
                return;
        sim_say(s->now, "%u goes off: %s", i, why);
        for (uint32_t k = 0; k < s->record.n; k++)
                if (s->record.boards[k].node == node_of(i) && s->record.boards[k].boot &&
                    s->record.boards[k].boot != b->boot)
                        s->ok = sim_wrong(s->now, "%u goes off in a life that it should not", i);
        if (s->cold)
                s->ok = sim_wrong(s->now, "%u goes off after the power has come back", i);
        b->going = b->went = true;
        b->agent_ends = s->now + sim_between(&s->random, 0, 1000 * MSEC);
        b->ends = b->agent_ends + sim_between(&s->random, 200 * MSEC, 4000 * MSEC);
}

static void told(struct shelf *s, unsigned i, const struct shutdown_plan *p) {
        struct toy *b = &s->boards[i];
        uint64_t boot =
                shutdown_boot(p, node_of(i)); /* whose life is meant: the board knows its own */
        bool meant = !boot || boot == b->boot, held = meant && shutdown_holds(p, node_of(i));

        shutdown_follow_told(&b->follow, p->id, held, p->timeout_usec, s->now);
        b->was_told = b->was_told || held;
        if (held && !b->functions_end)
                b->functions_end = s->now + sim_between(&s->random, 0, 8 * USEC_PER_SEC);
        if (meant && b->hang != HANG_REFUSES && shutdown_orders(p, node_of(i)))
                go(s, i, "as it is told");
}

static void poll(struct shelf *s, unsigned i) {
        struct toy *b = &s->boards[i];

        if (s->now < b->poll)
                return;
        b->poll = s->now + 500 * MSEC;
        for (unsigned j = 0; j < s->n; j++) {
                struct toy *other = &s->boards[j];
                struct shutdown_fact *f = &b->facts[j];

                f->node = node_of(j);
                f->votes = j < s->voters;
                if (!hears(s, i, j)) {
                        f->misses++;
                        continue;
                }
                f->answered = s->now;
                f->misses = 0;
                if (!other->agent)
                        continue;
                told(s, j, &b->plan);
                f->heard = s->now;
                f->boot = other->boot;
                f->going = other->going;
                f->functions = !other->functions_end || s->now < other->functions_end;
        }
}

/* Is what it claims true?  Of a board that hangs and is cut off nobody can know. */
static void check_claims(struct shelf *s, unsigned i, const struct shutdown_plan *before) {
        const struct toy *b = &s->boards[i];

        for (uint32_t k = 0; k < b->plan.n; k++) {
                unsigned j = (unsigned)b->plan.boards[k].node - 1;

                if (b->plan.boards[k].state == SHUTDOWN_OFF &&
                    before->boards[k].state != SHUTDOWN_OFF && s->boards[j].on &&
                    s->boards[j].boot == b->plan.boards[k].boot && s->boards[j].side == b->side)
                        s->ok = sim_wrong(s->now, "%u says that %u is off, and it is on", i, j);
        }
}

static void drive(struct shelf *s, unsigned i) {
        struct toy *b = &s->boards[i];
        struct shutdown_actions actions;
        struct shutdown_now in = {
                .leads = s->leader == i, .master = node_of(0), .facts = b->facts, .n_facts = s->n
        };
        struct shutdown_plan before;

        if (!b->plans && in.leads && s->record.id) {
                b->plans = true;
                memset(b->facts, 0, sizeof(b->facts));
                b->poll = 0;
                shutdown_begin(&b->plan, &s->record, node_of(i), NULL, 0, s->now);
                sim_say(s->now, "%u begins", i);
        }
        if (!b->plans)
                return;
        before = b->plan;
        poll(s, i);
        shutdown_step(&b->plan, s->now, &in, &actions);
        if (b->plan.phase != before.phase)
                sim_say(s->now, "%u: %s", i, shutdown_phase_text(b->plan.phase));
        check_claims(s, i, &before);
        if (b->plan.phase == SHUTDOWN_DONE && before.phase != SHUTDOWN_DONE && !b->plan.only)
                s->claimed = true;
        if (actions.clear && in.leads) {
                sim_say(s->now, "%u clears the record", i);
                s->record = (struct charter_shutdown){ 0 };
        }
        if (actions.hand_over) {
                unsigned to = actions.hand_to ? (unsigned)actions.hand_to - 1 : (i + 1) % s->n;

                if (to != i && may_lead(s, to) && hears(s, i, to) && sim_chance(&s->random, 90)) {
                        s->leader = to;
                        sim_say(s->now, "%u hands over to %u", i, to);
                }
        }
        if (actions.go) {
                for (uint32_t k = 0; k < b->plan.n; k++)
                        if (b->plan.boards[k].node != b->plan.last &&
                            (b->plan.boards[k].state == SHUTDOWN_WAITING ||
                             b->plan.boards[k].state == SHUTDOWN_STOPPING))
                                s->ok = sim_wrong(s->now, "%u goes before the others", i);
                s->ended = b->plan.phase;
                go(s, i, "as the last");
        }
        if (actions.changed) {
                b->poll = 0; /* news go out at once */
                poll(s, i);
        }
        if (actions.drop)
                b->plans = false;
}

static void follow(struct shelf *s, unsigned i) {
        struct toy *b = &s->boards[i];

        switch (shutdown_follow_step(&b->follow, s->now)) {
        case SHUTDOWN_FOLLOW_WAIT:
                return;
        case SHUTDOWN_FOLLOW_ASK:
                if (s->leader == s->n || !hears(s, i, s->leader))
                        return;
                if (!s->record.id)
                        shutdown_follow_told(&b->follow, 0, false, 0, s->now);
                return;
        case SHUTDOWN_FOLLOW_GO:
                if (b->hang != HANG_REFUSES)
                        go(s, i, "nobody speaks to it any more");
                return;
        }
}

static void live(struct shelf *s) {
        elect(s);
        for (unsigned i = 0; i < s->n; i++) {
                struct toy *b = &s->boards[i];

                if (b->agent_ends && s->now >= b->agent_ends)
                        b->agent = false;
                if (b->ends && s->now >= b->ends && b->hang != HANG_STAYS && b->on) {
                        power(s, i, false);
                        s->boards[i].went = true;
                        s->all_off = s->now;
                }
                if (!b->on || !b->agent)
                        continue;
                drive(s, i);
                follow(s, i);
        }
        s->now += STEP_USEC;
}

static void begin(struct shelf *s) {
        s->record = (struct charter_shutdown){ .id = 77, .timeout_sec = 30, .n = s->n };
        for (unsigned i = 0; i < s->n; i++)
                s->record.boards[i] = (struct charter_shutdown_board){
                        .node = node_of(i),
                        .boot = hears(s, s->leader, i) || sim_chance(&s->random, 80)
                                        ? s->boards[i].boot
                                        : 0
                };
        sim_say(s->now, "a person says: shut down");
}

/* What a person would want: whoever knows of it and can, is off. */
static void check_end(struct shelf *s) {
        for (unsigned i = 0; i < s->n; i++) {
                const struct toy *b = &s->boards[i];

                if (b->on && b->was_told && b->hang == HANG_NOT && s->record.id &&
                    charter_shutdown_boot(&s->record, node_of(i)) == b->boot)
                        s->ok = sim_wrong(s->now, "%u was told and is on for ever", i);
        }
        if (s->calm && (!s->claimed || s->all_off > 25 * USEC_PER_SEC))
                s->ok = sim_wrong(s->now,
                                  "nothing was wrong, and it took too long or was not said");
}

static void cold_start(struct shelf *s) {
        usec_t on[BOARDS_MAX], end;

        for (unsigned i = 0; i < s->n; i++) {
                /* some stay on: they hang, or are on another plug */
                bool stays = s->boards[i].on && sim_chance(&s->random, 20);

                s->boards[i].side = 0;
                s->boards[i].hang = HANG_NOT;
                if (!stays && s->boards[i].on)
                        power(s, i, false);
                on[i] = stays ? 0 : s->now + sim_between(&s->random, 0, 60 * USEC_PER_SEC);
                if (stays && s->boards[i].going) /* it is past saying anything */
                        power(s, i, false), on[i] = s->now + USEC_PER_SEC;
        }
        s->leader = s->n;
        /* those that never went off may still do what they were told; those that are new may not */
        for (end = s->now + 300 * USEC_PER_SEC; s->now < end && s->ok;) {
                for (unsigned i = 0; i < s->n; i++)
                        if (on[i] && s->now >= on[i]) {
                                power(s, i, true);
                                on[i] = 0;
                        }
                live(s);
        }
        if (s->record.id)
                s->ok = sim_wrong(s->now, "the record is there for ever");
        for (unsigned i = 0; i < s->n; i++)
                if (s->boards[i].on && s->boards[i].follow.id)
                        s->ok = sim_wrong(s->now, "%u keeps its functions stopped for ever", i);
}

static bool run(uint64_t seed) {
        struct shelf s = { .random = { seed }, .ok = true };
        usec_t kill_at = USEC_NEVER, cut_at = USEC_NEVER, heal_at = USEC_NEVER, on_at = USEC_NEVER;
        usec_t end;

        s.now = USEC_PER_SEC;
        s.n = 2 + sim_below(&s.random, BOARDS_MAX - 1);
        s.voters = voters_wanted(s.n);
        s.leader = s.n;
        for (unsigned i = 0; i < s.n; i++)
                power(&s, i, true);
        s.calm = sim_chance(&s.random, 10);
        if (!s.calm && sim_chance(&s.random, 50))
                kill_at = s.now + sim_between(&s.random, 0, 15 * USEC_PER_SEC);
        if (!s.calm && sim_chance(&s.random, 50)) {
                cut_at = s.now + sim_between(&s.random, 0, 15 * USEC_PER_SEC);
                if (sim_chance(&s.random, 70))
                        heal_at = cut_at + sim_between(&s.random, 0, 60 * USEC_PER_SEC);
        }
        if (!s.calm && sim_chance(&s.random, 20))
                on_at = s.now + sim_between(&s.random, 5 * USEC_PER_SEC, 40 * USEC_PER_SEC);
        for (unsigned i = 0; i < s.n && !s.calm; i++)
                if (sim_chance(&s.random, 12))
                        s.boards[i].hang = sim_chance(&s.random, 50) ? HANG_REFUSES : HANG_STAYS;
        while (s.leader == s.n)
                live(&s);
        begin(&s);
        for (end = s.now + 400 * USEC_PER_SEC; s.now < end && s.ok;) {
                if (s.now >= kill_at && s.leader < s.n) {
                        sim_say(s.now, "%u loses its power", s.leader);
                        power(&s, s.leader, false);
                        kill_at = USEC_NEVER;
                }
                if (s.now >= cut_at) {
                        for (unsigned i = 0; i < s.n; i++)
                                s.boards[i].side = sim_below(&s.random, 2);
                        sim_say(s.now, "cables are pulled");
                        cut_at = USEC_NEVER;
                }
                if (s.now >= heal_at) {
                        for (unsigned i = 0; i < s.n; i++)
                                s.boards[i].side = 0;
                        sim_say(s.now, "cables are plugged in");
                        heal_at = USEC_NEVER;
                }
                for (unsigned i = 0; i < s.n && s.now >= on_at; i++)
                        if (!s.boards[i].on && s.boards[i].went) {
                                power(&s, i, true);
                                on_at = USEC_NEVER;
                        }
                live(&s);
        }
        if (s.ok)
                check_end(&s);
        if (s.ok)
                cold_start(&s);
        return s.ok;
}

int main(void) {
        return sim_main("shutdown", run);
}
