#include "io/image_unpack.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/image_resolve.h"
#include "io/image_room.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct image_unpacker {
        struct image_caller *k;
        enum image_unpack_mode mode;
        image_unpacked_cb done;
        void *arg;
        struct image_unpacked image;
        struct image_manifest manifest;
        struct image_config config;
        uint32_t layer;           /* that is worked on */
        char chain[SIZE_DIGEST];  /* the snapshot that holds all layers up to 'layer' */
        char parent[SIZE_DIGEST]; /* the one below; "" */
        char key[80];             /* the snapshot that is unpacked into */
};

void image_unpacker_free(struct image_unpacker *u) {
        free(u);
}

static void finish(struct image_unpacker *u, int result, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void finish(struct image_unpacker *u, int result, const char *format, ...) {
        struct image_unpacked image = u->image;
        image_unpacked_cb done = u->done;
        void *arg = u->arg;
        char why[320];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(why, sizeof(why), format, args);
        va_end(args);
        image_unpacker_free(u);
        done(arg, result, why, result == 0 ? &image : NULL);
}

/* OCI image-spec, config.md: ChainID(L0) = L0, ChainID(..Ln) = SHA256(ChainID(..Ln-1) " " Ln). */
static int chain_next(char chain[static SIZE_DIGEST], const char *diff_id) {
        char text[2 * SIZE_DIGEST + 1];
        unsigned char sum[32];
        int n;

        if (!chain[0])
                return str_copy(chain, SIZE_DIGEST, diff_id);
        n = snprintf(text, sizeof(text), "%s %s", chain, diff_id);
        if (!EVP_Digest(text, (size_t)n, sum, NULL, EVP_sha256(), NULL))
                return -ENOMEM;
        image_digest_text(sum, chain);
        return 0;
}

/* --- ties: labels that the garbage collector follows --- */

/* One step of a mask: a label is set alone, those of others stay. */
static void label(struct image_caller *k, const char *digest, Ctr__Label **labels, size_t n,
                  grpc_reply_cb done, void *arg) {
        Ctr__ContentUpdateRequest request = CTR__CONTENT_UPDATE_REQUEST__INIT;
        Ctr__ContentInfo info = CTR__CONTENT_INFO__INIT;
        Ctr__FieldMask mask = CTR__FIELD_MASK__INIT;
        char text[IMAGE_LAYERS + 1][80], *paths[IMAGE_LAYERS + 1];

        for (size_t i = 0; i < n; i++) {
                (void)snprintf(text[i], sizeof(text[i]), "labels.%s", labels[i]->key);
                paths[i] = text[i];
        }
        mask.n_paths = n;
        mask.paths = paths;
        info.digest = (char *)digest;
        info.n_labels = n;
        info.labels = labels;
        request.info = &info;
        request.update_mask = &mask;
        image_call(k, &ctr_content_update, &request.base, done, arg);
}

void image_tie(struct image_caller *k, const char *index, const char (*manifests)[SIZE_DIGEST],
               size_t n, grpc_reply_cb done, void *arg) {
        Ctr__Label labels[IMAGE_MANIFESTS], *list[IMAGE_MANIFESTS];
        char keys[IMAGE_MANIFESTS][48];

        assert(n <= IMAGE_MANIFESTS);
        for (size_t i = 0; i < n; i++) {
                ctr__label__init(&labels[i]);
                (void)snprintf(keys[i], sizeof(keys[i]), "containerd.io/gc.ref.content.m.%zu", i);
                labels[i].key = keys[i];
                labels[i].value = (char *)manifests[i];
                list[i] = &labels[i];
        }
        label(k, index, list, n, done, arg);
}

static void tied(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        (void)reply;
        finish(arg, result, "%s", why);
}

void image_tie_manifest(struct image_caller *k, const char *digest,
                        const struct image_manifest *manifest, grpc_reply_cb done, void *arg) {
        Ctr__Label labels[IMAGE_LAYERS + 1], *list[IMAGE_LAYERS + 1];
        char keys[IMAGE_LAYERS + 1][48];
        uint32_t n = manifest->n_layers;

        for (uint32_t i = 0; i <= n; i++) {
                const struct image_blob *blob = i == n ? &manifest->config : &manifest->layers[i];

                ctr__label__init(&labels[i]);
                list[i] = &labels[i];
                labels[i].key = keys[i];
                labels[i].value = (char *)blob->digest;
                if (i == n)
                        (void)snprintf(keys[i], sizeof(keys[i]),
                                       "containerd.io/gc.ref.content.config");
                else
                        (void)snprintf(keys[i], sizeof(keys[i]),
                                       "containerd.io/gc.ref.content.l.%" PRIu32, i);
        }
        label(k, digest, list, n + 1, done, arg);
}

static void tie_manifest(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_unpacker *u = arg;

        (void)reply;
        if (result < 0)
                finish(u, result, "%s", why);
        else
                image_tie_manifest(u->k, u->image.manifest.digest, &u->manifest, tied, u);
}

static void tie_config(struct image_unpacker *u) {
        Ctr__Label snapshot = CTR__LABEL__INIT, *list[] = { &snapshot };

        snapshot.key = (char *)"containerd.io/gc.ref.snapshot." CTR_SNAPSHOTTER;
        snapshot.value = u->chain;
        label(u->k, u->manifest.config.digest, list, 1, tie_manifest, u);
}

/* --- snapshots --- */

static void next_layer(struct image_unpacker *u);

static void layer_done(struct image_unpacker *u) {
        (void)str_copy(u->parent, sizeof(u->parent), u->chain);
        u->layer++;
        next_layer(u);
}

static void leased(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_unpacker *u = arg;

        (void)reply;
        if (result < 0)
                finish(u, result, "%s", why);
        else
                layer_done(u);
}

/* The snapshot was there before us: hold it until the image is tied to it. */
static void lease_snapshot(struct image_unpacker *u) {
        Ctr__LeaseAddResourceRequest request = CTR__LEASE_ADD_RESOURCE_REQUEST__INIT;
        Ctr__LeaseResource resource = CTR__LEASE_RESOURCE__INIT;

        resource.id = u->chain;
        resource.type = (char *)"snapshots/" CTR_SNAPSHOTTER;
        request.id = u->k->lease;
        request.resource = &resource;
        image_call(u->k, &ctr_leases_add_resource, &request.base, leased, u);
}

static void discard(struct image_unpacker *u) {
        Ctr__SnapshotKeyRequest request = CTR__SNAPSHOT_KEY_REQUEST__INIT;

        request.snapshotter = (char *)CTR_SNAPSHOTTER;
        request.key = u->key;
        image_call_blind(u->k->c, &ctr_snapshots_remove, &request.base);
}

static void committed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_unpacker *u = arg;

        (void)reply;
        if (result == -EEXIST) { /* somebody else unpacked the same layer meanwhile */
                discard(u);
                lease_snapshot(u);
        } else if (result < 0) {
                discard(u);
                finish(u, result, "%s", why);
        } else {
                layer_done(u);
        }
}

