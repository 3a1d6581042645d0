/* since - when something began that somebody else tells the age of, again and again: the same point
 * in time as long as the ages fit it, however they are rounded and late.  Pure. */
#ifndef BRAMBLE_CORE_SINCE_H
#define BRAMBLE_CORE_SINCE_H

#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum { SINCE_SLACK_MS = 3000 }; /* ages are whole seconds, of a picture that takes one to come */

struct since_entry {
        char name[SIZE_NAME], board[SIZE_NAME];
        int64_t at_ms;
        bool seen; /* since the last sweep */
};

/* All zero: nothing is known. */
struct since {
        uint32_t n;
        struct since_entry entries[LIMIT_ALARMS];
};

/* When 'name' began on 'board', on the clock of 'now_ms'; before that clock began it is negative.
 * What there is no room for is not remembered, and told as it comes. */
int64_t since_at(struct since *s, const char *name, const char *board, uint64_t now_ms,
                 uint64_t age_ms);
/* Forgets what nobody asked about since the last sweep. */
void since_sweep(struct since *s);

#endif
