#include "base/scope.h"
#include "base/str.h"
#include "io/image_archive.h"
#include "io/image_keep.h"
#include "io/image_resolve.h"
#include "io/image_unpack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TARGETS_MAX = IMAGE_MANIFESTS };

/* One image that comes out. */
struct target {
        char name[SIZE_IMAGE];
        char digest[SIZE_DIGEST];
        char index[SIZE_DIGEST]; /* that the name means in its place; "" none */
        struct image_unpacked image;
        struct image_blob record; /* what the name means */
};

struct image_import {
        struct image_caller k;
        struct image_archive_reader archive;
        char name[SIZE_IMAGE]; /* given by the caller; "" not */
        void (*drained)(void *arg);
        image_imported_cb done;
        void *arg;
        struct image_resolver *resolver;
        struct image_unpacker *unpacker;
        struct image_keeper *keeper;
        struct image_writer *writer;
        struct image_archive docker;     /* manifest.json */
        struct image_manifest *manifest; /* that is being made from it */
        struct buf manifest_text;
        struct image_index members;
        uint32_t at; /* image of manifest.json, or target, that is worked on */
        uint32_t n_targets;
        struct target *targets;
        int result;
        char why[320];
};

static void import_free(struct image_import *i) {
        image_writer_free(i->writer);
        image_resolver_free(i->resolver);
        image_unpacker_free(i->unpacker);
        image_keeper_free(i->keeper);
        image_archive_reader_done(&i->archive);
        image_archive_done(&i->docker);
        image_caller_done(&i->k);
        buf_done(&i->manifest_text);
        free(i->manifest);
        free(i->targets);
        free(i);
}

static void finished(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_imported images[TARGETS_MAX];
        struct image_import *i = arg;
        auto_free struct target *targets = take_ptr(i->targets);
        image_imported_cb done = i->done;
        size_t n = i->result == 0 ? i->n_targets : 0;
        char text[sizeof(i->why)];

        (void)reply;
        (void)why;
        result = i->result;
        arg = i->arg;
        (void)str_copy(text, sizeof(text), i->why);
        for (size_t t = 0; t < n; t++)
                images[t] = (struct image_imported){ .name = targets[t].name,
                                                     .digest = targets[t].record.digest,
                                                     .size_bytes = targets[t].image.size_bytes };
        import_free(i);
        done(arg, result, text, images, n);
}