static void applied(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__DiffApplyResponse *response = (const Ctr__DiffApplyResponse *)reply;
        Ctr__SnapshotCommitRequest request = CTR__SNAPSHOT_COMMIT_REQUEST__INIT;
        struct image_unpacker *u = arg;
        const char *want = u->config.diff_ids[u->layer];

        if (result < 0) {
                discard(u);
                finish(u, result, "layer %" PRIu32 " cannot be unpacked: %s", u->layer + 1, why);
        } else if (!response->applied || !str_eq(response->applied->digest, want)) {
                discard(u);
                finish(u, -EBADMSG, "layer %" PRIu32 " does not hold what the image says",
                       u->layer + 1);
        } else {
                request.snapshotter = (char *)CTR_SNAPSHOTTER;
                request.name = u->chain;
                request.key = u->key;
                image_call(u->k, &ctr_snapshots_commit, &request.base, committed, u);
        }
}

static void prepared(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__SnapshotMountsResponse *response = (const Ctr__SnapshotMountsResponse *)reply;
        Ctr__DiffApplyRequest request = CTR__DIFF_APPLY_REQUEST__INIT;
        Ctr__Descriptor diff = CTR__DESCRIPTOR__INIT;
        struct image_unpacker *u = arg;
        struct image_blob *blob = &u->manifest.layers[u->layer];

        if (result < 0) {
                finish(u, result, "%s", why);
                return;
        }
        /* The one type that makes containerd look at the bytes for itself. */
        diff.media_type = blob->media_type[0]
                                  ? blob->media_type
                                  : (char *)"application/vnd.docker.image.rootfs.diff.tar";
        diff.digest = blob->digest;
        diff.size = (int64_t)blob->size;
        request.diff = &diff;
        request.n_mounts = response->n_mounts;
        request.mounts = response->mounts;
        image_call(u->k, &ctr_diff_apply, &request.base, applied, u);
        image_room_watch(u->k);
}

