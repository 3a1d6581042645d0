/* tar_thin - leaves blobs out of an image's tar on its way: what the other side has already.  All
 * other bytes pass as they are.  Pure. */
#ifndef BRAMBLE_CORE_TAR_THIN_H
#define BRAMBLE_CORE_TAR_THIN_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Smaller ones are not worth a question. */
enum { TAR_THIN_LEAST = 32 * 1024, TAR_THIN_BLOCK = 512 };

enum tar_thin_event {
        TAR_THIN_MORE, /* all input is used up */
        TAR_THIN_PASS, /* '*ret' of '*ret_len' bytes go on */
        TAR_THIN_BLOB, /* blobs/sha256/... begins: see 'digest', then tar_thin_answer() */
};

/* All zero is the start. */
struct tar_thin {
        uint8_t block[TAR_THIN_BLOCK]; /* the header that is being read, or waits for an answer */
        size_t n_block;
        uint64_t left; /* bytes of the member and its padding still to come */
        bool whole;    /* the block is to be passed */
        bool skip;     /* these bytes are left out */
        bool renamed;  /* an extra header may give the next member another name or size */
        bool asking;
        bool lost; /* a header that is none: the rest passes unseen */
        char digest[SIZE_DIGEST];
        uint64_t size;
        uint64_t skipped; /* bytes of blobs left out so far */
};

/* Takes from the front of '*data'; '*ret' and '*ret_len' are written with PASS alone.  Not while an
 * answer is due. */
enum tar_thin_event tar_thin_next(struct tar_thin *t, const void **data, size_t *len,
                                  const void **ret, size_t *ret_len);
/* Does the other side have the blob of the last event? */
void tar_thin_answer(struct tar_thin *t, bool have);

#endif
