/* kube_cluster - the coordinator's decisions about the Kubernetes cluster: which board makes the
 * control plane, which ones carry it too, and when it is given up for lost and moves.  Pure.
 *
 * A step proposes at most one change; the caller submits it to the charter (which refuses it if
 * the epoch has changed meanwhile) and steps again. */
#ifndef BRAMBLE_CORE_KUBE_CLUSTER_H
#define BRAMBLE_CORE_KUBE_CLUSTER_H

#include "base/time.h"
#include "core/charter.h"
#include "core/report.h"

/* A master that is not capable is given this long before another board is taken: its first reports
 * come before it has looked at itself. */
#define KUBE_CLUSTER_PATIENCE_USEC (20 * USEC_PER_SEC)
/* Of several boards that carry it one is gone, and none answers: etcd may have lost its quorum
 * though most of them are on.  Longer than a Pi takes until its API server answers. */
#define KUBE_CLUSTER_QUIET_USEC (10 * USEC_PER_MIN)

struct kube_board {
        uint64_t node;
        const char *name;
        bool up;
        usec_t since;                     /* up or down for so long: when that began */
        uint64_t strength;                /* board_strength() */
        bool small;                       /* too little RAM for a control plane */
        const struct report_kube *report; /* newest, all zero where there was none */
};

struct kube_cluster {
        const struct charter_kube *kube;
        uint64_t master; /* the charter's */
        const struct kube_board *boards;
        uint32_t n_boards;
        uint32_t wanted_planes; /* 1 or 3 */
        usec_t lost_after_usec; /* 0: never by itself */
        usec_t quiet_since;     /* when kube_cluster_answers() became false; 0: it is true */
};

enum kube_change {
        KUBE_CHANGE_NONE,
        KUBE_CHANGE_MOVE, /* to 'node': a new epoch */
        KUBE_CHANGE_ADD,
        KUBE_CHANGE_REMOVE,
};

struct kube_decision {
        enum kube_change change;
        uint64_t node;
        bool restore;           /* MOVE: from the snapshot that 'node' or 'holder' keeps */
        usec_t deadline;        /* something may change by itself then; USEC_NEVER */
        char note[SIZE_REASON]; /* what it waits for or why it does this, for status; "" */
};

/* Does an API server of the control plane answer?  The caller remembers since when not. */
bool kube_cluster_answers(const struct kube_cluster *c);

struct kube_decision kube_cluster_step(const struct kube_cluster *c, usec_t now);

/* A person wants the control plane on 'node' now: the same MOVE (without a snapshot where there
 * never was a control plane), or a sentence in 'note' and KUBE_CHANGE_NONE where that cannot be. */
struct kube_decision kube_cluster_promote(const struct kube_cluster *c, uint64_t node);

/* The board that is up and keeps the newest snapshot of this cluster, in whatever epoch it was
 * taken; 0: none. */
uint64_t kube_cluster_holder(const struct kube_cluster *c, uint64_t *ret_snapshot);

#endif
