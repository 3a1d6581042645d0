/* The log of events under failovers: boards that die and return, leaders that change, pictures that
 * not everybody gets, agents that are restarted.  Who was elected, lost or came back is told once,
 * on every board, under one id. */
#include "sim.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOARDS = 6, STEPS = 120, TRUTHS = 200 };

/* What an agent has. */
struct member {
        bool on;
        bool heard; /* a new member is down until its first report */
        struct world world;
        struct world_member members[BOARDS];
        struct events log;
};

/* What happened for real, and was in a picture. */
struct truth {
        enum event_kind kind;
        unsigned board;
        uint64_t term;
        unsigned told; /* on the board at hand */
};

struct town {
        struct sim_random random;
        usec_t now;
        unsigned n, leader, joined;
        uint64_t term, version;
        unsigned n_truths;
        struct truth truths[TRUTHS];
        struct member boards[BOARDS];
};

static const char *name_of(unsigned i) {
        static const char *const names[BOARDS] = { "m1", "w1", "w2", "w3", "w4", "w5" };

        return names[i];
}

static void happened(struct town *t, enum event_kind kind, unsigned board) {
        if (t->n_truths < TRUTHS)
                t->truths[t->n_truths++] =
                        (struct truth){ .kind = kind, .board = board, .term = t->term };
        sim_say(t->now, "%s: %s", event_kind_text(kind), name_of(board));
}

static void take(struct member *b, const struct world *w) {
        memcpy(b->members, w->members, w->n_members * sizeof(b->members[0]));
        b->world = *w;
        b->world.members = b->members;
}

/* What daemon/events.c does when a picture names an entry that is not there. */
static void fetch(struct member *to, const struct member *from) {
        for (uint32_t i = events_since(&from->log, events_last(&to->log)); i < from->log.n; i++)
                (void)events_merge(&to->log, events_at(&from->log, i));
}

/* The leader's picture of now, to everybody who hears it: a board may miss one. */
static void picture(struct town *t, bool everybody) {
        struct member *l = &t->boards[t->leader];
        struct world_member members[BOARDS] = { 0 };
        struct world w = { .term = t->term,
                           .version = ++t->version,
                           .bramble = 7,
                           .leader = t->leader + 1,
                           .master = 1,
                           .n_members = t->joined,
                           .members = members };

        for (unsigned i = 0; i < t->joined; i++) {
                members[i].node = i + 1;
                members[i].subnet = (uint16_t)(i + 1);
                members[i].up = t->boards[i].on && t->boards[i].heard;
                t->boards[i].heard = true;
                (void)str_copy(members[i].name, sizeof(members[i].name), name_of(i));
        }
        (void)events_step(&l->log, &l->world, &w,
                          (struct event_time){ (int64_t)t->now, t->now / 1000 });
        w.last_event = events_last(&l->log);
        take(l, &w);
        for (unsigned i = 0; i < t->joined; i++) {
                struct member *b = &t->boards[i];

                if (i == t->leader || !b->on || (!everybody && sim_chance(&t->random, 25)))
                        continue;
                take(b, &w);
                if (w.last_event > events_last(&b->log) &&
                    (everybody || !sim_chance(&t->random, 25)))
                        fetch(b, l);
        }
}

/* Somebody else leads, who was told all that there was (raft sees to it that the charter is whole;
 * pictures and events are only as new as they came). */
static void elect(struct town *t) {
        unsigned who = sim_below(&t->random, t->joined);

        while (!t->boards[who].on)
                who = (who + 1) % t->joined;
        t->leader = who;
        t->term += 1 + sim_below(&t->random, 3);
        happened(t, EVENT_ELECTED, who);
}

/* A restarted agent has neither log nor picture. */
static void restart(struct member *b) {
        memset(&b->log, 0, sizeof(b->log));
        b->world = (struct world){ 0 };
}

static unsigned alive(const struct town *t) {
        unsigned n = 0;

        for (unsigned i = 0; i < t->joined; i++)
                n += t->boards[i].on;
        return n;
}

static void catch_up(struct town *t) {
        struct member *l = &t->boards[t->leader];

        for (unsigned i = 0; i < t->joined; i++) {
                const struct events *other = &t->boards[i].log;

                if (i == t->leader || !t->boards[i].on)
                        continue;
                for (uint32_t k = 0; k < other->n; k++)
                        (void)events_merge(&l->log, events_at(other, k));
                return;
        }
}

