/* image_sweep - decides which image a board gives up when its card fills.  Pure.
 *
 * What functions name stays, and so does what came less than a day ago.  First goes what the
 * bramble does not know (any more), then copies that other boards have too, then what nobody has
 * used for longest: the bramble forgets that, and it has to be pulled or pushed again. */
#ifndef BRAMBLE_CORE_IMAGE_SWEEP_H
#define BRAMBLE_CORE_IMAGE_SWEEP_H

#include "core/world.h"

enum { IMAGE_SWEEP_YOUNG_SEC = 24 * 60 * 60 };

/* One image on this board. */
struct image_sweep_item {
        uint64_t idle_sec; /* since it came or was last named by a function; 0: not known */
        bool used;         /* a function of the bramble names it */
        bool known;        /* the bramble knows it, with these very bytes */
        uint32_t others;   /* boards beside this one that are on and have it */
};

enum image_sweep_action {
        IMAGE_SWEEP_NOTHING,
        IMAGE_SWEEP_DROP,   /* this board's copy alone */
        IMAGE_SWEEP_FORGET, /* the whole bramble's: the leader is asked */
};

/* What to do about one of 'n' images now; '*ret' is which (only with DROP and FORGET). */
enum image_sweep_action image_sweep(const struct image_sweep_item *items, size_t n, size_t *ret);

/* Copies that boards were just allowed to drop: the world that lacks them is still to come.  All
 * zero is none. */
enum { IMAGE_SPARED = 32 };
#define IMAGE_SPARED_USEC (30 * USEC_PER_SEC)

struct image_spared {
        struct {
                char name[SIZE_IMAGE];
                uint64_t node;
                usec_t until;
        } items[IMAGE_SPARED];
};

/* May 'node' drop its copy?  Only where KEEPER_COPIES others stay: the cards of a bramble are
 * alike, and their boards find at one moment that there are enough without their own. */
bool image_spare(struct image_spared *s, const struct world_image *image, uint64_t node,
                 usec_t now);

/* The free space that is too little for a card: an eighth, at most 1 GB. */
uint64_t image_sweep_limit(uint64_t disk_bytes);

#endif
