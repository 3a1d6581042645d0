/* verb_images - the runtime's images: list, show, fetch. */
#include "crictl/crictl.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define IMAGE_ROW "%-48s %-20s %-16s %s\n"

/* "x/y:1" -> "x/y", "1"; "x/y@sha256:..." -> "x/y", "<none>". */
static void print_image(const struct cri_image *image, const char *reference) {
        const char *slash = strrchr(reference, '/'), *at = strchr(reference, '@');
        const char *colon = at ? NULL : strrchr(slash ? slash : reference, ':');
        const char *id = str_starts(image->id, "sha256:") ? image->id + 7 : image->id;
        int len = (int)(at ? at - reference : colon ? colon - reference : (int)strlen(reference));
        char name[512], short_id[14], size[16];

        (void)snprintf(name, sizeof(name), "%.*s", len, reference);
        (void)snprintf(short_id, sizeof(short_id), "%.13s", id);
        printf(IMAGE_ROW, crictl_safe(name), colon ? crictl_safe(colon + 1) : "<none>",
               crictl_safe(short_id), str_size(size, image->size_bytes));
}

static void on_images(void *arg, int result, const char *why, const struct cri_image *images,
                      size_t n) {
        struct crictl *c = arg;

        if (result == 0 && !c->o->quiet)
                printf(IMAGE_ROW, "IMAGE", "TAG", "IMAGE ID", "SIZE");
        for (size_t i = 0; i < n; i++) {
                if (c->o->quiet)
                        printf("%s\n", crictl_safe(images[i].id));
                else if (images[i].n_tags == 0)
                        print_image(&images[i],
                                    images[i].n_digests > 0 ? images[i].digests[0] : "<none>");
                for (size_t k = 0; k < images[i].n_tags && !c->o->quiet; k++)
                        print_image(&images[i], images[i].tags[k]);
        }
        crictl_end(c, result, why);
}

int verb_images(struct crictl *c, char **names) {
        (void)names;
        return crictl_wait(c, cri_images(c->cri, on_images, c), "list the images", NULL);
}

static void add_texts(cJSON *o, const char *key, const char *const *texts, size_t n) {
        cJSON *list = cJSON_AddArrayToObject(o, key);

        for (size_t i = 0; i < n; i++)
                (void)cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
}

static void on_image(void *arg, int result, const char *why, const struct cri_image *image) {
        struct crictl *c = arg;
        cJSON *o, *status;
        char size[24];

        if (result == 0 && !image) {
                result = -ENOENT;
                why = "there is no such image here";
        }
        if (result == 0) {
                o = cJSON_CreateObject();
                status = cJSON_AddObjectToObject(o, "status");
                (void)cJSON_AddStringToObject(status, "id", image->id);
                add_texts(status, "repoTags", image->tags, image->n_tags);
                add_texts(status, "repoDigests", image->digests, image->n_digests);
                /* a text, as in protobuf's JSON: it may need 64 bits */
                (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)image->size_bytes);
                (void)cJSON_AddStringToObject(status, "size", size);
                if (crictl_print_json(o) != CRICTL_DONE)
                        result = -ENOMEM;
        }
        crictl_end(c, result, why);
}

int verb_inspecti(struct crictl *c, char **names) {
        int status = CRICTL_DONE;

        for (; *names; names++)
                if (crictl_wait(c, cri_image_status(c->cri, *names, on_image, c), "show image",
                                *names) != CRICTL_DONE)
                        status = CRICTL_FAILED;
        return status;
}

static void on_pulled(void *arg, int result, const char *why, const char *id) {
        struct crictl *c = arg;

        if (result == 0)
                printf("%s%s\n", c->o->quiet ? "" : "Image is up to date for ", crictl_safe(id));
        crictl_end(c, result, why);
}

int verb_pull(struct crictl *c, char **names) {
        crictl_be_patient(c);
        return crictl_wait(c, cri_pull(c->cri, names[0], on_pulled, c), "pull", names[0]);
}
