#include "io/container_image.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/image_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { FACTS_MAX = 32 }; /* a few KB each */

/* One lookup: the image's record, its target, perhaps through an index to a manifest, its
 * configuration. */
enum stage { STAGE_TARGET, STAGE_MANIFEST, STAGE_CONFIG };

struct lookup {
        struct containers *c;
        image_facts_cb done;
        void *arg;
        enum stage stage;
        char name[SIZE_IMAGE];
        char target[SIZE_DIGEST];
        struct buf bytes; /* of the document that is being read */
        struct grpc_call *call;
};

void image_facts_unref(struct image_facts *facts) {
        if (!facts || --facts->refs > 0)
                return;
        oci_config_done(&facts->config);
        free(facts);
}

static void drop(struct image_facts *facts) {
        list_remove(&facts->link);
        image_facts_unref(facts);
}

void image_facts_forget(struct containers *c) {
        while (!list_empty(&c->facts))
                drop(container_of(c->facts.next, struct image_facts, link));
}

static void remember(struct containers *c, struct image_facts *facts) {
        struct image_facts *i, *next;
        unsigned n = 0;

        /* appended: the oldest come first */
        list_append(&c->facts, &facts->link);
        facts->refs++;
        list_each(i, next, &c->facts, link) n++;
        if (n > FACTS_MAX)
                drop(container_of(c->facts.next, struct image_facts, link));
}

static struct image_facts *known(struct containers *c, const char *digest) {
        struct image_facts *i, *next;

        list_each(i, next, &c->facts, link) {
                if (str_eq(i->digest, digest))
                        return i;
        }
        return NULL;
}

static void finish(struct lookup *l, int result, const char *why, struct image_facts *facts) {
        image_facts_cb done = l->done;
        void *arg = l->arg;

        buf_done(&l->bytes);
        free(l);
        if (facts)
                facts->refs++;
        done(arg, result, why, facts);
}

/* 'what' reads on from the image's name: "has no manifest for this board". */
static void finish_bad(struct lookup *l, int error, const char *what) {
        char why[sizeof(((struct fail *)NULL)->text) + SIZE_IMAGE];

        (void)snprintf(why, sizeof(why), "image %s %s", l->name, what);
        finish(l, error, why, NULL);
}

static const char *sentence(const struct fail *f, int error) {
        return f->text[0] ? f->text : strerror(-error);
}

static int read_blob(struct lookup *l, const char *digest);

static void next_blob(struct lookup *l, enum stage stage, const char *digest) {
        int r;

        l->stage = stage;
        r = read_blob(l, digest);
        if (r < 0)
                finish(l, r, strerror(-r), NULL);
}

/* The manifest for this board. */
static void take_index(struct lookup *l) {
        auto_free struct image_index *index = calloc(1, sizeof(*index));
        unsigned best_rank = 0;
        struct utsname host;
        struct fail f = { 0 };
        uint32_t best = 0;
        int r;

        r = index ? image_json_index(l->bytes.data, l->bytes.len, index, &f) : -ENOMEM;
        if (r == 0 && uname(&host) < 0)
                r = -errno;
        if (r < 0) {
                finish_bad(l, r, sentence(&f, r));
                return;
        }
        for (uint32_t i = 0; i < index->n; i++) {
                unsigned rank = image_platform_rank(host.machine, sizeof(void *) * 8,
                                                    &index->items[i].platform);

                if (rank > best_rank) {
                        best_rank = rank;
                        best = i;
                }
        }
        if (best_rank == 0)
                finish_bad(l, -ENOEXEC, "is not made for this board's processor");
        else
                next_blob(l, STAGE_MANIFEST, index->items[best].blob.digest);
}

static void take_manifest(struct lookup *l) {
        auto_free struct image_manifest *manifest = calloc(1, sizeof(*manifest));
        struct fail f = { 0 };
        int r;

        r = manifest ? image_json_manifest(l->bytes.data, l->bytes.len, manifest, &f) : -ENOMEM;
        if (r < 0)
                finish_bad(l, r, sentence(&f, r));
        else
                next_blob(l, STAGE_CONFIG, manifest->config.digest);
}

