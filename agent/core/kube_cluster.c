#include "core/kube_cluster.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

static const struct kube_board *find(const struct kube_cluster *c, uint64_t node) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i].node == node)
                        return &c->boards[i];
        return NULL;
}

__attribute__((format(printf, 2, 3))) static void say(struct kube_decision *d, const char *format,
                                                      ...) {
        va_list args;

        va_start(args, format);
        (void)vsnprintf(d->note, sizeof(d->note), format, args);
        va_end(args);
}

static bool fit(const struct kube_board *b) {
        return b->up && b->report->capable && !b->small;
}

/* It has kubeadm of the control plane's version, as far as that is known. */
static bool same_version(const struct kube_cluster *c, const struct kube_board *b) {
        return !c->kube->version[0] || str_eq(b->report->version, c->kube->version);
}

static bool better(const struct kube_cluster *c, const struct kube_board *a,
                   const struct kube_board *b) {
        if (!b || same_version(c, a) != same_version(c, b))
                return !b || same_version(c, a);
        return a->strength > b->strength || (a->strength == b->strength && a->node < b->node);
}

/* The strongest board that could carry a control plane; ties go to the lower node id. */
static const struct kube_board *best(const struct kube_cluster *c, uint64_t except) {
        const struct kube_board *best = NULL;

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct kube_board *b = &c->boards[i];

                if (fit(b) && b->node != except && better(c, b, best))
                        best = b;
        }
        return best;
}

/* The same among the workers that may carry it too; 'ret_n': how many there are. */
static const struct kube_board *best_worker(const struct kube_cluster *c, uint32_t *ret_n) {
        const struct kube_board *best = NULL;

        *ret_n = 0;
        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct kube_board *b = &c->boards[i];

                if (!fit(b) || !same_version(c, b) || b->report->phase != KUBE_READY ||
                    b->report->epoch != c->kube->epoch || charter_kube_carries(c->kube, b->node))
                        continue;
                ++*ret_n;
                if (better(c, b, best))
                        best = b;
        }
        return best;
}

uint64_t kube_cluster_holder(const struct kube_cluster *c, uint64_t *ret_snapshot) {
        const struct kube_board *holder = NULL;

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct kube_board *b = &c->boards[i];

                if (b->up && b->report->snapshot && b->report->snapshot >> 32 >= c->kube->made &&
                    (!holder || b->report->snapshot > holder->report->snapshot ||
                     (b->report->snapshot == holder->report->snapshot && fit(b) && !fit(holder))))
                        holder = b;
        }
        if (ret_snapshot)
                *ret_snapshot = holder ? holder->report->snapshot : 0;
        return holder ? holder->node : 0;
}

static void move(struct kube_decision *d, const struct kube_board *to, bool restore) {
        d->change = KUBE_CHANGE_MOVE;
        d->node = to->node;
        d->restore = restore;
}

/* ---- there is none yet --------------------------------------------------------------------- */

/* A cluster that a person set up is the bramble's: its board is the master. */
static const struct kube_board *foreign(const struct kube_cluster *c) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i].up && c->boards[i].report->foreign)
                        return &c->boards[i];
        return NULL;
}

static void found(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        const struct kube_board *master = find(c, c->master), *other = foreign(c);

        if (other) {
                move(d, other, false);
                say(d, "%s has a cluster that was set up by hand: it is left as it is",
                    other->name);
                return;
        }
        if (master && fit(master)) {
                move(d, master, false);
                return;
        }
        other = best(c, 0);
        if (!other)
                return; /* nothing is installed anywhere: functions only */
        if (master && usec_sub(now, master->since) < KUBE_CLUSTER_PATIENCE_USEC) {
                d->deadline = usec_add(master->since, KUBE_CLUSTER_PATIENCE_USEC);
                say(d, "waiting for the master, %s", master->name);
                return;
        }
        move(d, other, false);
        say(d, "the master cannot carry the control plane, %s does", other->name);
}

/* ---- it is lost ---------------------------------------------------------------------------- */

static void no_snapshot(struct kube_decision *d) {
        say(d, "the control plane is lost and no board that is up keeps a snapshot of it: bring "
               "its board back, or agentctl reset --all and begin anew");
}

/* Where to, from a snapshot: the board that keeps the newest one if it is fit, else the strongest
 * (which fetches it).  'except': not this one. */
