/* api_images - an image comes in from a person, a blob goes out to a peer. */
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/images.h"
#include "daemon/runner.h"
#include "io/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- import
 * --------------------------------------------------------------------------------------------- */

enum { IMPORT_IMAGES = 16 };

struct import {
        struct request *q;
        struct image_import *engine; /* NULL once it answered */
        unsigned n, told;            /* images that came in; that the leader knows */
        struct image_imported images[IMPORT_IMAGES];
        char names[IMPORT_IMAGES][SIZE_IMAGE];
        char digests[IMPORT_IMAGES][SIZE_DIGEST];
};

static void import_free(struct import *i) {
        struct request *q = i->q;

        if (q->link)
                link_resume(
                        q->link); /* a failed import may owe its 'drained'; the rest is dropped */
        q->state = NULL;
        free(i);
        request_unref(q);
}

static void tell_leader(struct import *i);

static void on_told(void *arg, int result, const char *why, const cJSON *reply) {
        struct import *i = arg;
        const char *error = reply ? json_text(reply, "error", NULL) : NULL;

        if (result < 0 || error) {
                request_fail(i->q, 503,
                             "the image is on this board, but the bramble could not be "
                             "told: %s",
                             error ? error : why);
                import_free(i);
                return;
        }
        i->told++;
        tell_leader(i);
}

static cJSON *imported_json(const struct import *i) {
        cJSON *o = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(o, "images");

        for (unsigned n = 0; n < i->n; n++) {
                cJSON *image = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(image, "name", i->names[n]);
                (void)cJSON_AddStringToObject(image, "digest", i->digests[n]);
                (void)cJSON_AddNumberToObject(image, "size", (double)i->images[n].size_bytes);
                (void)cJSON_AddItemToArray(array, image);
        }
        return o;
}

/* One image at a time becomes known to the bramble. */
static void tell_leader(struct import *i) {
        struct agent *a = i->q->agent;
        auto_json cJSON *o = NULL;

        if (i->told == i->n) {
                request_reply(i->q, imported_json(i));
                import_free(i);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "verb", "image");
        (void)cJSON_AddStringToObject(o, "name", i->names[i->told]);
        (void)cJSON_AddStringToObject(o, "digest", i->digests[i->told]);
        (void)cJSON_AddNumberToObject(o, "size", (double)i->images[i->told].size_bytes);
        api_run_on_leader(a, o, on_told, i);
}

static void on_imported(void *arg, int result, const char *why, const struct image_imported *images,
                        size_t n) {
        struct import *i = arg;

        i->engine = NULL;
        if (result < 0) {
                request_fail_errno(i->q, result, why);
                import_free(i);
                return;
        }
        for (size_t k = 0; k < n && i->n < IMPORT_IMAGES; k++) {
                i->images[i->n] = images[k];
                (void)str_copy(i->names[i->n], SIZE_IMAGE, images[k].name);
                (void)str_copy(i->digests[i->n], SIZE_DIGEST, images[k].digest);
                i->n++;
        }
        images_refresh(i->q->agent);
        tell_leader(i);
}

static void on_drained(void *arg) {
        struct import *i = arg;

        if (i->q->link)
                link_resume(i->q->link);
}

static void import_data(struct request *q, const void *data, size_t len, bool end) {
        struct import *i = q->state;

        if (!i || !i->engine)
                return;
        if (end)
                image_import_end(i->engine);
        else if (image_import_write(i->engine, data, len) == -EAGAIN)
                link_pause(q->link);
}

static void import_gone(struct request *q) {
        struct import *i = q->state;

        if (!i || !i->engine)
                return; /* the image is whole: the leader is told all the same */
        image_import_abort(i->engine);
        import_free(i);
}

void verb_import(struct request *q) {
        const char *name = json_text(q->args, "name", NULL);
        struct import *i;
        int r;

        if (!q->agent->containers) {
                request_fail(q, 503, "containerd does not answer on this board");
                return;
        }
        if (q->agent->bramble == 0) {
                request_fail(q, 503, "this board belongs to no bramble yet: agentctl status");
                return;
        }
        i = calloc(1, sizeof(*i));
        if (!i) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        i->q = request_ref(q);
        q->state = i;
        q->on_data = import_data;
        q->on_gone = import_gone;
        r = image_import_begin(q->agent->containers, name, on_drained, on_imported, i, &i->engine);
        if (r < 0) {
                if (r == -EINVAL)
                        request_fail(q, 400, "'%.80s' is no image name", name);
                else
                        request_fail_errno(
                                q, r,
                                r == -ENOTCONN ? "containerd does not answer on this board" : "");
                import_free(i);
        }
}

/* ---- blobs
 * ------------------------------------------------------------------------------------------------
 */

static bool on_chunk(void *arg, const void *data, size_t len) {
        struct request *q = arg;

        if (!request_data(q, data, len))
                return false;
        if (link_queued(q->link) > LINK_QUEUE_HIGH && q->state)
                image_read_pause(q->state);
        return true;
}

