#include "core/keeper.h"

#include "base/str.h"

static bool holds(const struct world_image *image, uint64_t node) {
        for (uint32_t i = 0; i < image->n_holders; i++)
                if (image->holders[i] == node)
                        return true;
        return false;
}

/* FNV-1a over the digest and the node id; see http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t mix(const struct world_image *image, uint64_t node) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (const char *c = image->digest; *c; c++)
                hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
        for (int i = 0; i < 8; i++, node >>= 8)
                hash = (hash ^ (node & 0xff)) * UINT64_C(0x100000001b3);
        return hash;
}

/* Of the boards that are on and do not have it the one with the lowest mix; 0: none. */
static uint64_t lowest(const struct world *w, const struct world_image *image) {
        uint64_t best = 0, best_mix = 0;

        for (uint32_t i = 0; i < w->n_members; i++) {
                const struct world_member *m = &w->members[i];
                uint64_t mixed = mix(image, m->node);

                if (!m->up || holds(image, m->node))
                        continue;
                if (best == 0 || mixed < best_mix || (mixed == best_mix && m->node < best)) {
                        best = m->node;
                        best_mix = mixed;
                }
        }
        return best;
}

uint64_t keeper_next(const struct world *w, const struct world_image *image) {
        if (image->n_holders == 0 || image->n_holders >= KEEPER_COPIES)
                return 0;
        return lowest(w, image);
}

uint64_t keeper_puller(const struct world *w, const struct world_image *image, uint64_t self) {
        uint64_t cannot = 0;
        bool named = false;

        if (image->n_holders > 0)
                return 0;
        for (uint32_t i = 0; i < w->n_instances; i++) {
                const struct world_instance *in = &w->instances[i];
                const struct world_member *m = world_member(w, in->node);

                if (!m || !m->up || !str_eq(w->functions[in->function].image, image->name))
                        continue;
                if (in->state != INSTANCE_BACKOFF)
                        return in->node;
                if (cannot == 0 || in->node == self)
                        cannot = in->node;
        }
        if (cannot)
                return cannot;
        for (uint32_t i = 0; i < w->n_functions && !named; i++)
                named = str_eq(w->functions[i].image, image->name);
        return named ? lowest(w, image) : 0;
}
