#include "io/image_keep.h"

#include "base/str.h"
#include "io/image_unpack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct image_keeper {
        struct image_caller *k;
        image_kept_cb done;
        void *arg;
        struct image_blob blob; /* the index itself */
        uint32_t at;
        size_t n;
        char kept[IMAGE_MANIFESTS][SIZE_DIGEST];
        struct image_index index;
        struct image_manifest manifest;
};

void image_keeper_free(struct image_keeper *g) {
        free(g);
}

static void finish(struct image_keeper *g, int result, const char *why) {
        struct image_blob blob = g->blob;
        image_kept_cb done = g->done;
        void *arg = g->arg;

        image_keeper_free(g);
        done(arg, result, why, &blob);
}

static void next(struct image_keeper *g);

static void tied(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)reply;
        finish(arg, result, why);
}

static void tied_manifest(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_keeper *g = arg;

        (void)reply;
        if (result < 0) {
                finish(g, result, why);
                return;
        }
        (void)str_copy(g->kept[g->n++], SIZE_DIGEST, g->index.items[g->at++].blob.digest);
        next(g);
}

static void got_manifest(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_keeper *g = arg;

        if (result < 0 && result != -ENOENT) {
                finish(g, result, why);
                return;
        }
        /* not here, or no manifest: an archive need not hold all that its index names */
        if (result < 0 || image_json_manifest(data, len, &g->manifest, NULL) < 0) {
                g->at++;
                next(g);
                return;
        }
        image_tie_manifest(g->k, g->index.items[g->at].blob.digest, &g->manifest, tied_manifest, g);
}

static void next(struct image_keeper *g) {
        if (g->at < g->index.n)
                image_call_read(g->k, g->index.items[g->at].blob.digest, got_manifest, g);
        else
                image_tie(g->k, g->blob.digest, (const char(*)[SIZE_DIGEST])g->kept, g->n, tied, g);
}

static void got_index(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_keeper *g = arg;
        struct fail f = { 0 };

        if (result == 0) {
                result = image_json_index(data, len, &g->index, &f);
                why = fail_text(&f);
        }
        if (result == 0)
                result = image_json_media_type(data, len, g->blob.media_type, NULL);
        if (result < 0) {
                finish(g, result, why);
                return;
        }
        g->blob.size = len;
        next(g);
}

struct image_keeper *image_keep(struct image_caller *k, const char *index, image_kept_cb done,
                                void *arg) {
        struct image_keeper *g = calloc(1, sizeof(*g));

        if (!g)
                return NULL;
        g->k = k;
        g->done = done;
        g->arg = arg;
        (void)str_copy(g->blob.digest, SIZE_DIGEST, index);
        image_call_read(k, index, got_index, g);
        return g;
}