static void rebuild(const struct kube_cluster *c, uint64_t except, struct kube_decision *d) {
        const struct kube_board *to = find(c, kube_cluster_holder(c, NULL));

        if (!to) {
                no_snapshot(d);
                return;
        }
        if (!fit(to) || !same_version(c, to) || to->node == except)
                to = best(c, except);
        if (!to) {
                say(d, "the control plane is lost and no board that is up could carry it");
                return;
        }
        move(d, to, true);
        say(d, "the control plane is lost: %s rebuilds it from the newest snapshot", to->name);
}

/* Down for good, as far as waiting tells. */
static bool lost(const struct kube_cluster *c, const struct kube_board *b, usec_t now) {
        return b && !b->up && c->lost_after_usec && usec_sub(now, b->since) >= c->lost_after_usec;
}

/* Alive as a control plane: on, and not set up anew since. */
static bool carries(const struct kube_cluster *c, const struct kube_board *b) {
        return b && b->up && b->report->epoch == c->kube->epoch;
}

/* On, and nothing of ours is there: another card.  An agent that has just started reports nothing
 * before it has looked: not even a version. */
static bool emptied(const struct kube_board *b) {
        return b && b->up && b->report->epoch == 0 && b->report->version[0] && !b->report->api &&
               !b->report->foreign;
}

static void wait_for_loss(const struct kube_cluster *c, const struct kube_board *b,
                          struct kube_decision *d) {
        char text[16];

        if (!b || b->up)
                return;
        if (!c->lost_after_usec) {
                say(d, "%s is off: bring it back, or agentctl promote BOARD", b->name);
                return;
        }
        d->deadline = usec_add(b->since, c->lost_after_usec);
        say(d,
            "%s is off: after %s without it the control plane moves (agentctl promote BOARD: "
            "now)",
            b->name, str_duration(text, c->lost_after_usec / USEC_PER_SEC));
}

static void cannot_wait(const struct kube_cluster *c, const struct kube_board *b,
                        struct kube_decision *d) {
        if (kube_cluster_holder(c, NULL))
                say(d, "%s is on, but its control plane is gone: agentctl promote BOARD", b->name);
        else
                no_snapshot(d);
}

/* The only board that carried it does not answer. */
static void one_silent(const struct kube_cluster *c, const struct kube_board *b, usec_t now,
                       struct kube_decision *d) {
        if (lost(c, b, now))
                rebuild(c, 0, d);
        else if (!emptied(b))
                wait_for_loss(c, b, d);
        else if (!c->lost_after_usec)
                cannot_wait(c, b, d);
        else if (usec_sub(now, b->since) >= KUBE_CLUSTER_PATIENCE_USEC)
                rebuild(c, 0, d);
        else
                d->deadline = usec_add(b->since, KUBE_CLUSTER_PATIENCE_USEC);
}

/* None of several answers.  Where too few are left for etcd's quorum that is the end after 'lost
 * after'; where most are there and yet one is gone, after a long silence: the quorum may be of
 * others than the charter knows, a board that was about to carry it too for one. */
static void all_silent(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        uint32_t n_lost = 0, n_emptied = 0, alive = 0;
        usec_t patience = c->lost_after_usec;

        for (uint32_t i = 0; i < c->kube->n_planes; i++) {
                const struct kube_board *b = find(c, c->kube->planes[i]);

                alive += carries(c, b);
                n_emptied += emptied(b);
                if (lost(c, b, now))
                        n_lost++;
                else
                        wait_for_loss(c, b, d);
        }
        if (d->note[0] || n_lost + n_emptied == 0 || !c->lost_after_usec || !c->quiet_since)
                return;
        if ((n_emptied > 0 || alive > c->kube->n_planes / 2) && patience < KUBE_CLUSTER_QUIET_USEC)
                patience = KUBE_CLUSTER_QUIET_USEC;
        if (usec_sub(now, c->quiet_since) >= patience)
                rebuild(c, 0, d);
        else
                d->deadline = usec_add(c->quiet_since, patience);
}

/* ---- there is one -------------------------------------------------------------------------- */

/* Out of three: off for long, or on and never a control plane again (taken off by a person). */
static bool gone(const struct kube_cluster *c, const struct kube_board *b, usec_t now) {
        return lost(c, b, now) || (emptied(b) && !b->report->capable && c->lost_after_usec &&
                                   usec_sub(now, b->since) >= KUBE_CLUSTER_PATIENCE_USEC);
}

