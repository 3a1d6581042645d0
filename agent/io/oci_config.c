#include "io/oci_config.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/image_name.h"
#include "io/json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static void free_strings(char **list) {
        for (char **s = list; s && *s; s++)
                free(*s);
        free(list);
}

void oci_config_done(struct oci_config *c) {
        free_strings(c->entrypoint);
        free_strings(c->cmd);
        free_strings(c->env);
        free(c->user);
        free(c->working_dir);
        *c = (struct oci_config){ 0 };
}

/* A missing or null list is an empty one. */
static int parse_strings(const cJSON *o, const char *key, char ***ret, struct fail *f) {
        const cJSON *array = cJSON_GetObjectItemCaseSensitive(o, key), *item;
        char **list;
        int n = 0;

        if (array && !cJSON_IsNull(array) && !cJSON_IsArray(array))
                return fail(f, -EBADMSG, "has a %s that is no list", key);
        if (cJSON_GetArraySize(array) > OCI_STRINGS_MAX)
                return fail(f, -EMSGSIZE, "has more than %d entries in %s", OCI_STRINGS_MAX, key);
        list = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        cJSON_ArrayForEach(item, array) {
                if (!cJSON_IsString(item)) {
                        free_strings(list);
                        return fail(f, -EBADMSG, "has something in %s that is no text", key);
                }
                list[n] = strdup(item->valuestring);
                if (!list[n++]) {
                        free_strings(list);
                        return -ENOMEM;
                }
        }
        *ret = list;
        return 0;
}

static bool exposes_http(const cJSON *o) {
        const cJSON *ports = cJSON_GetObjectItemCaseSensitive(o, "ExposedPorts");

        return cJSON_IsObject(ports) && (cJSON_GetObjectItemCaseSensitive(ports, "8080/tcp") ||
                                         cJSON_GetObjectItemCaseSensitive(ports, "8080"));
}

static int parse_process(const cJSON *o, struct oci_config *c, struct fail *f) {
        const char *dir = json_text(o, "WorkingDir", "");
        int r;

        r = parse_strings(o, "Entrypoint", &c->entrypoint, f);
        if (r == 0)
                r = parse_strings(o, "Cmd", &c->cmd, f);
        if (r == 0)
                r = parse_strings(o, "Env", &c->env, f);
        if (r < 0)
                return r;
        /* docker takes a relative one from the root too */
        if (asprintf(&c->working_dir, "%s%s", *dir == '/' ? "" : "/", dir) < 0) {
                c->working_dir = NULL;
                return -ENOMEM;
        }
        c->user = strdup(json_text(o, "User", ""));
        c->exposes_http = exposes_http(o);
        return c->user ? 0 : -ENOMEM;
}

/* OCI image spec, "Layer ChainID": sha256 of "<chain of those below> <diff id>". */
static int extend_chain(char chain[static SIZE_DIGEST], const char *diff_id) {
        unsigned char hash[EVP_MAX_MD_SIZE];
        char text[2 * SIZE_DIGEST];
        unsigned len = 0;

        if (!chain[0])
                return str_copy(chain, SIZE_DIGEST, diff_id);
        (void)snprintf(text, sizeof(text), "%s %s", chain, diff_id);
        if (EVP_Digest(text, strlen(text), hash, &len, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        for (unsigned i = 0; i < len; i++)
                (void)snprintf(chain + strlen("sha256:") + 2 * (size_t)i, 3, "%02x", hash[i]);
        return 0;
}

static int parse_layers(const cJSON *o, struct oci_config *c, struct fail *f) {
        const cJSON *rootfs = cJSON_GetObjectItemCaseSensitive(o, "rootfs");
        const cJSON *ids = cJSON_GetObjectItemCaseSensitive(rootfs, "diff_ids"), *id;

        if (!cJSON_IsArray(ids))
                return fail(f, -EBADMSG, "names no layers");
        cJSON_ArrayForEach(id, ids) {
                int r;

                if (!cJSON_IsString(id) || !image_digest_valid(id->valuestring))
                        return fail(f, -EBADMSG, "names a layer that is no digest");
                r = extend_chain(c->chain_id, id->valuestring);
                if (r < 0)
                        return r;
        }
        return 0;
}

int oci_config_parse(const void *data, size_t len, struct oci_config *ret, struct fail *f) {
        auto_json cJSON *root = NULL;
        int r;

        *ret = (struct oci_config){ 0 };
        if (len > OCI_CONFIG_BYTES)
                return fail(f, -EMSGSIZE, "is larger than any real one");
        root = len ? cJSON_ParseWithLength(data, len) : NULL;
        if (!cJSON_IsObject(root))
                return fail(f, -EBADMSG, "is no JSON");
        (void)str_copy(ret->architecture, sizeof(ret->architecture),
                       json_text(root, "architecture", ""));
        r = parse_process(cJSON_GetObjectItemCaseSensitive(root, "config"), ret, f);
        return r < 0 ? r : parse_layers(root, ret, f);
}
