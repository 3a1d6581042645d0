/* counts - how often each function was called, as the coordinator tells its boards each second
 * under load: numbers that belong to one picture (core/world.h), which is too large to be sent
 * again for them.  Pure. */
#ifndef BRAMBLE_CORE_COUNTS_H
#define BRAMBLE_CORE_COUNTS_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct world;

struct counts {
        uint64_t term, version; /* of the picture */
        uint32_t n;             /* as many as it has functions */
        uint64_t calls[LIMIT_FUNCTIONS];
};

/* -ENOMEM, -EMSGSIZE. */
int counts_encode(const struct counts *c, struct buf *out);
/* -EBADMSG for anything that the encoder does not write. */
int counts_decode(const void *data, size_t len, struct counts *ret);

/* Puts the numbers into the picture that they belong to; nothing happens to any other.  True: one
 * of them is another than before. */
bool counts_apply(const struct counts *c, struct world *w);

#endif
