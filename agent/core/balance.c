#include "core/balance.h"

/* Is 'a' strictly better than 'b'?  Both can be had. */
static bool better(const struct balance_replica *a, const struct balance_replica *b) {
        if (a->suspect != b->suspect)
                return b->suspect;
        if (a->in_flight != b->in_flight)
                return a->in_flight < b->in_flight;
        return a->local && !b->local;
}

size_t balance_choose(const struct balance_replica *replicas, size_t n, uint32_t turn) {
        size_t best = BALANCE_NONE;
        bool full = false, full_suspect = false;

        for (size_t i = 0; i < n; i++) {
                /* starting at another one each time makes the first of equals another one */
                size_t at = (turn % n + i) % n;

                if (!replicas[at].ready || replicas[at].tried)
                        continue;
                if (balance_full(replicas[at].in_flight, replicas[at].most)) {
                        full = full || !replicas[at].suspect;
                        full_suspect = true;
                        continue;
                }
                if (best == BALANCE_NONE || better(&replicas[at], &replicas[best]))
                        best = at;
        }
        if (best == BALANCE_NONE)
                return full_suspect ? BALANCE_FULL : BALANCE_NONE;
        return full && replicas[best].suspect ? BALANCE_FULL : best;
}
