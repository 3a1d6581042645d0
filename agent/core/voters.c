#include "core/voters.h"

unsigned voters_wanted(unsigned n_members) {
        return n_members >= 7 ? 5 : n_members >= 3 ? 3 : 1;
}

/* The configuration as it is now. */
struct census {
        unsigned voters;
        unsigned voters_up;
        const struct voter_board *self;
        const struct voter_board *heir;   /* strongest that is up and does not vote */
        const struct voter_board *silent; /* voter to replace: lost, the longest silent first */
        const struct voter_board *spare;  /* voter to do without: silent, else the weakest */
        const struct voter_board *absent; /* strongest that is up and not in the configuration */
        unsigned heirs;
        bool hope; /* a non-voter is silent, but not yet for long */
        usec_t wake;
};

static bool lost(const struct voter_board *b, usec_t now) {
        return !b->up && usec_sub(now, b->down_since) >= VOTERS_LOST_USEC;
}

/* NULL is weaker than any board; ties go to the lower node id. */
static const struct voter_board *stronger(const struct voter_board *a,
                                          const struct voter_board *b) {
        if (!a)
                return b;
        if (a->strength != b->strength)
                return a->strength > b->strength ? a : b;
        return a->node < b->node ? a : b;
}

/* The voter that is missed least; NULL is missed more than any board. */
static const struct voter_board *missed_less(const struct voter_board *a,
                                             const struct voter_board *b) {
        if (!a)
                return b;
        if (a->up != b->up)
                return a->up ? b : a;
        if (!a->up && a->down_since != b->down_since)
                return a->down_since < b->down_since ? a : b;
        return stronger(a, b) == a ? b : a;
}

static void count_voter(struct census *c, const struct voter_board *b, uint64_t self, usec_t now) {
        c->voters++;
        c->voters_up += b->up || b->node == self;
        if (b->node == self) {
                c->self = b;
                return;
        }
        c->spare = missed_less(c->spare, b);
        if (lost(b, now))
                c->silent = missed_less(c->silent, b);
}

static struct census take_census(const struct voter_board *boards, size_t n, uint64_t self,
                                 usec_t now) {
        struct census c = { .wake = USEC_NEVER };

        for (size_t i = 0; i < n; i++) {
                const struct voter_board *b = &boards[i];

                if (!b->up && b->node != self && !lost(b, now)) {
                        usec_t wake = usec_add(b->down_since, VOTERS_LOST_USEC);

                        c.wake = wake < c.wake ? wake : c.wake;
                        c.hope = c.hope || b->role != VOTER_VOTES;
                }
                if (b->role == VOTER_VOTES) {
                        count_voter(&c, b, self, now);
                        continue;
                }
                if (!b->up)
                        continue;
                c.heirs++;
                c.heir = stronger(c.heir, b);
                if (b->role == VOTER_NONE)
                        c.absent = stronger(c.absent, b);
        }
        return c;
}

static struct voters_action act(enum voter_change change, const struct voter_board *b,
                                const struct census *c) {
        return (struct voters_action){ .change = b ? change : VOTERS_KEEP,
                                       .node = b ? b->node : 0,
                                       .wake = c->wake };
}

static struct voters_action promote(const struct census *c) {
        /* libraft adds a board as a spare first */
        return act(c->heir && c->heir->role == VOTER_NONE ? VOTERS_ADD_SPARE : VOTERS_PROMOTE,
                   c->heir, c);
}

struct voters_action voters_step(const struct voter_board *boards, size_t n, uint64_t self,
                                 usec_t now) {
        const struct census c = take_census(boards, n, self, now);
        unsigned wanted = voters_wanted((unsigned)n);

        /* no change can be committed without a majority of the present voters */
        if (!c.self || c.voters_up <= c.voters / 2)
                return act(VOTERS_KEEP, NULL, &c);
        if (c.voters > wanted)
                return act(VOTERS_DEMOTE, c.spare, &c);
        if (c.voters % 2 == 0) {
                if (c.heir)
                        return promote(&c);
                /* Nobody is there to make the number odd.  Two voters stop when either does, so
                 * one less is better; but a board that restarts is waited for. */
                return act(c.hope ? VOTERS_KEEP : VOTERS_DEMOTE, c.hope ? NULL : c.spare, &c);
        }
        if (c.silent && c.heir)
                return act(VOTERS_DEMOTE, c.silent, &c);
        if (c.voters < wanted && c.heirs >= 2)
                return promote(&c);
        return act(VOTERS_ADD_SPARE, c.absent, &c);
}
