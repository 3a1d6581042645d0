/* image_write - writes one blob into containerd's content store, verified against its digest. */
#ifndef BRAMBLE_IO_IMAGE_WRITE_H
#define BRAMBLE_IO_IMAGE_WRITE_H

#include "io/image_call.h"

struct image_writer;

struct image_writer_ops {
        /* It may be written to; or it is there already ('exists') and this is the last call. */
        void (*ready)(void *arg, bool exists);
        /* After image_writer_write() said -EAGAIN. */
        void (*drained)(void *arg);
        /* The last call: 0 when the blob is in the store and fits its digest, -EBADMSG where it
         * does not fit; others are containerd's. */
        void (*done)(void *arg, int result, const char *why);
};

/* 'expected' NULL: take whatever comes; then 'ready' never says that it exists.  'size' 0: not
 * known.  'k' lends its lease and must live longer; no other call of it may be open meanwhile.
 * Never fails at once; NULL where there is no memory. */
struct image_writer *image_writer_new(struct image_caller *k, const char *expected, uint64_t size,
                                      const struct image_writer_ops *ops, void *arg);
/* 0, -EAGAIN (taken), or an error: 'done' follows with it. */
int image_writer_write(struct image_writer *w, const void *data, size_t len);
/* That was all: 'done' follows. */
void image_writer_commit(struct image_writer *w);
uint64_t image_writer_size(const struct image_writer *w);
/* Frees it, and gives up what is not committed: containerd is told that no more comes, and the
 * rest of the writer lives until it has let go.  May be called inside its callbacks.  NULL is a
 * no-op. */
void image_writer_free(struct image_writer *w);

/* Calls 'done' from the loop, or now, when no writer of 'k' is dying. */
void image_writers_wait(struct image_caller *k, void (*done)(struct image_caller *k));
/* For a caller that goes: the last of its dying writers gives the lease back.  False: there are
 * none. */
bool image_writers_inherit(struct image_caller *k);

#endif
