#include "base/scope.h"
#include "base/str.h"
#include "io/image_resolve.h"
#include "io/image_unpack.h"
#include "io/image_write.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ATTEMPTS = 4 /* of one blob */, DEPTH_MAX = 3 /* of indexes in indexes */ };

/* More than a card of a board can hold: a manifest that says so is a lie. */
#define BLOB_BYTES (UINT64_C(16) << 30)

enum fetch_stage { FETCH_MANIFEST, FETCH_CONFIG, FETCH_LAYERS };

struct image_fetch {
        struct image_caller k;
        char name[SIZE_IMAGE];
        void (*want)(void *arg, const char *digest, uint64_t size_bytes);
        container_cb done;
        void *arg;
        void (*drained)(void *arg);
        void *drained_arg;
        enum fetch_stage stage;
        struct image_blob blob; /* the one that is fetched; size 0: not known */
        uint32_t layer;
        unsigned attempts;
        bool asked;  /* 'want' was called, image_fetch_blob_end() was not */
        bool failed; /* this attempt's bytes are of no use; the peer may still send some */
        bool again;  /* another attempt once the writer is gone */
        struct image_writer *writer;
        struct image_unpacker *unpacker;
        struct image_manifest manifest;
        struct image_config config;
        struct image_unpacked image;
        struct image_blob root;                /* what the name means in the end */
        uint32_t depth;                        /* indexes on the way to the manifest */
        char path[DEPTH_MAX + 1][SIZE_DIGEST]; /* they, and the manifest */
        uint32_t at;                           /* of them, while they are tied together */
        int result;
        char why[320];
};

static void fetch_free(struct image_fetch *i) {
        image_writer_free(i->writer);
        image_unpacker_free(i->unpacker);
        image_caller_done(&i->k);
        free(i);
}

static void finished(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_fetch *i = arg;
        container_cb done = i->done;
        char text[sizeof(i->why)];

        (void)reply;
        (void)why;
        result = i->result;
        arg = i->arg;
        (void)str_copy(text, sizeof(text), i->why);
        fetch_free(i);
        done(arg, result, text);
}

static void end(struct image_fetch *i, int result, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void end(struct image_fetch *i, int result, const char *format, ...) {
        va_list args;

        i->result = result;
        i->asked = false;
        va_start(args, format);
        (void)vsnprintf(i->why, sizeof(i->why), format, args);
        va_end(args);
        image_writer_free(take_ptr(i->writer));
        image_lease_end(&i->k, finished, i);
}

/* --- all blobs are here --- */

static void recorded(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)reply;
        end(arg, result, "%s", why);
}

static void tie_next(struct image_fetch *i);

static void tied(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_fetch *i = arg;

        (void)reply;
        if (result < 0)
                end(i, result, "%s", why);
        else
                tie_next(i);
}

/* Each index to the one of its members that this board has. */
static void tie_next(struct image_fetch *i) {
        const char(*child)[SIZE_DIGEST];

        if (i->at == i->depth) {
                image_record_put(&i->k, i->name, &i->root, recorded, i);
                return;
        }
        child = (const char(*)[SIZE_DIGEST]) & i->path[i->at + 1];
        image_tie(&i->k, i->path[i->at++], child, 1, tied, i);
}

static void tie(struct image_fetch *i, const struct image_unpacked *image) {
        i->image = *image;
        if (i->depth == 0)
                i->root = image->manifest;
        i->at = 0;
        tie_next(i);
}

static void unpacked(void *arg, int result, const char *why, const struct image_unpacked *image) {
        struct image_fetch *i = arg;

        i->unpacker = NULL;
        if (result < 0)
                end(i, result, "%s", why);
        else
                tie(i, image);
}

/* --- one blob --- */

static void fetch_blob(struct image_fetch *i);

static void next_blob(struct image_fetch *i) {
        i->attempts = 0;
        if (i->layer == i->manifest.n_layers) {
                i->unpacker =
                        image_unpack(&i->k, i->image.manifest.digest, IMAGE_UNPACK, unpacked, i);
                if (!i->unpacker)
                        end(i, -ENOMEM, "no memory");
                return;
        }
        i->blob = i->manifest.layers[i->layer++];
        if (i->blob.size > BLOB_BYTES)
                end(i, -EMSGSIZE, "the image has a layer that is larger than any card");
        else
                fetch_blob(i);
}

