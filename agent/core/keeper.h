/* keeper - decides which board keeps a second copy of an image, so that one lost board never takes
 * an image with it.  Pure: every board comes to the same answer from the same world. */
#ifndef BRAMBLE_CORE_KEEPER_H
#define BRAMBLE_CORE_KEEPER_H

#include "core/world.h"

enum { KEEPER_COPIES = 2 };

/* The board that should fetch 'image' now for the sake of a copy; 0: none is needed (there are
 * enough, nobody has it, or there is no other board).  Chosen by a mix of digest and node id, so
 * that images spread over the boards. */
uint64_t keeper_next(const struct world *w, const struct world_image *image);

/* The board that should pull 'image', which nobody has, from its registry for all others: the first
 * one that is on and has a replica to start from it, else one of those that are on.  A board whose
 * replica says that it cannot (INSTANCE_BACKOFF) leaves it to the next; where none can, 'self'
 * tries for itself, if it has one.  0: somebody has it, or no function names it. */
uint64_t keeper_puller(const struct world *w, const struct world_image *image, uint64_t self);

#endif
