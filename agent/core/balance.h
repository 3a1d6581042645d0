/* balance - decides which replica of a function gets a call.  Pure. */
#ifndef BRAMBLE_CORE_BALANCE_H
#define BRAMBLE_CORE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct balance_replica {
        uint32_t in_flight; /* calls that this gateway has under way there */
        bool ready;         /* answers, as its board says */
        bool local;         /* on this board: no LAN in between */
        bool suspect;       /* failed a moment ago: only where there is no other, full or not */
        bool tried;         /* this call failed there already: never */
        uint32_t most;      /* calls at a time that it may have; 0: any number */
};

#define BALANCE_NONE SIZE_MAX       /* no ready one is left to be tried */
#define BALANCE_FULL (SIZE_MAX - 1) /* there is one, but all have as many calls as they may */

static inline bool balance_full(uint32_t in_flight, uint32_t most) {
        return most > 0 && in_flight >= most;
}

/* The index of the least busy ready replica; the one on this board where it is as idle as any
 * other; 'turn' (grows with each call) spreads calls over the equals that are left.  BALANCE_NONE
 * or BALANCE_FULL where none is to be had. */
size_t balance_choose(const struct balance_replica *replicas, size_t n, uint32_t turn);

#endif
