#include "core/shutdown_plan.h"

static const struct shutdown_fact *fact(const struct shutdown_now *in, uint64_t node) {
        for (uint32_t i = 0; i < in->n_facts; i++)
                if (in->facts[i].node == node)
                        return &in->facts[i];
        return NULL;
}

static struct shutdown_board *board(struct shutdown_plan *p, uint64_t node) {
        for (uint32_t i = 0; i < p->n; i++)
                if (p->boards[i].node == node)
                        return &p->boards[i];
        return NULL;
}

static usec_t later(usec_t a, usec_t b) {
        return a > b ? a : b;
}

/* Another life than the one that the record is about. */
static bool reborn(const struct shutdown_board *b, const struct shutdown_fact *f) {
        return f && f->boot && b->boot && f->boot != b->boot;
}

static void enter(struct shutdown_plan *p, enum shutdown_phase phase, usec_t now) {
        p->phase = phase;
        p->since = now;
}

void shutdown_begin(struct shutdown_plan *p, const struct charter_shutdown *record, uint64_t self,
                    const struct shutdown_board *seen, uint32_t n_seen, usec_t now) {
        *p = (struct shutdown_plan){ .id = record->id,
                                     .self = self,
                                     .only = record->only,
                                     .reboot = record->reboot,
                                     .timeout_usec = record->timeout_sec * USEC_PER_SEC,
                                     .n = record->n };
        for (uint32_t i = 0; i < record->n; i++) {
                struct shutdown_board *b = &p->boards[i];

                b->node = record->boards[i].node;
                b->boot = record->boards[i].boot;
                for (uint32_t j = 0; j < n_seen; j++) {
                        if (seen[j].node != b->node)
                                continue;
                        b->said =
                                seen[j].state == SHUTDOWN_STOPPING || seen[j].state == SHUTDOWN_OFF;
                        if (seen[j].state == SHUTDOWN_OFF || seen[j].state == SHUTDOWN_BACK)
                                b->state = seen[j].state;
                }
        }
        enter(p, SHUTDOWN_FREEZE, now);
}

/* ---- is it over before it is done? ---- */

/* A record of all boards ends with the life of the board that leads: after the power has come back
 * nobody is switched off, however far it had come.  So it does where most boards have come back to
 * one that was never off; but a reboot goes on there. */
static bool over(const struct shutdown_plan *p, const struct shutdown_now *in) {
        uint32_t back = 0;

        for (uint32_t i = 0; i < p->n; i++) {
                const struct shutdown_board *b = &p->boards[i];

                if (!reborn(b, fact(in, b->node)))
                        continue;
                back++;
                if (b->node == p->self)
                        return true;
        }
        return !p->reboot && 2 * back > p->n;
}

/* ---- the phases ---- */

/* All boards that answer know of it, or enough time has gone by. */
static bool all_know(const struct shutdown_plan *p, usec_t now, const struct shutdown_now *in) {
        if (usec_sub(now, p->since) >= SHUTDOWN_FREEZE_USEC)
                return true;
        for (uint32_t i = 0; i < p->n; i++) {
                const struct shutdown_fact *f = fact(in, p->boards[i].node);

                if (!f || f->heard < p->since)
                        return false;
        }
        return true;
}

static bool fresh(const struct shutdown_fact *f, usec_t now) {
        return f && f->heard && usec_sub(now, f->heard) < SHUTDOWN_ASK_USEC;
}

/* The leadership goes where the last board is.  False: it is on its way. */
static bool placed(struct shutdown_plan *p, usec_t now, const struct shutdown_now *in,
                   struct shutdown_actions *ret) {
        const struct shutdown_fact *master = fact(in, in->master);
        bool move = p->only ? p->only == p->self
                            : in->master != p->self && master && master->votes &&
                                      fresh(master, now) && board(p, in->master);

        if (move && !p->handed) {
                p->handed = true;
                p->handing = now;
                ret->hand_over = true;
                ret->hand_to = p->only ? 0 : in->master;
                return false;
        }
        if (p->handing && usec_sub(now, p->handing) < SHUTDOWN_HAND_OVER_USEC) {
                ret->hand_over = move; /* again: a change of the voters may have been under way */
                ret->hand_to = p->only ? 0 : in->master;
                return false;
        }
        p->handing = 0;
        p->last = !p->only || p->only == p->self ? p->self : 0;
        return true;
}

