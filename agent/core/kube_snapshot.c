#include "core/kube_snapshot.h"

void kube_snapshot_primary(struct kube_snapshot_timer *t, bool primary, usec_t now) {
        if (t->primary == primary)
                return;
        *t = (struct kube_snapshot_timer){ .primary = primary, .since = now };
}

void kube_snapshot_counted(struct kube_snapshot_timer *t, uint64_t counter) {
        if (!t->counted)
                t->taken_counter = ~counter; /* what changed before nobody knows */
        t->counted = true;
        t->counter = counter;
}

bool kube_snapshot_due(const struct kube_snapshot_timer *t, unsigned n_planes, usec_t now) {
        usec_t age = usec_sub(now, t->taken);

        if (!t->primary || usec_sub(now, t->since) < KUBE_SNAPSHOT_FIRST_USEC)
                return false;
        if (t->failed)
                return usec_sub(now, t->failed) >= KUBE_SNAPSHOT_RETRY_USEC;
        if (t->taken == 0)
                return true;
        if (n_planes > 1 && age >= KUBE_SNAPSHOT_HOURLY_USEC)
                return true;
        return age >= KUBE_SNAPSHOT_EVERY_USEC && (!t->counted || t->counter != t->taken_counter);
}

void kube_snapshot_begun(struct kube_snapshot_timer *t, usec_t now) {
        t->taken = now;
        t->taken_counter = t->counter;
        t->failed = 0;
}

void kube_snapshot_outdated(struct kube_snapshot_timer *t) {
        t->taken_counter = ~t->counter;
}

void kube_snapshot_failed(struct kube_snapshot_timer *t, usec_t now) {
        t->failed = now;
}

/* ---- who keeps it -------------------------------------------------------------------------- */

enum rank { RANK_FIT, RANK_SMALL, RANK_PLANE };

static enum rank rank_of(const struct kube_snapshot_board *b) {
        return b->plane ? RANK_PLANE : b->fit ? RANK_FIT : RANK_SMALL;
}

/* splitmix64: every bit of both counts. */
static uint64_t mix(uint64_t node, uint64_t salt) {
        uint64_t v = node ^ salt;

        v += UINT64_C(0x9e3779b97f4a7c15);
        v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
        return v ^ v >> 31;
}

static bool before(const struct kube_snapshot_board *a, const struct kube_snapshot_board *b,
                   uint64_t salt) {
        uint64_t mix_a = mix(a->node, salt), mix_b = mix(b->node, salt);

        if (rank_of(a) != rank_of(b))
                return rank_of(a) < rank_of(b);
        return mix_a != mix_b ? mix_a < mix_b : a->node < b->node;
}

static bool chosen(const uint64_t *nodes, size_t n, uint64_t node) {
        for (size_t i = 0; i < n; i++)
                if (nodes[i] == node)
                        return true;
        return false;
}

size_t kube_snapshot_keepers(const struct kube_snapshot_board *boards, size_t n, uint64_t self,
                             uint64_t salt, uint64_t ret[static KUBE_SNAPSHOT_KEEPERS]) {
        size_t n_ret = 0;

        while (n_ret < KUBE_SNAPSHOT_KEEPERS) {
                const struct kube_snapshot_board *best = NULL;

                for (size_t i = 0; i < n; i++) {
                        const struct kube_snapshot_board *b = &boards[i];

                        if (b->node != self && !chosen(ret, n_ret, b->node) &&
                            (!best || before(b, best, salt)))
                                best = b;
                }
                if (!best)
                        break;
                ret[n_ret++] = best->node;
        }
        return n_ret;
}
