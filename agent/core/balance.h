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
        bool suspect;       /* failed a moment ago: only where there is no other */
        bool tried;         /* this call failed there already: never */
};

#define BALANCE_NONE SIZE_MAX

/* The index of the least busy ready replica; the one on this board where it is as idle as any
 * other; 'turn' (grows with each call) spreads calls over the equals that are left.  BALANCE_NONE
 * where none is to be had. */
size_t balance_choose(const struct balance_replica *replicas, size_t n, uint32_t turn);

#endif
