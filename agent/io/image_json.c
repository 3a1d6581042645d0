#include "io/image_json.h"

#include "base/scope.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void json_done(cJSON **json) {
        cJSON_Delete(*json);
}
#define auto_json __attribute__((cleanup(json_done)))

/* cJSON takes 64 bytes a value and one call a level: both are counted before it sees a byte. */
static bool json_modest(const char *p, size_t len) {
        enum { MOST_VALUES = 32 * 1024 };
        size_t depth = 0, values = 0;
        bool text = false;

        for (size_t i = 0; i < len; i++) {
                if (text) {
                        if (p[i] == '\\')
                                i++;
                        else if (p[i] == '"')
                                text = false;
                } else if (p[i] == '"') {
                        text = true;
                } else if (p[i] == '{' || p[i] == '[') {
                        values++;
                        if (++depth > LIMIT_JSON_DEPTH)
                                return false;
                } else if (p[i] == '}' || p[i] == ']') {
                        depth -= depth > 0;
                } else if (p[i] == ',' && ++values > MOST_VALUES) {
                        return false;
                }
        }
        return true;
}

static int parse(const void *data, size_t len, cJSON **ret, struct fail *f) {
        cJSON *json;

        if (len > IMAGE_JSON_BYTES || !json_modest(data, len))
                return fail(f, -EMSGSIZE, "is larger or deeper than any real one");
        json = cJSON_ParseWithLength(data, len);
        if (!json)
                return fail(f, -EBADMSG, "is no JSON");
        *ret = json;
        return 0;
}

/* A text of an object into 'dst'; "" where it is missing or does not fit. */
static bool text_of(const cJSON *json, const char *key, char *dst, size_t size) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));

        dst[0] = '\0';
        return text && str_copy(dst, size, text) == 0;
}

/* {"mediaType", "digest", "size"} */
static bool blob_of(const cJSON *json, struct image_blob *ret) {
        const cJSON *size = cJSON_GetObjectItemCaseSensitive(json, "size");

        (void)text_of(json, "mediaType", ret->media_type, sizeof(ret->media_type));
        /* 2^53: above it a double skips numbers */
        if (!text_of(json, "digest", ret->digest, sizeof(ret->digest)) ||
            !image_digest_valid(ret->digest) || !cJSON_IsNumber(size) ||
            !(size->valuedouble >= 0 && size->valuedouble <= 9007199254740992.0))
                return false;
        ret->size = (uint64_t)size->valuedouble;
        return true;
}

static void platform_of(const cJSON *json, struct image_platform *ret) {
        (void)text_of(json, "os", ret->os, sizeof(ret->os));
        (void)text_of(json, "architecture", ret->architecture, sizeof(ret->architecture));
        (void)text_of(json, "variant", ret->variant, sizeof(ret->variant));
}

/* Of the two annotations that are in use, the second is often a mere tag. */
static void name_of(const cJSON *json, char ret[static SIZE_IMAGE]) {
        const cJSON *notes = cJSON_GetObjectItemCaseSensitive(json, "annotations");
        char text[2 * SIZE_IMAGE];

        ret[0] = '\0';
        if (text_of(notes, "io.containerd.image.name", text, sizeof(text)) &&
            image_name_normalise(text, ret) == 0)
                return;
        if (text_of(notes, "org.opencontainers.image.ref.name", text, sizeof(text)) &&
            image_name_is_name(text))
                (void)image_name_normalise(text, ret);
}

int image_json_kind(const void *data, size_t len, enum image_kind *ret, struct fail *f) {
        auto_json cJSON *json = NULL;
        int r = parse(data, len, &json, f);

        if (r < 0)
                return r;
        if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "manifests")))
                *ret = IMAGE_INDEX;
        else if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(json, "layers")))
                *ret = IMAGE_MANIFEST;
        else
                return fail(f, -EBADMSG, "is neither an index nor a manifest of an image");
        return 0;
}

int image_json_media_type(const void *data, size_t len, char ret[static 96], struct fail *f) {
        auto_json cJSON *json = NULL;
        enum image_kind kind;
        int r = image_json_kind(data, len, &kind, f);

        if (r == 0)
                r = parse(data, len, &json, f);
        if (r < 0)
                return r;
        if (!text_of(json, "mediaType", ret, 96))
                (void)snprintf(ret, 96, "application/vnd.oci.image.%s.v1+json",
                               kind == IMAGE_INDEX ? "index" : "manifest");
        return 0;
}

int image_json_index(const void *data, size_t len, struct image_index *ret, struct fail *f) {
        auto_json cJSON *json = NULL;
        const cJSON *list, *item;
        int r = parse(data, len, &json, f);

        if (r < 0)
                return r;
        list = cJSON_GetObjectItemCaseSensitive(json, "manifests");
        if (!cJSON_IsArray(list))
                return fail(f, -EBADMSG, "is no index of images");
        ret->n = 0;
        cJSON_ArrayForEach(item, list) {
                struct image_member *m = &ret->items[ret->n];

                if (ret->n == IMAGE_MANIFESTS)
                        return fail(f, -EMSGSIZE, "lists more than %d images", IMAGE_MANIFESTS);
                if (!blob_of(item, &m->blob))
                        return fail(f, -EBADMSG, "lists an image without a valid digest and size");
                platform_of(cJSON_GetObjectItemCaseSensitive(item, "platform"), &m->platform);
                name_of(item, m->name);
                ret->n++;
        }
        return 0;
}