static bool functions_ended(const struct shutdown_plan *p, usec_t now,
                            const struct shutdown_now *in) {
        if (usec_sub(now, p->since) >= SHUTDOWN_FUNCTIONS_USEC)
                return true;
        for (uint32_t i = 0; i < p->n; i++) {
                const struct shutdown_board *b = &p->boards[i];
                const struct shutdown_fact *f = fact(in, b->node);

                if (b->state != SHUTDOWN_OFF && b->state != SHUTDOWN_BACK && fresh(f, now) &&
                    f->functions > 0)
                        return false;
        }
        return true;
}

/* How one board stands that is to go off. */
static enum shutdown_state judge(struct shutdown_plan *p, struct shutdown_board *b, usec_t now,
                                 const struct shutdown_fact *f) {
        usec_t heard = f ? later(f->heard, f->answered) : 0;
        usec_t quiet = usec_sub(now, later(heard, b->told));
        bool silent = f && f->misses >= SHUTDOWN_MISSES && quiet >= SHUTDOWN_SILENT_USEC;
        bool late = usec_sub(now, b->told) >= p->timeout_usec;

        if (reborn(b, f) || (b->state == SHUTDOWN_OFF && b->ended && f && f->heard > b->ended))
                return SHUTDOWN_BACK;
        /* a cable was pulled and is plugged in again: it was not off at all */
        if (b->state == SHUTDOWN_OFF && !p->reboot && f && b->ended && f->answered > b->ended)
                b->state = SHUTDOWN_STOPPING;
        if (b->state == SHUTDOWN_OFF || b->state == SHUTDOWN_BACK)
                return b->state;
        if (f && f->heard >= b->told)
                b->said = f->going;
        if (b->said && silent)
                return SHUTDOWN_OFF;
        if (!b->said && (quiet >= SHUTDOWN_LOST_USEC || (late && silent)))
                return SHUTDOWN_SILENT;
        if (late)
                return SHUTDOWN_HUNG;
        return b->said ? SHUTDOWN_STOPPING : SHUTDOWN_WAITING;
}

/* Is there nothing left to wait for with this board? */
static bool settled(const struct shutdown_plan *p, const struct shutdown_board *b, usec_t now) {
        switch (b->state) {
        case SHUTDOWN_WAITING:
        case SHUTDOWN_STOPPING:
                return false;
        case SHUTDOWN_OFF: /* a person who restarts one board waits for it */
                return !p->only || !p->reboot || usec_sub(now, b->ended) >= p->timeout_usec;
        case SHUTDOWN_SILENT:
        case SHUTDOWN_HUNG:
        case SHUTDOWN_BACK:
        case SHUTDOWN_STATE_MAX:
                break;
        }
        return true;
}

static bool boards_ended(struct shutdown_plan *p, usec_t now, const struct shutdown_now *in,
                         struct shutdown_actions *ret) {
        bool all = true;

        for (uint32_t i = 0; i < p->n; i++) {
                struct shutdown_board *b = &p->boards[i];
                enum shutdown_state before;

                if (b->node == p->last)
                        continue;
                if (!b->told)
                        b->told = p->since; /* orders went out as the phase began */
                before = b->state;
                b->state = judge(p, b, now, fact(in, b->node));
                if (b->state == SHUTDOWN_OFF && !b->ended)
                        b->ended = now;
                if (b->state != SHUTDOWN_OFF && b->state != SHUTDOWN_BACK)
                        b->ended = 0;
                ret->changed = ret->changed || b->state != before;
                all = all && settled(p, b, now);
        }
        return all;
}

/* Did every board do what was asked of it? */
static bool all_off(const struct shutdown_plan *p) {
        for (uint32_t i = 0; i < p->n; i++) {
                const struct shutdown_board *b = &p->boards[i];

                if (b->node == p->last)
                        continue;
                if (b->state == SHUTDOWN_BACK ? !p->reboot
                                              : b->state != SHUTDOWN_OFF || (p->only && p->reboot))
                        return false;
        }
        return true;
}

static void end(struct shutdown_plan *p, usec_t now) {
        enter(p, all_off(p) ? SHUTDOWN_DONE : SHUTDOWN_FAILED, now);
}

