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

/* The strongest board that could carry a control plane; ties go to the lower node id. */
static const struct kube_board *best(const struct kube_cluster *c, bool beside_planes) {
        const struct kube_board *best = NULL;

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct kube_board *b = &c->boards[i];

                if (!fit(b) || (beside_planes && charter_kube_carries(c->kube, b->node)))
                        continue;
                if (!best || b->strength > best->strength ||
                    (b->strength == best->strength && b->node < best->node))
                        best = b;
        }
        return best;
}

uint64_t kube_cluster_holder(const struct kube_cluster *c, uint64_t *ret_snapshot) {
        const struct kube_board *holder = NULL;

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct kube_board *b = &c->boards[i];

                if (b->up && b->report->snapshot &&
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
        other = best(c, false);
        if (!other)
                return; /* nothing is installed anywhere: functions only */
        if (master && now - master->since < KUBE_CLUSTER_PATIENCE_USEC) {
                d->deadline = usec_add(master->since, KUBE_CLUSTER_PATIENCE_USEC);
                say(d, "waiting for the master, %s", master->name);
                return;
        }
        move(d, other, false);
        say(d, "the master cannot carry the control plane, %s does", other->name);
}

/* ---- it is lost ---------------------------------------------------------------------------- */

/* Where to, from a snapshot: the board that keeps the newest one if it is fit, else the strongest
 * (which fetches it).  'except': not this one. */
static void rebuild(const struct kube_cluster *c, uint64_t except, struct kube_decision *d) {
        uint64_t snapshot, holder = kube_cluster_holder(c, &snapshot);
        const struct kube_board *to = find(c, holder);

        if (!to) {
                say(d, "the control plane is lost and no board keeps a snapshot of it: bring its "
                       "board back, or agentctl reset --all and begin anew");
                return;
        }
        if (!fit(to) || to->node == except)
                to = best(c, true);
        if (!to) {
                say(d, "the control plane is lost and no board that is up could carry it");
                return;
        }
        move(d, to, true);
        say(d, "the control plane is lost: %s rebuilds it from the newest snapshot", to->name);
}

/* Down for good, as far as waiting tells. */
static bool lost(const struct kube_cluster *c, const struct kube_board *b, usec_t now) {
        return b && !b->up && c->lost_after_usec && now - b->since >= c->lost_after_usec;
}

/* Alive as a control plane: on, and not set up anew since. */
static bool carries(const struct kube_cluster *c, const struct kube_board *b) {
        return b && b->up && b->report->epoch == c->kube->epoch;
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

/* The only one, or all but a minority of three. */
static void quorum_gone(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        const struct kube_board *b = NULL;
        bool all_lost = true;

        for (uint32_t i = 0; i < c->kube->n_planes; i++) {
                const struct kube_board *p = find(c, c->kube->planes[i]);

                if (carries(c, p))
                        continue;
                if (!p || p->up) {
                        /* it is on, but with an empty card; nothing of ours comes back there */
                        if (p && p->report->epoch == 0 &&
                            now - p->since < KUBE_CLUSTER_PATIENCE_USEC)
                                all_lost = false;
                        continue;
                }
                all_lost = all_lost && lost(c, p, now);
                if (!b || p->since > b->since)
                        b = p;
        }
        if (all_lost)
                rebuild(c, 0, d);
        else
                wait_for_loss(c, b, d);
}

/* ---- there is one -------------------------------------------------------------------------- */

static void keep(const struct kube_cluster *c, usec_t now, struct kube_decision *d) {
        uint32_t alive = 0, answering = 0;
        const struct kube_board *b;

        for (uint32_t i = 0; i < c->kube->n_planes; i++) {
                b = find(c, c->kube->planes[i]);
                alive += carries(c, b);
                answering += carries(c, b) && b->report->api;
        }
        if (alive <= c->kube->n_planes / 2) {
                quorum_gone(c, now, d);
                return;
        }
        for (uint32_t i = 0; i < c->kube->n_planes && alive > 1; i++) {
                b = find(c, c->kube->planes[i]);
                if (lost(c, b, now)) {
                        d->change = KUBE_CHANGE_REMOVE;
                        d->node = b->node;
                        say(d, "%s is lost: it no longer carries the control plane", b->name);
                        return;
                }
                if (b && !b->up)
                        wait_for_loss(c, b, d);
        }
        /* one at a time, and only while all that are there answer */
        if (answering < c->kube->n_planes || c->kube->n_planes >= c->wanted_planes)
                return;
        b = best(c, true);
        if (!b || b->report->phase != KUBE_READY)
                return;
        d->change = KUBE_CHANGE_ADD;
        d->node = b->node;
        say(d, "%s carries the control plane too", b->name);
}

struct kube_decision kube_cluster_step(const struct kube_cluster *c, usec_t now) {
        struct kube_decision d = { .deadline = USEC_NEVER };
        const struct kube_board *first;

        if (c->kube->off || c->kube->adopted)
                return d;
        if (c->kube->n_planes == 0) {
                found(c, now, &d);
                return d;
        }
        if (c->kube->founded) {
                keep(c, now, &d);
                return d;
        }
        first = find(c, c->kube->planes[0]);
        if (!lost(c, first, now)) {
                wait_for_loss(c, first, &d);
        } else if (c->kube->restore) {
                rebuild(c, first->node, &d);
        } else if ((first = best(c, true))) { /* it never was one: nothing is lost */
                move(&d, first, false);
        }
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
        else if (!kube_cluster_holder(c, NULL))
                say(&d, "no board keeps a snapshot of the cluster yet: the first one is made a "
                        "minute after the control plane answers");
        else
                move(&d, b, true);
        return d;
}