/* The end, good or bad: what is not held by an image record goes with the lease. */
static void end(struct image_import *i, int result, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void end(struct image_import *i, int result, const char *format, ...) {
        va_list args;

        i->result = result;
        va_start(args, format);
        (void)vsnprintf(i->why, sizeof(i->why), format, args);
        va_end(args);
        image_writer_free(take_ptr(i->writer));
        image_lease_end(&i->k, finished, i);
}

static void no_memory(struct image_import *i) {
        end(i, -ENOMEM, "no memory");
}

/* --- names to images --- */

static void put_record(struct image_import *i);

static void recorded(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_import *i = arg;

        (void)reply;
        if (result < 0) {
                end(i, result, "%s", why);
                return;
        }
        i->at++;
        put_record(i);
}

/* Only when every image is unpacked: an import that fails changes no name. */
static void put_record(struct image_import *i) {
        if (i->at == i->n_targets) {
                end(i, 0, "%s", "");
                return;
        }
        image_record_put(&i->k, i->targets[i->at].name, &i->targets[i->at].record, recorded, i);
}

static void keep_next(struct image_import *i);

static void kept(void *arg, int result, const char *why, const struct image_blob *index) {
        struct image_import *i = arg;

        i->keeper = NULL;
        if (result < 0) {
                end(i, result, "%.120s: %s", i->targets[i->at].name, why);
                return;
        }
        for (uint32_t t = i->at; t < i->n_targets; t++)
                if (str_eq(i->targets[t].index, index->digest))
                        i->targets[t].record = *index;
        keep_next(i);
}

/* An image for several kinds of boards stays whole. */
static void keep_next(struct image_import *i) {
        for (; i->at < i->n_targets; i->at++) {
                struct target *t = &i->targets[i->at];

                if (t->index[0] && !t->record.digest[0])
                        break;
                if (!t->index[0])
                        t->record = t->image.manifest;
        }
        if (i->at == i->n_targets) {
                i->at = 0;
                put_record(i);
                return;
        }
        i->keeper = image_keep(&i->k, i->targets[i->at].index, kept, i);
        if (!i->keeper)
                no_memory(i);
}

static void unpack_next(struct image_import *i);

static void unpacked(void *arg, int result, const char *why, const struct image_unpacked *image) {
        struct image_import *i = arg;

        i->unpacker = NULL;
        if (result < 0) {
                end(i, result, "%.120s: %s", i->targets[i->at].name, why);
                return;
        }
        /* All names of one image are done at once. */
        for (uint32_t t = i->at; t < i->n_targets; t++)
                if (str_eq(i->targets[t].digest, image->manifest.digest))
                        i->targets[t].image = *image;
        unpack_next(i);
}

static void unpack_next(struct image_import *i) {
        while (i->at < i->n_targets && i->targets[i->at].image.size_bytes)
                i->at++;
        if (i->at == i->n_targets) {
                i->at = 0;
                keep_next(i);
                return;
        }
        i->unpacker = image_unpack(&i->k, i->targets[i->at].digest, IMAGE_UNPACK, unpacked, i);
        if (!i->unpacker)
                no_memory(i);
}

static bool add_target(struct image_import *i, const char *name, const struct image_choice *c) {
        struct target *targets;

        for (uint32_t t = 0; t < i->n_targets; t++)
                if (str_eq(i->targets[t].name, name))
                        return true;
        if (i->n_targets == TARGETS_MAX)
                return false;
        targets = realloc(i->targets, (i->n_targets + 1) * sizeof(*targets));
        if (!targets)
                return false;
        i->targets = targets;
        targets += i->n_targets++;
        *targets = (struct target){ 0 };
        (void)str_copy(targets->name, SIZE_IMAGE, name);
        (void)str_copy(targets->digest, SIZE_DIGEST, c->digest);
        (void)str_copy(targets->index, SIZE_DIGEST, c->index);
        return true;
}

/* An index that names nothing may have a docker manifest beside it that does. */
static bool names_of_docker(struct image_import *i, const struct image_choice *c) {
        uint32_t before = i->n_targets;

        for (uint32_t d = 0; d < i->docker.n; d++) {
                const struct image_archived *image = &i->docker.items[d];
                const struct archive_file *config = image_archive_find(&i->archive, image->config);

                if (!config || !str_eq(config->digest, c->config))
                        continue;
                for (uint32_t t = 0; t < image->n_tags; t++)
                        if (!add_target(i, image->tags[t], c))
                                return false;
        }
        return i->n_targets > before;
}

static void resolved(void *arg, int result, const char *why, const struct image_choice *choices,
                     size_t n) {
        struct image_import *i = arg;

        i->resolver = NULL;
        if (result < 0) {
                end(i, result, "%s", why);
                return;
        }
        for (size_t c = 0; c < n; c++) {
                bool ok;

                if (i->name[0] && !str_eq(choices[c].digest, choices[0].digest)) {
                        end(i, -EINVAL,
                            "the archive holds several images, which cannot all have "
                            "the one name that was given");
                        return;
                }
                if (i->name[0])
                        ok = add_target(i, i->name, &choices[c]);
                else if (choices[c].name[0])
                        ok = add_target(i, choices[c].name, &choices[c]);
                else
                        ok = names_of_docker(i, &choices[c]);
                if (!ok) {
                        end(i, -EINVAL,
                            "the archive does not say what the image is called; give it a name");
                        return;
                }
        }
        i->at = 0;
        unpack_next(i);
}

static void resolve(struct image_import *i) {
        if (i->members.n == 0) {
                end(i, -EBADMSG, "it holds no image: its index is empty");
                return;
        }
        i->resolver = image_resolve(&i->k, i->members.items, i->members.n, resolved, i);
        if (!i->resolver)
                no_memory(i);
}

/* --- docker-archive: a manifest is made for each image --- */

static void make_manifest(struct image_import *i);

static void manifest_ready(void *arg, bool exists) {
        struct image_import *i = arg;

        (void)exists;
        if (image_writer_write(i->writer, i->manifest_text.data, i->manifest_text.len) == 0)
                image_writer_commit(i->writer);
}

static void manifest_written(void *arg, int result, const char *why) {
        struct image_import *i = arg;

        image_writer_free(take_ptr(i->writer));
        if (result < 0) {
                end(i, result, "%s", why);
                return;
        }
        i->at++;
        make_manifest(i);
}

static int describe(struct image_import *i, const char *path, const char *media_type,
                    struct image_blob *ret) {
        const struct archive_file *file = image_archive_find(&i->archive, path);

        if (!file) {
                end(i, -ENOENT, "the archive is not whole: %.200s is missing", path);
                return -ENOENT;
        }
        if (!media_type && memcmp(file->magic, "\x1f\x8b", 2) == 0)
                media_type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
        /* containerd looks for itself how the bytes of this type are compressed */
        if (!media_type)
                media_type = "application/vnd.docker.image.rootfs.diff.tar";
        (void)str_copy(ret->media_type, sizeof(ret->media_type), media_type);
        (void)str_copy(ret->digest, sizeof(ret->digest), file->digest);
        ret->size = file->size;
        return 0;
}

static int add_member(struct image_import *i, const char *name, const struct image_blob *blob) {
        struct image_member *m = &i->members.items[i->members.n];

        if (i->members.n == IMAGE_MANIFESTS) {
                end(i, -EMSGSIZE, "the archive gives its images too many names");
                return -EMSGSIZE;
        }
        *m = (struct image_member){ .blob = *blob };
        (void)str_copy(m->name, sizeof(m->name), name);
        i->members.n++;
        return 0;
}

/* Its digest is known before it is written: members need it. */
static int digest_of(const struct buf *b, char ret[static SIZE_DIGEST]) {
        unsigned char sum[32];

        if (!EVP_Digest(b->data, b->len, sum, NULL, EVP_sha256(), NULL))
                return -ENOMEM;
        image_digest_text(sum, ret);
        return 0;
}

static void make_manifest(struct image_import *i) {
        static const struct image_writer_ops ops = { .ready = manifest_ready,
                                                     .done = manifest_written };
        const struct image_archived *image = &i->docker.items[i->at];
        struct image_blob blob = { 0 };

        if (i->at == i->docker.n) {
                resolve(i);
                return;
        }
        if (describe(i, image->config, "application/vnd.docker.container.image.v1+json",
                     &i->manifest->config) < 0)
                return;
        i->manifest->n_layers = image->n_layers;
        for (uint32_t l = 0; l < image->n_layers; l++)
                if (describe(i, image->layers[l], NULL, &i->manifest->layers[l]) < 0)
                        return;
        buf_done(&i->manifest_text);
        if (image_json_write_manifest(i->manifest, &i->manifest_text) < 0 ||
            digest_of(&i->manifest_text, blob.digest) < 0) {
                no_memory(i);
                return;
        }
        for (uint32_t t = 0; t < image->n_tags; t++)
                if (add_member(i, image->tags[t], &blob) < 0)
                        return;
        if (image->n_tags == 0 && add_member(i, "", &blob) < 0)
                return;
        i->writer = image_writer_new(&i->k, NULL, i->manifest_text.len, &ops, i);
        if (!i->writer)
                no_memory(i);
}

/* --- the archive --- */

static void read_all(void *arg, int result, const char *why) {
        struct image_import *i = arg;
        const struct buf *index = &i->archive.index, *docker = &i->archive.manifest;
        struct fail f = { 0 };

        if (result < 0) {
                end(i, result, "%s", why);
                return;
        }
        if (!index->data && !docker->data) {
                end(i, -EBADMSG,
                    "it holds no image: neither index.json nor manifest.json was found");
                return;
        }
        if (docker->data)
                result = image_json_archive(docker->data, docker->len, &i->docker, &f);
        if (result < 0 && !index->data) {
                end(i, result, "it holds no image: its manifest.json %s", fail_text(&f));
                return;
        }
        if (!index->data) {
                i->manifest = calloc(1, sizeof(*i->manifest));
                if (i->manifest)
                        make_manifest(i);
                else
                        no_memory(i);
                return;
        }
        f = (struct fail){ 0 };
        result = image_json_index(index->data, index->len, &i->members, &f);
        if (result < 0)
                end(i, result, "it holds no image: its index.json %s", fail_text(&f));
        else
                resolve(i);
}

static void on_drained(void *arg) {
        struct image_import *i = arg;

        i->drained(i->arg);
}

static void leased(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_import *i = arg;

        (void)reply;
        if (result < 0) {
                i->archive.over = true;
                i->archive.error = result;
                end(i, result, "%s", why);
                return;
        }
        image_archive_start(&i->archive);
}

int image_import_begin(struct containers *c, const char *name, void (*drained)(void *arg),
                       image_imported_cb done, void *arg, struct image_import **ret) {
        static const struct archive_ops ops = { .drained = on_drained, .done = read_all };
        struct image_import *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;
        r = name ? image_name_normalise(name, i->name) : 0;
        if (r == 0)
                r = image_caller_init(&i->k, c);
        if (r == 0)
                r = image_archive_init(&i->archive, &i->k, &ops, i);
        if (r < 0) {
                image_caller_done(&i->k);
                free(i);
                return r;
        }
        i->drained = drained;
        i->done = done;
        i->arg = arg;
        image_lease_begin(&i->k, leased, i);
        *ret = i;
        return 0;
}

int image_import_write(struct image_import *i, const void *data, size_t len) {
        return image_archive_write(&i->archive, data, len);
}

void image_import_end(struct image_import *i) {
        image_archive_end(&i->archive);
}

void image_import_abort(struct image_import *i) {
        import_free(i);
}