static void on_read(void *arg, int result, const char *why) {
        struct request *q = arg;

        q->state = NULL;
        if (result < 0)
                request_fail_errno(q, result, why);
        else
                request_reply(q, cJSON_CreateObject());
        request_unref(q);
}

static void blob_drained(struct request *q) {
        if (q->state)
                image_read_resume(q->state);
}

static void blob_gone(struct request *q) {
        if (!q->state)
                return;
        image_read_cancel(q->state); /* on_read does not follow */
        q->state = NULL;
        request_unref(q);
}

void verb_blob(struct request *q) {
        const char *digest = json_text(q->args, "digest", "");
        struct image_read *read = NULL;
        int r;

        if (!q->agent->containers) {
                request_fail(q, 503, "containerd does not answer on this board");
                return;
        }
        q->on_drained = blob_drained;
        q->on_gone = blob_gone;
        r = image_read(q->agent->containers, digest, on_chunk, on_read, request_ref(q), &read);
        if (r < 0) {
                request_fail_errno(q, r, r == -EINVAL ? "a blob is asked for by its digest" : "");
                request_unref(q);
                return;
        }
        q->state = read;
}

/* ---- what there is ---- */

static cJSON *image_json(const struct agent *a, const struct world_image *image) {
        cJSON *o = cJSON_CreateObject(), *boards, *functions;

        (void)cJSON_AddStringToObject(o, "name", image->name);
        (void)cJSON_AddStringToObject(o, "digest", image->digest);
        (void)cJSON_AddNumberToObject(o, "size", (double)image->size_bytes);
        boards = cJSON_AddArrayToObject(o, "boards");
        for (uint32_t i = 0; i < image->n_holders; i++) {
                const struct world_member *m = world_member(&a->world, image->holders[i]);

                (void)cJSON_AddItemToArray(boards, cJSON_CreateString(m ? m->name : ""));
        }
        functions = cJSON_AddArrayToObject(o, "functions");
        for (uint32_t i = 0; i < a->world.n_functions; i++) {
                const struct world_function *f = &a->world.functions[i];

                if (str_eq(f->image, image->name))
                        (void)cJSON_AddItemToArray(functions, cJSON_CreateString(f->name));
        }
        return o;
}

void verb_images(struct request *q) {
        const struct world *w = &q->agent->world;
        cJSON *o = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(o, "images");
        cJSON *machines = cJSON_AddArrayToObject(o, "machines");

        for (uint32_t i = 0; i < w->n_images; i++)
                (void)cJSON_AddItemToArray(array, image_json(q->agent, &w->images[i]));
        /* what this board can run: for who builds an image */
        (void)cJSON_AddItemToArray(machines, cJSON_CreateString(image_platform_here()));
        request_reply(q, o);
}

/* ---- what a push need not send ---- */

static void on_missing(void *arg, int result, const char *why, const bool *missing, size_t n) {
        struct request *q = arg;
        const cJSON *digests = cJSON_GetObjectItemCaseSensitive(q->args, "digests"), *d;
        cJSON *o, *array;
        size_t i = 0;

        if (result < 0) {
                request_fail_errno(q, result, why);
                request_unref(q);
                return;
        }
        o = cJSON_CreateObject();
        array = cJSON_AddArrayToObject(o, "missing");
        cJSON_ArrayForEach(d, digests) {
                if (i < n && missing[i++])
                        (void)cJSON_AddItemToArray(array, cJSON_CreateString(d->valuestring));
        }
        request_reply(q, o);
        request_unref(q);
}

void verb_blobs(struct request *q) {
        const cJSON *digests = cJSON_GetObjectItemCaseSensitive(q->args, "digests"), *d;
        char list[IMAGE_MISSING_MAX][SIZE_DIGEST];
        size_t n = 0;
        int r = cJSON_IsArray(digests) ? 0 : -EINVAL;

        cJSON_ArrayForEach(d, digests) {
                if (r == 0 && n == IMAGE_MISSING_MAX)
                        r = -E2BIG;
                if (r == 0)
                        r = cJSON_IsString(d) ? str_copy(list[n++], SIZE_DIGEST, d->valuestring)
                                              : -EINVAL;
        }
        if (r == 0 && !q->agent->containers)
                r = -ENOTCONN;
        if (r == 0)
                r = image_missing(q->agent->containers, (const char(*)[SIZE_DIGEST])list, n,
                                  on_missing, request_ref(q));
        else
                (void)request_ref(q);
        if (r == 0)
                return;
        request_fail_errno(q, r == -ENAMETOOLONG ? -EINVAL : r,
                           r == -ENOTCONN ? "containerd does not answer on this board"
                                          : "blobs are asked for by their digests, at most 256");
        request_unref(q);
}
