/* card - a disk that a card image is to be written to: what it is, why not, writing, reading back.
 */
#ifndef BRAMBLE_IO_CARD_H
#define BRAMBLE_IO_CARD_H

#include "base/fail.h"

#include <stdbool.h>
#include <stdint.h>

struct card {
        char disk[32];    /* "sdb": the name below /sys/block */
        char model[64];   /* what the reader or the card calls itself; may be "" */
        uint64_t bytes;   /* 0: a reader without a card */
        bool removable;   /* USB stick, card reader, or an SD card in a slot */
        bool read_only;   /* the card's switch */
        char in_use[160]; /* "/dev/sdb1 is mounted at /media/x"; "" nobody uses it */
};

/* What /sys and /proc say about /dev/'disk'.  -ENODEV with a sentence for what is no whole disk (a
 * partition, a terminal, a name that is not there). */
int card_look(int root_fd, const char *disk, struct card *ret, struct fail *f);

/* May an image of so many bytes be written there?  0, or a negative errno with the reason. */
int card_refuse(const struct card *c, uint64_t image_bytes, struct fail *f);

/* Hears how many bytes are done. */
typedef void card_progress(void *arg, uint64_t done);

/* Copies 'bytes' from the start of one descriptor to the start of the other; what was heard of as
 * done is on the card, not in a cache.  Blocks for minutes. */
int card_write(int image, int disk, uint64_t bytes, card_progress *progress, void *arg,
               struct fail *f);
/* Reads both and compares, past the cache.  -EIO with the place where they differ. */
int card_verify(int image, int disk, uint64_t bytes, card_progress *progress, void *arg,
                struct fail *f);

#endif
