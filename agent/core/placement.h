/* placement - decides which board runs which replica.  Pure: charter and boards in, commands out.
 */
#ifndef BRAMBLE_CORE_PLACEMENT_H
#define BRAMBLE_CORE_PLACEMENT_H

#include "base/fail.h"
#include "base/time.h"
#include "core/charter.h"

/* What the coordinator knows about one member right now. */
struct placement_board {
        uint64_t node;
        bool up;
        usec_t down_since;       /* when it went silent; only where !up */
        bool avoid;              /* hot, throttled, full card: nothing new */
        bool cordoned;           /* a person wants nothing there: what is there moves elsewhere */
        uint64_t function_bytes; /* RAM for functions */
        uint16_t cpu_permille;
};

enum { PLACEMENT_ACTIONS = 32 }; /* at most that many a step; the next step goes on */

struct placement_action {
        bool place;        /* else drop */
        uint64_t node;     /* place: where */
        uint32_t instance; /* drop: which */
        char function[SIZE_NAME];
        char namespace[SIZE_NAME];
};

struct placement_actions {
        uint32_t n;
        struct placement_action items[PLACEMENT_ACTIONS];
        char reason[SIZE_REASON]; /* why a replica could not be placed ("no board has 64 MB free"),
                                     or "" */
        usec_t wake;              /* look again no later than this; USEC_NEVER */
};

/* A replica on a board that is silent for this long is placed elsewhere. */
#define PLACEMENT_LOST_USEC (5 * USEC_PER_SEC)

/* Wanted replicas against placed ones.  Spreads a function over boards (fewest replicas of the
 * same function first, then most free RAM, then least busy), never above a board's RAM for
 * functions, drops what is too many (on lost and avoided boards first, then from the fullest),
 * and replaces old generations, and what is on cordoned boards: the new replica is placed before
 * the old one is dropped ('ready' tells which instances answer).  Of a function at zero for which
 * 'keeps' is true (by its index in the charter) one replica stays where it is. */
void placement_step(const struct charter *c, const struct placement_board *boards, size_t n_boards,
                    bool (*ready)(void *arg, uint32_t instance),
                    bool (*keeps)(void *arg, uint32_t function), void *arg, usec_t now,
                    struct placement_actions *ret);

/* May 'node' be cordoned: is there room elsewhere for everything that runs there?  0; -ENOSPC with
 * the function that cannot move and why. */
int placement_can_leave(const struct charter *c, const struct placement_board *boards,
                        size_t n_boards, uint64_t node, struct fail *f);

#endif
