#include "base/scope.h"
#include "base/str.h"
#include "io/image_resolve.h"
#include "io/image_unpack.h"

#include <errno.h>
#include <string.h>

/* One record of containerd. */
struct listed {
        char name[SIZE_IMAGE];
        char target[SIZE_DIGEST];
        int64_t since_unix;
};

struct list_job {
        struct image_caller k;
        void (*each)(void *arg, const struct image_imported *image);
        container_cb done;
        void *arg;
        struct image_resolver *resolver;
        struct image_unpacker *unpacker;
        size_t at;
        size_t n;
        struct listed *images;
};

int image_normalise(const char *name, char ret[static SIZE_IMAGE]) {
        return image_name_normalise(name, ret);
}

static void finish(struct list_job *j, int result, const char *why) {
        container_cb done = j->done;
        void *arg = j->arg;

        image_resolver_free(j->resolver);
        image_unpacker_free(j->unpacker);
        image_caller_done(&j->k);
        free(j->images);
        free(j);
        done(arg, result, why);
}

static const struct image_known *known(const struct list_job *j) {
        const struct image_state *s = j->k.c->images;

        for (uint32_t i = 0; i < s->n_known; i++)
                if (str_eq(s->known[i].target, j->images[j->at].target))
                        return &s->known[i];
        return NULL;
}

static void remember(const struct list_job *j, const struct image_unpacked *image) {
        struct image_state *s = j->k.c->images;
        struct image_known *k;

        if (s->n_known == IMAGES_KNOWN) /* long gone ones among them: start anew */
                s->n_known = 0;
        k = &s->known[s->n_known++];
        (void)str_copy(k->target, sizeof(k->target), j->images[j->at].target);
        k->size_bytes = image->size_bytes;
}

static void tell(struct list_job *j, uint64_t size_bytes) {
        struct image_imported image = { .name = j->images[j->at].name,
                                        .digest = j->images[j->at].target,
                                        .size_bytes = size_bytes,
                                        .since_unix = j->images[j->at].since_unix };

        j->each(j->arg, &image);
}

static void next(struct list_job *j);

/* Containerd is away: the rest would fail too.  Else this image is of no use, which is no error. */
static void useless(struct list_job *j, int result, const char *why) {
        if (result == -ENOTCONN || result == -ECONNRESET || result == -ECANCELED) {
                finish(j, result, why);
                return;
        }
        j->at++;
        next(j);
}

static void checked(void *arg, int result, const char *why, const struct image_unpacked *image) {
        struct list_job *j = arg;

        j->unpacker = NULL;
        if (result < 0) {
                useless(j, result, why);
                return;
        }
        remember(j, image);
        tell(j, image->size_bytes);
        j->at++;
        next(j);
}

static void resolved(void *arg, int result, const char *why, const struct image_choice *choices,
                     size_t n) {
        struct list_job *j = arg;

        j->resolver = NULL;
        if (result < 0 || n == 0) {
                useless(j, result, why);
                return;
        }
        j->unpacker = image_unpack(&j->k, choices[0].digest, IMAGE_CHECK, checked, j);
        if (!j->unpacker)
                finish(j, -ENOMEM, "no memory");
}

static void next(struct list_job *j) {
        struct image_member member = { 0 };

        while (j->at < j->n) {
                const struct image_known *k = known(j);

                if (!k)
                        break;
                tell(j, k->size_bytes);
                j->at++;
        }
        if (j->at == j->n) {
                finish(j, 0, "");
                return;
        }
        (void)str_copy(member.blob.digest, SIZE_DIGEST, j->images[j->at].target);
        j->resolver = image_resolve(&j->k, &member, 1, resolved, j);
        if (!j->resolver)
                finish(j, -ENOMEM, "no memory");
}

static void listed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__ImageListResponse *list = (const Ctr__ImageListResponse *)reply;
        struct list_job *j = arg;

        if (result < 0) {
                finish(j, result, why);
                return;
        }
        j->images = calloc(list->n_images ? list->n_images : 1, sizeof(*j->images));
        if (!j->images) {
                finish(j, -ENOMEM, "no memory");
                return;
        }
        for (size_t i = 0; i < list->n_images; i++) {
                const Ctr__Image *image = list->images[i];
                struct listed *l = &j->images[j->n];

                /* Others may have put records with names here that no deployment could say. */
                if (!image->target || !image_digest_valid(image->target->digest) ||
                    str_copy(l->name, sizeof(l->name), image->name) < 0)
                        continue;
                (void)str_copy(l->target, sizeof(l->target), image->target->digest);
                l->since_unix = image->updated_at ? image->updated_at->seconds : 0;
                j->n++;
        }
        next(j);
}

int images_list(struct containers *c, void (*each)(void *arg, const struct image_imported *image),
                container_cb done, void *arg) {
        Ctr__ImageListRequest request = CTR__IMAGE_LIST_REQUEST__INIT;
        struct list_job *j = calloc(1, sizeof(*j));
        int r;

        if (!j)
                return -ENOMEM;
        r = image_caller_init(&j->k, c);
        if (r < 0) {
                free(j);
                return r;
        }
        j->each = each;
        j->done = done;
        j->arg = arg;
        image_call(&j->k, &ctr_images_list, &request.base, listed, j);
        return 0;
}

/* --- removing --- */

static void removed(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct list_job *j = arg;

        (void)reply;
        /* Its content may be gone with it; another name of it is looked at again. */
        j->k.c->images->n_known = 0;
        finish(j, result, why);
}

int image_remove(struct containers *c, const char *name, container_cb done, void *arg) {
        Ctr__ImageDeleteRequest request = CTR__IMAGE_DELETE_REQUEST__INIT;
        char full[SIZE_IMAGE];
        struct list_job *j;
        int r = image_name_normalise(name, full);

        if (r < 0)
                return r;
        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        r = image_caller_init(&j->k, c);
        if (r < 0) {
                free(j);
                return r;
        }
        j->done = done;
        j->arg = arg;
        request.name = full;
        request.sync = true;
        image_call(&j->k, &ctr_images_delete, &request.base, removed, j);
        return 0;
}