static void looked(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        Ctr__SnapshotPrepareRequest request = CTR__SNAPSHOT_PREPARE_REQUEST__INIT;
        struct image_unpacker *u = arg;

        (void)reply;
        if (u->mode == IMAGE_CHECK) {
                finish(u, result, "%s", why);
        } else if (result == 0) {
                lease_snapshot(u);
        } else if (result == -ENOENT) {
                image_ref(u->k, u->key);
                request.snapshotter = (char *)CTR_SNAPSHOTTER;
                request.key = u->key;
                request.parent = u->parent;
                image_call(u->k, &ctr_snapshots_prepare, &request.base, prepared, u);
        } else {
                finish(u, result, "%s", why);
        }
}

static void next_layer(struct image_unpacker *u) {
        Ctr__SnapshotKeyRequest request = CTR__SNAPSHOT_KEY_REQUEST__INIT;

        if (u->layer == u->manifest.n_layers) {
                tie_config(u);
                return;
        }
        /* To check, the topmost snapshot is enough: it holds the others. */
        do {
                if (chain_next(u->chain, u->config.diff_ids[u->layer]) < 0) {
                        finish(u, -ENOMEM, "no memory");
                        return;
                }
        } while (u->mode == IMAGE_CHECK && ++u->layer < u->manifest.n_layers);
        request.snapshotter = (char *)CTR_SNAPSHOTTER;
        request.key = u->chain;
        image_call(u->k, &ctr_snapshots_stat, &request.base, looked, u);
}

/* --- is it whole? --- */

static void check_layer(struct image_unpacker *u);

static void checked(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__ContentInfoResponse *response = (const Ctr__ContentInfoResponse *)reply;
        struct image_unpacker *u = arg;
        const struct image_blob *blob = &u->manifest.layers[u->layer];

        if (result == -ENOENT) {
                finish(u, result, "layer %" PRIu32 " (%s) is missing", u->layer + 1, blob->digest);
        } else if (result < 0) {
                finish(u, result, "%s", why);
        } else if (!response->info || (uint64_t)response->info->size != blob->size) {
                finish(u, -EBADMSG, "layer %" PRIu32 " is not as long as the manifest says",
                       u->layer + 1);
        } else {
                u->image.size_bytes += blob->size;
                u->layer++;
                check_layer(u);
        }
}

static void check_layer(struct image_unpacker *u) {
        Ctr__ContentInfoRequest request = CTR__CONTENT_INFO_REQUEST__INIT;

        if (u->layer == u->manifest.n_layers) {
                u->layer = 0;
                next_layer(u);
                return;
        }
        request.digest = u->manifest.layers[u->layer].digest;
        image_call(u->k, &ctr_content_info, &request.base, checked, u);
}

static void got_config(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_unpacker *u = arg;
        struct fail f = { 0 };

        if (result < 0) {
                finish(u, result, "the image's configuration: %s", why);
                return;
        }
        result = image_json_config(data, len, &u->config, &f);
        if (result < 0) {
                finish(u, result, "the configuration of the image %s", fail_text(&f));
                return;
        }
        if (!image_rank(&u->config.platform)) {
                finish(u, -ENOEXEC, "the image is for %s/%s, not for this board",
                       u->config.platform.os, u->config.platform.architecture);
                return;
        }
        if (u->config.n_layers != u->manifest.n_layers || u->manifest.n_layers == 0) {
                finish(u, -EBADMSG, "the image has %" PRIu32 " layers, its configuration %" PRIu32,
                       u->manifest.n_layers, u->config.n_layers);
                return;
        }
        u->image.size_bytes += len;
        check_layer(u);
}

static void got_manifest(void *arg, int result, const char *why, const void *data, size_t len) {
        struct image_unpacker *u = arg;
        struct fail f = { 0 };

        if (result < 0) {
                finish(u, result, "the image's manifest: %s", why);
                return;
        }
        result = image_json_manifest(data, len, &u->manifest, &f);
        if (result < 0) {
                finish(u, result, "the manifest of the image %s", fail_text(&f));
                return;
        }
        u->image.manifest.size = u->image.size_bytes = len;
        (void)str_copy(u->image.manifest.media_type, sizeof(u->image.manifest.media_type),
                       u->manifest.media_type);
        image_call_read(u->k, u->manifest.config.digest, got_config, u);
}

struct image_unpacker *image_unpack(struct image_caller *k, const char *digest,
                                    enum image_unpack_mode mode, image_unpacked_cb done,
                                    void *arg) {
        struct image_unpacker *u = calloc(1, sizeof(*u));

        if (!u)
                return NULL;
        u->k = k;
        u->mode = mode;
        u->done = done;
        u->arg = arg;
        (void)str_copy(u->image.manifest.digest, SIZE_DIGEST, digest);
        image_call_read(k, digest, got_manifest, u);
        return u;
}
