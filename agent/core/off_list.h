/* off_list - which boards a person has switched off, as every voter sees it go by in the charter:
 * the record of a shutdown ends with it, and a leader that comes later would miss the board.  In
 * memory alone: a voter that was not there then does not know.  Pure. */
#ifndef BRAMBLE_CORE_OFF_LIST_H
#define BRAMBLE_CORE_OFF_LIST_H

#include "base/time.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct charter_shutdown;
struct world;

/* A board that is still up so long after the record's end did not go off.  (It counts as up for
 * some seconds more: COORDINATOR_SILENT_USEC.) */
#define OFF_LIST_LATE_USEC (30 * USEC_PER_SEC)

struct off_board {
        uint64_t node;
        bool named;   /* the record is about it still */
        bool down;    /* it was seen so since */
        usec_t ended; /* the record */
};

/* All zero: none. */
struct off_list {
        uint32_t n;
        struct off_board boards[LIMIT_BOARDS];
};

/* The charter's record or the newest picture may be another one. */
void off_list_follow(struct off_list *l, const struct charter_shutdown *record,
                     const struct world *world, usec_t now);
bool off_list_has(const struct off_list *l, uint64_t node);

#endif