static void got_config(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_fetch *i = arg;
        struct fail f = { 0 };

        if (result == 0) {
                result = image_json_config(data, len, &i->config, &f);
                why = fail_text(&f);
        }
        /* Before a layer is asked for: it may be for another machine. */
        if (result == 0 && image_rank(&i->config.platform) == 0) {
                result = -ENOEXEC;
                why = "is for another kind of board";
        }
        if (result < 0) {
                end(i, result, "the configuration of the image %s", why);
                return;
        }
        i->stage = FETCH_LAYERS;
        next_blob(i);
}

/* The member of an index that is for this board is the next to come. */
static int take_index(struct image_fetch *i, const void *data, size_t len, struct fail *f) {
        auto_free struct image_index *index = calloc(1, sizeof(*index));
        unsigned best_rank = 0;
        uint32_t best = 0;
        int r = index ? image_json_index(data, len, index, f) : -ENOMEM;

        if (r < 0)
                return r;
        if (i->depth == DEPTH_MAX)
                return fail(f, -EMSGSIZE, "is nested too deeply");
        for (uint32_t m = 0; m < index->n; m++) {
                const struct image_platform *p = &index->items[m].platform;
                /* who says nothing may mean this board: its configuration tells */
                unsigned rank = p->os[0] ? image_rank(p) : 1;

                if (rank > best_rank) {
                        best_rank = rank;
                        best = m;
                }
        }
        if (best_rank == 0)
                return fail(f, -ENOEXEC, "has nothing for this board (%.20s)", image_machine());
        if (i->depth == 0) {
                (void)str_copy(i->root.digest, SIZE_DIGEST, i->blob.digest);
                i->root.size = len;
                r = image_json_media_type(data, len, i->root.media_type, f);
                if (r < 0)
                        return r;
        }
        i->depth++;
        i->blob = index->items[best].blob;
        (void)str_copy(i->path[i->depth], SIZE_DIGEST, i->blob.digest);
        (void)str_copy(i->image.manifest.digest, SIZE_DIGEST, i->blob.digest);
        i->attempts = 0;
        return 0;
}

static void got_manifest(void *arg, int result, const char *why, const void *data, size_t len) {
        enum image_kind kind = IMAGE_MANIFEST;
        struct image_fetch *i = arg;
        struct fail f = { 0 };

        if (result == 0) {
                result = image_json_kind(data, len, &kind, &f);
                why = fail_text(&f);
        }
        if (result == 0 && kind == IMAGE_INDEX) {
                result = take_index(i, data, len, &f);
                if (result < 0)
                        end(i, result, "the index of the image %s", fail_text(&f));
                else if (i->blob.size > IMAGE_JSON_BYTES)
                        end(i, -EMSGSIZE, "the index names a manifest larger than any real one");
                else
                        fetch_blob(i);
                return;
        }
        if (result == 0) {
                result = image_json_manifest(data, len, &i->manifest, &f);
                why = fail_text(&f);
        }
        if (result == 0 && i->manifest.config.size > IMAGE_JSON_BYTES) {
                result = -EMSGSIZE;
                why = "names a configuration that is larger than any real one";
        }
        if (result < 0) {
                end(i, result, "the manifest of the image %s", why);
                return;
        }
        i->stage = FETCH_CONFIG;
        i->blob = i->manifest.config;
        i->attempts = 0;
        fetch_blob(i);
}

static void blob_here(struct image_fetch *i) {
        switch (i->stage) {
        case FETCH_MANIFEST:
                image_call_read(&i->k, i->blob.digest, got_manifest, i);
                return;
        case FETCH_CONFIG:
                image_call_read(&i->k, i->blob.digest, got_config, i);
                return;
        case FETCH_LAYERS:
                next_blob(i);
                return;
        }
}

/* This attempt came to nothing: another one, perhaps from another peer. */
static void try_again(struct image_fetch *i, const char *why) {
        image_writer_free(take_ptr(i->writer));
        i->asked = false;
        if (++i->attempts == ATTEMPTS)
                end(i, -EIO, "%s could not be fetched in %d attempts: %s", i->blob.digest, ATTEMPTS,
                    why);
        else
                fetch_blob(i);
}