static void advance(struct shutdown_plan *p, usec_t now, const struct shutdown_now *in,
                    struct shutdown_actions *ret) {
        struct shutdown_board *self;

        switch (p->phase) {
        case SHUTDOWN_FREEZE:
                if (all_know(p, now, in) && placed(p, now, in, ret))
                        enter(p, SHUTDOWN_FUNCTIONS, now);
                break;
        case SHUTDOWN_FUNCTIONS:
                if (functions_ended(p, now, in))
                        enter(p, in->snapshot && !p->only ? SHUTDOWN_SNAPSHOT : SHUTDOWN_BOARDS,
                              now);
                break;
        case SHUTDOWN_SNAPSHOT:
                ret->take_snapshot = !in->snapshot_kept;
                if (in->snapshot_kept || usec_sub(now, p->since) >= SHUTDOWN_SNAPSHOT_USEC)
                        enter(p, SHUTDOWN_BOARDS, now);
                break;
        case SHUTDOWN_BOARDS:
                if (!boards_ended(p, now, in, ret))
                        break;
                if (p->last)
                        enter(p, SHUTDOWN_MASTER, now);
                else
                        end(p, now);
                break;
        case SHUTDOWN_MASTER:
                self = board(p, p->last);
                if (self)
                        self->state = SHUTDOWN_STOPPING;
                if (usec_sub(now, p->since) >= SHUTDOWN_WORDS_USEC)
                        end(p, now);
                break;
        case SHUTDOWN_DONE:
        case SHUTDOWN_FAILED:
        case SHUTDOWN_PHASE_MAX:
                if (!p->last) {
                        ret->clear = ret->drop = true;
                } else if (usec_sub(now, p->since) >= SHUTDOWN_WORDS_USEC &&
                           (!p->gone || usec_sub(now, p->gone) >= SHUTDOWN_AGAIN_USEC)) {
                        p->gone = now;
                        ret->go = true;
                }
                break;
        }
}

void shutdown_step(struct shutdown_plan *p, usec_t now, const struct shutdown_now *in,
                   struct shutdown_actions *ret) {
        enum shutdown_phase before = p->phase;

        *ret = (struct shutdown_actions){ 0 };
        if (p->phase < SHUTDOWN_BOARDS && !in->leads) {
                ret->drop = true; /* whoever leads goes on from the record */
                return;
        }
        /* one board alone that has come back is what its plan waits for */
        if ((p->phase < SHUTDOWN_BOARDS || (p->phase == SHUTDOWN_BOARDS && !p->only)) &&
            over(p, in)) {
                ret->clear = ret->drop = true;
                return;
        }
        advance(p, now, in, ret);
        ret->changed = ret->changed || p->phase != before;
}

bool shutdown_orders(const struct shutdown_plan *p, uint64_t node) {
        for (uint32_t i = 0; i < p->n; i++) {
                const struct shutdown_board *b = &p->boards[i];

                if (b->node == node)
                        return p->phase >= SHUTDOWN_BOARDS && node != p->last &&
                               b->state != SHUTDOWN_OFF && b->state != SHUTDOWN_BACK;
        }
        return false;
}

uint64_t shutdown_boot(const struct shutdown_plan *p, uint64_t node) {
        for (uint32_t i = 0; i < p->n; i++)
                if (p->boards[i].node == node)
                        return p->boards[i].boot;
        return 0;
}

bool shutdown_holds(const struct shutdown_plan *p, uint64_t node) {
        for (uint32_t i = 0; i < p->n; i++)
                if (p->boards[i].node == node)
                        return p->boards[i].state != SHUTDOWN_BACK;
        return false;
}

void shutdown_order(uint64_t *nodes, uint32_t n, uint64_t last) {
        uint32_t kept = 0;
        bool found = false;

        for (uint32_t i = 0; i < n; i++) {
                if (nodes[i] == last)
                        found = true;
                else
                        nodes[kept++] = nodes[i];
        }
        if (found)
                nodes[kept] = last;
}

/* ---- a board that was told ---- */

void shutdown_follow_told(struct shutdown_follow *f, uint64_t id, bool held, usec_t timeout_usec,
                          usec_t now) {
        *f = (struct shutdown_follow){ 0 };
        if (!held)
                return;
        f->id = id;
        f->heard = f->asked = now;
        f->timeout_usec = timeout_usec;
}

enum shutdown_follow_action shutdown_follow_step(struct shutdown_follow *f, usec_t now) {
        if (f->id == 0)
                return SHUTDOWN_FOLLOW_WAIT;
        if (usec_sub(now, f->heard) >= usec_add(f->timeout_usec, SHUTDOWN_ORPHAN_USEC))
                return SHUTDOWN_FOLLOW_GO;
        if (usec_sub(now, f->asked) < SHUTDOWN_ASK_USEC)
                return SHUTDOWN_FOLLOW_WAIT;
        f->asked = now;
        return SHUTDOWN_FOLLOW_ASK;
}