int image_json_manifest(const void *data, size_t len, struct image_manifest *ret, struct fail *f) {
        auto_json cJSON *json = NULL;
        const cJSON *list, *item;
        int r = parse(data, len, &json, f);

        if (r < 0)
                return r;
        list = cJSON_GetObjectItemCaseSensitive(json, "layers");
        if (!cJSON_IsArray(list) ||
            !blob_of(cJSON_GetObjectItemCaseSensitive(json, "config"), &ret->config))
                return fail(f, -EBADMSG, "is no manifest of an image");
        if (!text_of(json, "mediaType", ret->media_type, sizeof(ret->media_type)))
                (void)str_copy(ret->media_type, sizeof(ret->media_type),
                               "application/vnd.oci.image.manifest.v1+json");
        ret->n_layers = 0;
        cJSON_ArrayForEach(item, list) {
                if (ret->n_layers == IMAGE_LAYERS)
                        return fail(f, -EMSGSIZE, "has more than %d layers", IMAGE_LAYERS);
                if (!blob_of(item, &ret->layers[ret->n_layers]))
                        return fail(f, -EBADMSG, "has a layer without a valid digest and size");
                ret->n_layers++;
        }
        return 0;
}

int image_json_config(const void *data, size_t len, struct image_config *ret, struct fail *f) {
        auto_json cJSON *json = NULL;
        const cJSON *rootfs, *list, *item;
        int r = parse(data, len, &json, f);

        if (r < 0)
                return r;
        rootfs = cJSON_GetObjectItemCaseSensitive(json, "rootfs");
        list = cJSON_GetObjectItemCaseSensitive(rootfs, "diff_ids");
        if (!cJSON_IsArray(list))
                return fail(f, -EBADMSG, "is no configuration of a container image");
        platform_of(json, &ret->platform);
        ret->n_layers = 0;
        cJSON_ArrayForEach(item, list) {
                const char *id = cJSON_GetStringValue(item);

                if (ret->n_layers == IMAGE_LAYERS)
                        return fail(f, -EMSGSIZE, "has more than %d layers", IMAGE_LAYERS);
                if (!id || !image_digest_valid(id))
                        return fail(f, -EBADMSG, "has a layer without a valid digest");
                (void)str_copy(ret->diff_ids[ret->n_layers++], SIZE_DIGEST, id);
        }
        return 0;
}

/* A path in the archive, in the form in which the tar reader says it. */
static bool path_of(const cJSON *json, char ret[static SIZE_TAR_PATH]) {
        struct tar_entry e = { .kind = TAR_HARDLINK };
        const char *text = cJSON_GetStringValue(json);

        return text && str_copy(e.link, sizeof(e.link), text) == 0 && tar_resolve(&e, ret) == 0;
}

static int archived(const cJSON *json, struct image_archived *ret, struct fail *f) {
        const cJSON *layers = cJSON_GetObjectItemCaseSensitive(json, "Layers"), *item;
        int n = cJSON_GetArraySize(layers);

        if (!path_of(cJSON_GetObjectItemCaseSensitive(json, "Config"), ret->config) ||
            !cJSON_IsArray(layers))
                return fail(f, -EBADMSG, "lists an image without a configuration and layers");
        if (n > IMAGE_LAYERS)
                return fail(f, -EMSGSIZE, "has an image with more than %d layers", IMAGE_LAYERS);
        ret->layers = calloc((size_t)n + 1, sizeof(*ret->layers));
        if (!ret->layers)
                return -ENOMEM;
        cJSON_ArrayForEach(item, layers) {
                if (!path_of(item, ret->layers[ret->n_layers++]))
                        return fail(f, -EBADMSG, "names a layer that no archive can hold");
        }
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "RepoTags")) {
                const char *tag = cJSON_GetStringValue(item);

                if (ret->n_tags == IMAGE_TAGS)
                        return fail(f, -EMSGSIZE, "gives an image more than %d names", IMAGE_TAGS);
                if (!tag || image_name_normalise(tag, ret->tags[ret->n_tags]) < 0)
                        return fail(f, -EBADMSG, "has a name that is no reference to an image");
                ret->n_tags++;
        }
        return 0;
}

int image_json_archive(const void *data, size_t len, struct image_archive *ret, struct fail *f) {
        auto_json cJSON *json = NULL;
        const cJSON *item;
        int r = parse(data, len, &json, f);

        if (r < 0)
                return r;
        if (!cJSON_IsArray(json))
                return fail(f, -EBADMSG, "is no list of images");
        cJSON_ArrayForEach(item, json) {
                if (ret->n == IMAGE_ARCHIVED)
                        return fail(f, -EMSGSIZE, "lists more than %d images", IMAGE_ARCHIVED);
                r = archived(item, &ret->items[ret->n++], f);
                if (r < 0)
                        return r;
        }
        return 0;
}

void image_archive_done(struct image_archive *a) {
        for (uint32_t i = 0; i < a->n; i++)
                free(a->items[i].layers);
        a->n = 0;
}

static int write_blob(const struct image_blob *b, struct buf *out) {
        return buf_printf(out, "{\"mediaType\":\"%s\",\"size\":%" PRIu64 ",\"digest\":\"%s\"}",
                          b->media_type, b->size, b->digest);
}

int image_json_write_manifest(const struct image_manifest *m, struct buf *out) {
        int r = buf_add_text(out, "{\"schemaVersion\":2,\"mediaType\":"
                                  "\"application/vnd.docker.distribution.manifest.v2+json\","
                                  "\"config\":");

        if (r == 0)
                r = write_blob(&m->config, out);
        if (r == 0)
                r = buf_add_text(out, ",\"layers\":[");
        for (uint32_t i = 0; r == 0 && i < m->n_layers; i++) {
                if (i > 0)
                        r = buf_add_text(out, ",");
                if (r == 0)
                        r = write_blob(&m->layers[i], out);
        }
        return r == 0 ? buf_add_text(out, "]}") : r;
}
