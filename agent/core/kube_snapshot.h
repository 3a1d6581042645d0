/* kube_snapshot - decides when a snapshot of etcd is due, and which boards keep it.  Pure. */
#ifndef BRAMBLE_CORE_KUBE_SNAPSHOT_H
#define BRAMBLE_CORE_KUBE_SNAPSHOT_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first one, after this board's API has become the first of the cluster that answers. */
#define KUBE_SNAPSHOT_FIRST_USEC (60 * USEC_PER_SEC)
/* Between two, where something changed.  With the time that taking and sending one needs, no
 * object is ever five minutes old and in none. */
#define KUBE_SNAPSHOT_EVERY_USEC (4 * USEC_PER_MIN)
/* Also where nothing seems to have changed: other boards' API servers count for themselves. */
#define KUBE_SNAPSHOT_HOURLY_USEC USEC_PER_HOUR
/* After one that failed. */
#define KUBE_SNAPSHOT_RETRY_USEC USEC_PER_MIN

/* A snapshot's name: its epoch and its number in it; later ones are greater, 0 is none. */
static inline uint64_t kube_snapshot_id(uint32_t epoch, uint32_t number) {
        return (uint64_t)epoch << 32 | number;
}

struct kube_snapshot_timer { /* all zero: not the board that takes them */
        bool primary;
        usec_t since;  /* primary since then */
        usec_t taken;  /* the newest that this board began as primary; 0: none yet */
        usec_t failed; /* not 0: the newest try failed then */
        bool counted;  /* somebody counts changes: 'counter' means something */
        uint64_t counter, taken_counter; /* of changes: now, and when 'taken' began */
};

void kube_snapshot_primary(struct kube_snapshot_timer *t, bool primary, usec_t now);
void kube_snapshot_counted(struct kube_snapshot_timer *t, uint64_t counter);
bool kube_snapshot_due(const struct kube_snapshot_timer *t, unsigned n_planes, usec_t now);
void kube_snapshot_begun(struct kube_snapshot_timer *t, usec_t now);
/* A board that was away has come with a later number, and older content: the next one, which will
 * have a number above it, is due even if nothing changes. */
void kube_snapshot_outdated(struct kube_snapshot_timer *t);
/* It came to nothing: the one before it counts again. */
void kube_snapshot_failed(struct kube_snapshot_timer *t, usec_t now);

/* Boards that keep a copy beside the one that took it. */
enum { KUBE_SNAPSHOT_KEEPERS = 2 };

struct kube_snapshot_board { /* a board that is up */
        uint64_t node;
        uint64_t snapshot; /* newest that it keeps */
        bool fit;          /* enough RAM to carry a control plane */
        bool plane;        /* carries one */
};

/* The boards that should keep 'self's snapshots, at most KUBE_SNAPSHOT_KEEPERS into 'ret'; how
 * many.  Boards that carry no control plane come first, and of them those that could: there it is
 * rebuilt without fetching.  The same ones as long as they are up; other clusters (by 'salt', the
 * bramble's id) choose otherwise. */
size_t kube_snapshot_keepers(const struct kube_snapshot_board *boards, size_t n, uint64_t self,
                             uint64_t salt, uint64_t ret[static KUBE_SNAPSHOT_KEEPERS]);

#endif
