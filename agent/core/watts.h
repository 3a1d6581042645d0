/* watts - what boards take from the wall, as a range: between idle and full load, by what is known
 * of their models.  Pure. */
#ifndef BRAMBLE_CORE_WATTS_H
#define BRAMBLE_CORE_WATTS_H

#include "core/board.h"

#include <stdbool.h>

/* All zero: no boards yet. */
struct watts {
        uint64_t idle_mw, max_mw;
        unsigned known, unknown; /* boards */
};

/* Adds a board that is on. */
void watts_add(struct watts *w, const struct board *b);
/* Whole watts, the range never narrower than it is.  False where nothing is known of any board. */
bool watts_range(const struct watts *w, uint32_t *ret_low, uint32_t *ret_high);

#endif
