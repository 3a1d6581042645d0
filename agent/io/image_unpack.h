/* image_unpack - makes an image that is in the content store ready to run: checks that it is whole,
 * unpacks its layers into snapshots, and ties its parts together for the garbage collector. */
#ifndef BRAMBLE_IO_IMAGE_UNPACK_H
#define BRAMBLE_IO_IMAGE_UNPACK_H

#include "io/image_call.h"
#include "io/image_json.h"

struct image_unpacked {
        struct image_blob manifest;
        uint64_t size_bytes; /* all of its blobs */
};

typedef void (*image_unpacked_cb)(void *arg, int result, const char *why,
                                  const struct image_unpacked *image);

struct image_unpacker;

enum image_unpack_mode {
        IMAGE_UNPACK, /* 'k' must hold a lease */
        IMAGE_CHECK,  /* only looks: -ENOENT where a blob or the snapshot is missing */
};

/* 'digest': of a manifest.  Safe beside others that unpack the same layers.  -ENOENT: a part is
 * missing; -EBADMSG; -ENOEXEC: for another machine; -ENOSPC.  NULL: no memory.  Frees itself before
 * 'done'. */
struct image_unpacker *image_unpack(struct image_caller *k, const char *digest,
                                    enum image_unpack_mode mode, image_unpacked_cb done, void *arg);
/* As image_resolver_free(). */
void image_unpacker_free(struct image_unpacker *u);

/* Tells the garbage collector what a manifest needs: its configuration and layers. */
void image_tie_manifest(struct image_caller *k, const char *digest,
                        const struct image_manifest *manifest, grpc_reply_cb done, void *arg);
/* And that an index needs these manifests (at most IMAGE_MANIFESTS). */
void image_tie(struct image_caller *k, const char *index, const char (*manifests)[SIZE_DIGEST],
               size_t n, grpc_reply_cb done, void *arg);

/* Makes 'name' mean this manifest or index (and nothing else any more). */
void image_record_put(struct image_caller *k, const char *name, const struct image_blob *manifest,
                      grpc_reply_cb done, void *arg);

#endif
