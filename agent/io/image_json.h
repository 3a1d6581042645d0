/* image_json - the JSON documents of an image: index, manifest, config, and docker's manifest.json.
 * Bytes in, bounded structs out; no I/O. */
#ifndef BRAMBLE_IO_IMAGE_JSON_H
#define BRAMBLE_IO_IMAGE_JSON_H

#include "base/buf.h"
#include "base/fail.h"
#include "core/image_name.h"
#include "core/limits.h"
#include "core/tar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        IMAGE_JSON_BYTES = 1024 * 1024, /* one document */
        IMAGE_MANIFESTS = 64,           /* in one index */
        IMAGE_LAYERS = 127,             /* containerd's overlay goes no deeper */
        IMAGE_ARCHIVED = 16,            /* images in one docker-archive */
        IMAGE_TAGS = 16,                /* names of one of them */
};

/* What one document says about another. */
struct image_blob {
        char media_type[96]; /* "" where it does not say */
        char digest[SIZE_DIGEST];
        uint64_t size;
};

struct image_member {
        struct image_blob blob;
        struct image_platform platform;
        char name[SIZE_IMAGE]; /* normalised, from the annotations; "" none */
};

struct image_index {
        uint32_t n;
        struct image_member items[IMAGE_MANIFESTS];
};

struct image_manifest {
        char media_type[96]; /* never "" */
        struct image_blob config;
        uint32_t n_layers;
        struct image_blob layers[IMAGE_LAYERS];
};

struct image_config {
        struct image_platform platform;
        uint32_t n_layers;
        char diff_ids[IMAGE_LAYERS][SIZE_DIGEST];
};

/* One image of docker's manifest.json: paths in the archive. */
struct image_archived {
        char config[SIZE_TAR_PATH];
        uint32_t n_tags;
        char tags[IMAGE_TAGS][SIZE_IMAGE]; /* normalised */
        uint32_t n_layers;
        char (*layers)[SIZE_TAR_PATH]; /* owned */
};

struct image_archive {
        uint32_t n;
        struct image_archived items[IMAGE_ARCHIVED];
};

enum image_kind { IMAGE_INDEX, IMAGE_MANIFEST };

/* Which of the two a document is, by what it holds (media types are often missing).  All of these:
 * -EBADMSG for what is no such document, -EMSGSIZE above a limit, with a sentence that has no
 * subject: "is no JSON"; -ENOMEM. */
int image_json_kind(const void *data, size_t len, enum image_kind *ret, struct fail *f);
/* Its own word for what it is, else the word for its kind. */
int image_json_media_type(const void *data, size_t len, char ret[static 96], struct fail *f);
int image_json_index(const void *data, size_t len, struct image_index *ret, struct fail *f);
int image_json_manifest(const void *data, size_t len, struct image_manifest *ret, struct fail *f);
int image_json_config(const void *data, size_t len, struct image_config *ret, struct fail *f);
/* image_archive_done() also after a failure; 'ret' is all zero before. */
int image_json_archive(const void *data, size_t len, struct image_archive *ret, struct fail *f);
void image_archive_done(struct image_archive *a);

/* Writes a manifest (docker's schema 2, as its layers are). -ENOMEM. */
int image_json_write_manifest(const struct image_manifest *m, struct buf *out);

#endif
