#include "core/image_sweep.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/keeper.h"

/* Lower goes first. */
enum rank { RANK_UNKNOWN, RANK_COPY, RANK_LAST, RANK_STAYS };

static enum rank rank_of(const struct image_sweep_item *i) {
        if (i->used && i->known)
                return RANK_STAYS;
        /* The name means other bytes by now: the new ones take their place by themselves. */
        if (!i->known)
                return i->used || i->idle_sec < IMAGE_SWEEP_YOUNG_SEC ? RANK_STAYS : RANK_UNKNOWN;
        if (i->others >= KEEPER_COPIES)
                return RANK_COPY; /* also a young one: nothing is lost */
        return i->idle_sec < IMAGE_SWEEP_YOUNG_SEC ? RANK_STAYS : RANK_LAST;
}

enum image_sweep_action image_sweep(const struct image_sweep_item *items, size_t n, size_t *ret) {
        enum rank best = RANK_STAYS;
        size_t at = 0;

        for (size_t i = 0; i < n; i++) {
                enum rank rank = rank_of(&items[i]);

                if (rank > best || rank == RANK_STAYS ||
                    (rank == best && items[i].idle_sec <= items[at].idle_sec))
                        continue;
                best = rank;
                at = i;
        }
        if (best == RANK_STAYS)
                return IMAGE_SWEEP_NOTHING;
        *ret = at;
        return best == RANK_LAST ? IMAGE_SWEEP_FORGET : IMAGE_SWEEP_DROP;
}

static bool is_spared(const struct image_spared *s, const char *name, uint64_t node, usec_t now) {
        for (size_t i = 0; i < ARRAY_SIZE(s->items); i++)
                if (s->items[i].until > now && s->items[i].node == node &&
                    str_eq(s->items[i].name, name))
                        return true;
        return false;
}

bool image_spare(struct image_spared *s, const struct world_image *image, uint64_t node,
                 usec_t now) {
        uint32_t others = 0;

        for (uint32_t i = 0; i < image->n_holders; i++)
                others += image->holders[i] != node &&
                          !is_spared(s, image->name, image->holders[i], now);
        if (others < KEEPER_COPIES)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(s->items); i++) {
                if (s->items[i].until > now)
                        continue;
                (void)str_copy(s->items[i].name, sizeof(s->items[i].name), image->name);
                s->items[i].node = node;
                s->items[i].until = usec_add(now, IMAGE_SPARED_USEC);
                return true;
        }
        return false; /* enough goes at a time */
}

uint64_t image_sweep_limit(uint64_t disk_bytes) {
        const uint64_t most = UINT64_C(1000000000);

        return disk_bytes / 8 < most ? disk_bytes / 8 : most;
}