static void blob_ready(void *arg, bool exists) {
        struct image_fetch *i = arg;

        if (exists) {
                image_writer_free(take_ptr(i->writer));
                blob_here(i);
                return;
        }
        i->asked = true;
        i->failed = false;
        i->want(i->arg, i->blob.digest, i->blob.size);
}

static void blob_drained(void *arg) {
        struct image_fetch *i = arg;

        if (i->drained)
                i->drained(i->drained_arg);
}

static void blob_done(void *arg, int result, const char *why) {
        struct image_fetch *i = arg;

        image_writer_free(take_ptr(i->writer));
        if (result == 0)
                blob_here(i);
        else if (result == -EBADMSG) /* the peer's bytes are not what we asked for */
                try_again(i, why);
        else
                end(i, result, "%s", why);
}

static void fetch_blob(struct image_fetch *i) {
        static const struct image_writer_ops ops = { .ready = blob_ready,
                                                     .drained = blob_drained,
                                                     .done = blob_done };

        i->writer = image_writer_new(&i->k, i->blob.digest, i->blob.size, &ops, i);
        if (!i->writer)
                end(i, -ENOMEM, "no memory");
}

static void leased(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_fetch *i = arg;

        (void)reply;
        if (result < 0)
                end(i, result, "%s", why);
        else
                fetch_blob(i);
}

int image_fetch(struct containers *c, const char *name, const char *digest,
                void (*want)(void *arg, const char *digest, uint64_t size_bytes), container_cb done,
                void *arg, struct image_fetch **ret) {
        struct image_fetch *i;
        int r;

        if (!image_digest_valid(digest))
                return -EINVAL;
        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        r = image_name_normalise(name, i->name);
        if (r == 0)
                r = image_caller_init(&i->k, c);
        if (r < 0) {
                free(i);
                return r;
        }
        i->want = want;
        i->done = done;
        i->arg = arg;
        (void)str_copy(i->image.manifest.digest, SIZE_DIGEST, digest);
        (void)str_copy(i->blob.digest, SIZE_DIGEST, digest);
        (void)str_copy(i->path[0], SIZE_DIGEST, digest);
        image_lease_begin(&i->k, leased, i);
        *ret = i;
        return 0;
}

int image_fetch_data(struct image_fetch *i, const void *data, size_t len,
                     void (*drained)(void *arg), void *drained_arg) {
        uint64_t most = i->blob.size ? i->blob.size : IMAGE_JSON_BYTES;
        int r;

        if (!i->asked || i->failed || !i->writer)
                return -EPIPE;
        if (len > most - image_writer_size(i->writer)) {
                i->failed = true;
                return -EMSGSIZE;
        }
        i->drained = drained;
        i->drained_arg = drained_arg;
        r = image_writer_write(i->writer, data, len);
        if (r < 0 && r != -EAGAIN)
                i->failed = true;
        return r;
}

void image_fetch_blob_end(struct image_fetch *i, int result) {
        if (!i->asked)
                return;
        i->drained = NULL;
        if (result < 0 || i->failed) {
                try_again(i, result < 0 ? strerror(-result) : "the peer sent too much");
                return;
        }
        if (i->blob.size && image_writer_size(i->writer) != i->blob.size) {
                try_again(i, "the peer ended early");
                return;
        }
        i->asked = false;
        image_writer_commit(i->writer);
}

void image_fetch_abort(struct image_fetch *i) {
        fetch_free(i);
}

bool image_fetch_is_manifest(const struct image_fetch *i) {
        return i->stage == FETCH_MANIFEST;
}

unsigned image_fetch_attempts(const struct image_fetch *i) {
        return i->attempts;
}

void image_fetch_progress(const struct image_fetch *i, uint64_t *ret_here, uint64_t *ret_all) {
        *ret_here = *ret_all = 0;
        if (i->stage != FETCH_LAYERS)
                return;
        for (uint32_t l = 0; l < i->manifest.n_layers; l++) {
                *ret_all += i->manifest.layers[l].size;
                if (l + 1 < i->layer)
                        *ret_here += i->manifest.layers[l].size;
        }
        if (i->unpacker) /* all are here */
                *ret_here = *ret_all;
        else if (i->writer && i->asked)
                *ret_here += image_writer_size(i->writer);
}
