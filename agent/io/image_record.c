#include "io/image_unpack.h"

#include "base/str.h"

#include <errno.h>

/* Lives in the caller's scratch, so that a cancelled call leaves nothing behind. */
struct record {
        char name[SIZE_IMAGE];
        struct image_blob manifest;
};

static void send_record(struct image_caller *k, const struct grpc_method *method,
                        grpc_reply_cb done, void *arg) {
        Ctr__ImageCreateRequest create = CTR__IMAGE_CREATE_REQUEST__INIT;
        Ctr__ImageUpdateRequest update = CTR__IMAGE_UPDATE_REQUEST__INIT;
        Ctr__Descriptor target = CTR__DESCRIPTOR__INIT;
        Ctr__Image image = CTR__IMAGE__INIT;
        struct record *record = k->scratch;

        target.media_type = record->manifest.media_type;
        target.digest = record->manifest.digest;
        target.size = (int64_t)record->manifest.size;
        image.name = record->name;
        image.target = &target;
        create.image = update.image = &image;
        image_call(k, method, method == &ctr_images_create ? &create.base : &update.base, done,
                   arg);
}

static void created(void *arg, int result, const char *why, const ProtobufCMessage *reply) {
        struct image_caller *k = arg;

        if (result == -EEXIST)
                send_record(k, &ctr_images_update, k->next, k->next_arg);
        else
                k->next(k->next_arg, result, why, reply);
}

void image_record_put(struct image_caller *k, const char *name, const struct image_blob *manifest,
                      grpc_reply_cb done, void *arg) {
        struct record *record = calloc(1, sizeof(*record));

        if (!record) {
                image_call_later(k, -ENOMEM, done, arg);
                return;
        }
        (void)str_copy(record->name, sizeof(record->name), name);
        record->manifest = *manifest;
        free(k->scratch);
        k->scratch = record;
        k->next = done;
        k->next_arg = arg;
        send_record(k, &ctr_images_create, created, k);
}