static void trouble(struct town *t) {
        unsigned i = sim_below(&t->random, t->joined);
        struct member *b = &t->boards[i];

        switch (sim_below(&t->random, 7)) {
        case 0: /* a power cut; a majority stays */
                if (!b->on || (alive(t) - 1) * 2 <= t->joined)
                        break;
                picture(t, true); /* what came before was heard by all */
                b->on = false;
                if (i == t->leader)
                        elect(t);
                happened(t, EVENT_LOST, i);
                break;
        case 1: /* and its return */
                if (b->on)
                        break;
                b->on = true;
                restart(b);
                happened(t, EVENT_BACK, i);
                break;
        case 2: /* an election without a loss */
                picture(t, true);
                elect(t);
                break;
        case 3:
                if (t->joined == t->n)
                        break;
                t->boards[t->joined++].on = true;
                happened(t, EVENT_JOINED, t->joined - 1);
                break;
        case 4: /* an agent is restarted so fast that nobody misses it */
                if (b->on && i != t->leader)
                        restart(b);
                break;
        case 5: /* the same of the leader, who leads again: it asks another one for what was */
                picture(t, true);
                restart(&t->boards[t->leader]);
                t->term++;
                happened(t, EVENT_ELECTED, t->leader);
                picture(t, true);
                catch_up(t);
                break;
        default:
                break;
        }
        picture(t, false);
}

/* Every truth once, and nothing else of these kinds. */
static bool told_once(struct town *t, unsigned who) {
        const struct member *b = &t->boards[who];
        uint64_t last = 0;

        for (unsigned k = 0; k < t->n_truths; k++)
                t->truths[k].told = 0;
        for (uint32_t i = 0; i < b->log.n; i++) {
                const struct event *e = events_at(&b->log, i);
                unsigned k = 0;

                if (e->id <= last)
                        return sim_wrong(t->now, "%s: ids do not grow", name_of(who));
                last = e->id;
                while (k < t->n_truths && (t->truths[k].told || t->truths[k].kind != e->kind ||
                                           !str_eq(name_of(t->truths[k].board), e->board)))
                        k++;
                if (k == t->n_truths)
                        return sim_wrong(t->now,
                                         "%s tells of what did not happen, or once more: %s",
                                         name_of(who), e->text);
                t->truths[k].told++;
        }
        for (unsigned k = 0; k < t->n_truths; k++)
                if (!t->truths[k].told)
                        return sim_wrong(t->now,
                                         "%s does not tell of '%s' of %s (term %" PRIu64 ")",
                                         name_of(who), event_kind_text(t->truths[k].kind),
                                         name_of(t->truths[k].board), t->truths[k].term);
        return true;
}

static bool alike(struct town *t, unsigned a, unsigned b) {
        const struct events *x = &t->boards[a].log, *y = &t->boards[b].log;

        if (x->n != y->n)
                return sim_wrong(t->now, "%s has %u events and %s has %u", name_of(a), x->n,
                                 name_of(b), y->n);
        for (uint32_t i = 0; i < x->n; i++)
                if (events_at(x, i)->id != events_at(y, i)->id ||
                    !str_eq(events_at(x, i)->text, events_at(y, i)->text))
                        return sim_wrong(t->now, "%s and %s have different entries", name_of(a),
                                         name_of(b));
        return true;
}

static bool run(uint64_t seed) {
        static struct town t; /* 600 KB */
        bool ok = true;

        memset(&t, 0, sizeof(t));
        t.random.state = seed;
        t.n = 3 + sim_below(&t.random, BOARDS - 2);
        t.joined = 3;
        for (unsigned i = 0; i < t.joined; i++)
                t.boards[i].on = t.boards[i].heard = true;
        elect(&t);
        picture(&t, true);
        for (unsigned k = 0; k < STEPS; k++) {
                t.now += sim_between(&t.random, 1, 5) * USEC_PER_SEC;
                trouble(&t);
        }
        picture(&t, true);
        for (unsigned i = 0; ok && i < t.joined; i++)
                if (t.boards[i].on)
                        ok = told_once(&t, i) && alike(&t, t.leader, i);
        return ok;
}

int main(void) {
        return sim_main("sim_events", run);
}
