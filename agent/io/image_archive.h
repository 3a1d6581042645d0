/* image_archive - takes the members of an image's tar apart: documents into memory, blobs into the
 * content store. */
#ifndef BRAMBLE_IO_IMAGE_ARCHIVE_H
#define BRAMBLE_IO_IMAGE_ARCHIVE_H

#include "core/tar.h"
#include "io/image_call.h"
#include "io/image_json.h"
#include "io/image_write.h"

#include <openssl/evp.h>

enum {
        ARCHIVE_FILES = 4096, /* members of one archive */
        ARCHIVE_QUEUE_HIGH = 256 * 1024,
        ARCHIVE_QUEUE_MAX = 4 * 1024 * 1024,
};
/* Bytes of one archive: no card of a board has room for more. */
#define ARCHIVE_BYTES (UINT64_C(16) << 30)

/* A member of a docker-archive that its manifest.json may name. */
struct archive_file {
        char *path;
        char *link; /* of links: another member's path; else NULL */
        char digest[SIZE_DIGEST];
        uint64_t size;
        uint8_t magic[4]; /* its first bytes */
};

enum archive_sink { SINK_NONE, SINK_DOCUMENT, SINK_BLOB };

struct archive_ops {
        /* All that was given is taken, after image_archive_write() said -EAGAIN. */
        void (*drained)(void *arg);
        /* The archive is at its end, or failed: 'result' and a sentence. */
        void (*done)(void *arg, int result, const char *why);
};

struct image_archive_reader {
        struct image_caller *k;
        const struct archive_ops *ops;
        void *arg;
        bool started, blocked, ended, owes_drained, over;
        int error;      /* that 'done' told, or will tell once it has started */
        uint64_t bytes; /* read so far */
        struct buf in;  /* what came while blocked */
        struct tar *tar;
        enum archive_sink sink;
        struct buf *document; /* SINK_DOCUMENT: one of these two */
        struct buf index;
        struct buf manifest;
        struct image_writer *writer;
        EVP_MD_CTX *sum; /* of a member whose digest its name does not say */
        struct archive_file file;
        uint32_t n_magic;
        uint32_t n_files, n_members;
        struct archive_file *files;
};

/* 'k' must get its lease before image_archive_start(); writes before that are kept.  -ENOMEM. */
int image_archive_init(struct image_archive_reader *a, struct image_caller *k,
                       const struct archive_ops *ops, void *arg);
void image_archive_start(struct image_archive_reader *a);
/* 0, -EAGAIN (taken), or an error: 'done' follows with it. */
int image_archive_write(struct image_archive_reader *a, const void *data, size_t len);
void image_archive_end(struct image_archive_reader *a);
void image_archive_reader_done(struct image_archive_reader *a);

/* The member of that path, links followed.  NULL: there is none. */
const struct archive_file *image_archive_find(const struct image_archive_reader *a,
                                              const char *path);

#endif
