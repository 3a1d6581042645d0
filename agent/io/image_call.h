/* image_call - calls to containerd in a row, under a lease that keeps its garbage collector away
 * from what is not yet an image.  Shared by the files of io/image_*.c. */
#ifndef BRAMBLE_IO_IMAGE_CALL_H
#define BRAMBLE_IO_IMAGE_CALL_H

#include "base/buf.h"
#include "base/fail.h"
#include "io/container_internal.h"

enum { IMAGES_KNOWN = LIMIT_IMAGES };

/* An image that was found whole and unpacked. */
struct image_known {
        char target[SIZE_DIGEST]; /* what the image's record says: a manifest or an index */
        uint64_t size_bytes;
};

/* What io/image_*.c keeps for a connection: struct containers owns it. */
struct image_state {
        struct list leases; /* struct image_caller.link of those that hold one */
        bool swept;         /* leases that an earlier agent left behind are gone */
        uint64_t seed;      /* makes names of leases differ between agents */
        uint64_t n_leases;
        char root[256]; /* where containerd keeps its data; "" not known */
        uint32_t n_known;
        struct image_known known[IMAGES_KNOWN];
};

/* Made on first use.  NULL: no memory. */
struct image_state *image_state(struct containers *c);

/* Makes one call after the other; every callback comes asynchronously and exactly once, also
 * where the call could not be made.  A value inside its owner. */
struct image_caller {
        struct containers *c;
        struct list link;
        uv_timer_t *timer; /* defers what failed at once; on the heap, because closing takes time */
        struct grpc_call *call;
        void (*buried)(struct image_caller *k); /* when 'dying' is empty */
        struct list dying; /* struct image_writer.link: given up, containerd has yet to let go */
        grpc_reply_cb reply;
        void *reply_arg;
        grpc_reply_cb next; /* after the steps of a lease */
        void *next_arg;
        grpc_reply_cb begun; /* after the lease is taken */
        void *begun_arg;
        void *scratch; /* of such steps; freed with the caller */
        int error;     /* of a deferred failure, or of the blob that is being read */
        void (*read)(void *arg, int result, const char *why, const void *data, size_t len);
        void *read_arg;
        struct buf bytes;
        uint64_t n_refs; /* counts names of ingests and snapshots */
        char lease[48];  /* "" none */
        struct grpc_header headers[2];
};

/* -ENOTCONN while containerd is away; -ENOMEM. */
int image_caller_init(struct image_caller *k, struct containers *c);
/* Cancels the open call; a lease that is still held is given back in the background.  Also for a
 * caller that is all zero. */
void image_caller_done(struct image_caller *k);

/* One unary call. */
void image_call(struct image_caller *k, const struct grpc_method *method,
                const ProtobufCMessage *request, grpc_reply_cb done, void *arg);
/* The same for nobody: the answer does not matter. */
void image_call_blind(struct containers *c, const struct grpc_method *method,
                      const ProtobufCMessage *request);
/* 'done' with 'error' from the loop: for what failed before there was a call. */
void image_call_later(struct image_caller *k, int error, grpc_reply_cb done, void *arg);
/* Reads a whole blob of at most IMAGE_JSON_BYTES (-EMSGSIZE).  The bytes are gone after 'done'. */
void image_call_read(struct image_caller *k, const char *digest,
                     void (*done)(void *arg, int result, const char *why, const void *data,
                                  size_t len),
                     void *arg);

/* --- image_lease.c --- */

/* Takes a lease; from then on every call of 'k' belongs to it. */
void image_lease_begin(struct image_caller *k, grpc_reply_cb done, void *arg);
/* Gives it back, once no writer is dying any more, and has containerd collect what nothing else
 * holds.  Fails only when containerd is away; the lease is then swept up later. */
void image_lease_end(struct image_caller *k, grpc_reply_cb done, void *arg);

/* The same in the background, for a caller that is gone. */
void image_lease_drop(struct containers *c, const char *lease);

/* What a failure of containerd means: -ENOSPC for a full disk, else 'result'. */
int image_errno(int result, const char *why);

/* Metadata for a stream that 'k' does not make itself. */
const struct grpc_header *image_headers(const struct image_caller *k);

/* A name that is unique in this containerd. */
void image_ref(struct image_caller *k, char ret[static 80]);

#endif