static void take_config(struct lookup *l) {
        struct image_facts *facts = calloc(1, sizeof(*facts));
        struct fail f = { 0 };
        int r = -ENOMEM;

        if (facts)
                r = oci_config_parse(l->bytes.data, l->bytes.len, &facts->config, &f);
        if (r < 0) {
                if (facts)
                        oci_config_done(&facts->config);
                free(facts);
                finish_bad(l, r, sentence(&f, r));
                return;
        }
        list_init(&facts->link);
        (void)str_copy(facts->digest, sizeof(facts->digest), l->target);
        /* root, or plain numbers: no need to look into the image */
        facts->user_known =
                !oci_user_needs_files(facts->config.user) &&
                oci_user_find(facts->config.user, NULL, 0, NULL, 0, &facts->user, NULL) == 0;
        remember(l->c, facts);
        finish(l, 0, "", facts);
}

static void on_chunk(void *arg, const ProtobufCMessage *message) {
        const Ctr__ContentReadResponse *m = (const void *)message;
        struct lookup *l = arg;

        if (buf_add(&l->bytes, m->data.data, m->data.len) < 0) {
                grpc_cancel(l->call);
                finish_bad(l, -EMSGSIZE, "has a document that is larger than any real one");
        }
}

static void on_blob(void *arg, int result, const char *why) {
        struct lookup *l = arg;
        enum image_kind kind = IMAGE_MANIFEST;
        struct fail f = { 0 };
        int r;

        if (result == -ENOENT) {
                finish_bad(l, -ENOENT, "is not whole on this board");
                return;
        }
        if (result < 0) {
                finish(l, result, why, NULL);
                return;
        }
        switch (l->stage) {
        case STAGE_TARGET:
                r = image_json_kind(l->bytes.data, l->bytes.len, &kind, &f);
                if (r < 0)
                        finish_bad(l, r, sentence(&f, r));
                else if (kind == IMAGE_INDEX)
                        take_index(l);
                else
                        take_manifest(l);
                break;
        case STAGE_MANIFEST:
                take_manifest(l);
                break;
        case STAGE_CONFIG:
                take_config(l);
                break;
        }
}

static int read_blob(struct lookup *l, const char *digest) {
        static const struct grpc_stream_ops ops = { .message = on_chunk, .done = on_blob };
        Ctr__ContentReadRequest request = CTR__CONTENT_READ_REQUEST__INIT;
        char copy[SIZE_DIGEST];
        int r;

        (void)str_copy(copy, sizeof(copy), digest);
        l->bytes.len = 0;
        l->bytes.limit = OCI_CONFIG_BYTES;
        r = grpc_stream(l->c->grpc, &ctr_content_read, NULL, &ops, l, &l->call);
        if (r < 0)
                return r;
        request.digest = copy;
        r = grpc_send(l->call, &request.base);
        if (r < 0) {
                grpc_cancel(l->call);
                return r;
        }
        grpc_send_end(l->call);
        return 0;
}

static void on_image(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        const Ctr__ImageGetResponse *response = (const Ctr__ImageGetResponse *)reply;
        struct lookup *l = arg;
        struct image_facts *facts;

        if (result == -ENOENT) {
                finish_bad(l, -ENOENT, "is not on this board");
                return;
        }
        if (result < 0) {
                finish(l, result, why, NULL);
                return;
        }
        if (!response->image || !response->image->target ||
            str_copy(l->target, sizeof(l->target), response->image->target->digest) < 0) {
                finish_bad(l, -EBADMSG, "has no target");
                return;
        }
        facts = known(l->c, l->target);
        if (facts)
                finish(l, 0, "", facts);
        else
                next_blob(l, STAGE_TARGET, l->target);
}

int image_facts_get(struct containers *c, const char *image, image_facts_cb done, void *arg) {
        Ctr__ImageGetRequest request = CTR__IMAGE_GET_REQUEST__INIT;
        struct lookup *l;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->c = c;
        l->done = done;
        l->arg = arg;
        request.name = l->name;
        r = str_copy(l->name, sizeof(l->name), image);
        if (r == 0)
                r = grpc_unary(c->grpc, &ctr_images_get, NULL, &request.base, on_image, l, NULL);
        if (r < 0)
                free(l);
        return r;
}