static bool give_up_one(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        for (uint32_t i = 0; i < c->kube->n_planes; i++) {
                const struct kube_board *b = find(c, c->kube->planes[i]);

                if (!gone(c, b, now)) {
                        wait_for_loss(c, b, d);
                        continue;
                }
                d->change = KUBE_CHANGE_REMOVE;
                d->node = b->node;
                d->deadline = USEC_NEVER;
                say(d, "%s is lost: it no longer carries the control plane", b->name);
                return true;
        }
        return false;
}

/* One at a time, only while all that are there answer, and never to stop at two: they fail more
 * often than one. */
static void add_one(const struct kube_cluster *c, uint32_t answering, struct kube_decision *d) {
        const struct kube_board *b;
        uint32_t n;

        if (answering < c->kube->n_planes || c->kube->n_planes >= c->wanted_planes)
                return;
        b = best_worker(c, &n);
        if (!b || c->kube->n_planes + n < c->wanted_planes)
                return;
        d->change = KUBE_CHANGE_ADD;
        d->node = b->node;
        say(d, "%s carries the control plane too", b->name);
}

static uint32_t count_answering(const struct kube_cluster *c) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < c->kube->n_planes; i++) {
                const struct kube_board *b = find(c, c->kube->planes[i]);

                n += carries(c, b) && b->report->api;
        }
        return n;
}

bool kube_cluster_answers(const struct kube_cluster *c) {
        return count_answering(c) > 0;
}

static void keep(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        uint32_t answering = count_answering(c);

        /* an API server that answers has etcd's quorum, whatever the others are about */
        if (answering > 0) {
                if (c->kube->n_planes == 1 || !give_up_one(c, now, d))
                        add_one(c, answering, d);
                return;
        }
        if (c->kube->n_planes == 1)
                one_silent(c, find(c, c->kube->planes[0]), now, d);
        else
                all_silent(c, now, d);
        if (!d->note[0])
                say(d, "the control plane does not answer; if it never does: agentctl promote "
                       "BOARD");
}

/* ---- it is being made ---------------------------------------------------------------------- */

static void make(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        const struct kube_board *first = find(c, c->kube->planes[0]), *other;

        if (!first)
                return;
        if (first->up && first->report->foreign && !c->kube->restore) {
                say(d, "%s has a cluster that was set up by hand: waiting for its API server",
                    first->name);
                return;
        }
        if (!lost(c, first, now)) {
                wait_for_loss(c, first, d);
                if (c->kube->restore && first->up && !kube_cluster_holder(c, NULL))
                        no_snapshot(d);
                return;
        }
        if (c->kube->restore) {
                rebuild(c, first->node, d);
                return;
        }
        other = best(c, first->node); /* it never was one: nothing is lost */
        if (other)
                move(d, other, false);
        else
                say(d, "%s was to carry the control plane and is off: no other board can",
                    first->name);
}

struct kube_decision kube_cluster_step(const struct kube_cluster *c, usec_t now) {
        struct kube_decision d = { .deadline = USEC_NEVER };

        if (c->kube->off || c->kube->adopted)
                return d;
        if (c->kube->n_planes == 0)
                found(c, now, &d);
        else if (c->kube->founded)
                keep(c, now, &d);
        else
                make(c, now, &d);
        return d;
}

struct kube_decision kube_cluster_promote(const struct kube_cluster *c, uint64_t node) {
        struct kube_decision d = { .deadline = USEC_NEVER };
        const struct kube_board *b = find(c, node);

        if (c->kube->adopted)
                say(&d, "a person set this cluster up: its control plane is not moved by bramble");
        else if (c->kube->off || c->kube->n_planes == 0)
                say(&d, "this bramble has no Kubernetes cluster yet: agentctl status says why");
        else if (!b || !b->up)
                say(&d, "that board is not up");
        else if (charter_kube_carries(c->kube, node) && b->report->api)
                say(&d, "%s carries the control plane already", b->name);
        else if (b->small)
                say(&d, "%s has too little memory for a control plane", b->name);
        else if (!b->report->capable)
                say(&d, "%s cannot carry a control plane: %s", b->name,
                    b->report->text[0] ? b->report->text : kube_phase_text(b->report->phase));
        else if (!c->kube->founded && !c->kube->restore)
                move(&d, b, false);
        else if (!kube_cluster_holder(c, NULL))
                say(&d, "no board keeps a snapshot of the cluster yet: the first one is made a "
                        "minute after the control plane answers");
        else
                move(&d, b, true);
        return d;
}
