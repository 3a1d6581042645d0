#include "io/secret_box.h"

#include "base/buf.h"
#include "base/scope.h"
#include "io/seal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static uint64_t first_eight(const uint8_t *digest) {
        uint64_t v = 0;

        for (int i = 0; i < 8; i++)
                v = v << 8 | digest[i];
        return v;
}

uint64_t secret_key_id(const uint8_t key[static SIZE_KUBE_KEY]) {
        static const uint8_t purpose[] = "bramble: the name of a key";
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;

        if (!HMAC(EVP_sha256(), key, SIZE_KUBE_KEY, purpose, sizeof(purpose), digest, &len))
                return 1; /* no memory: a key that no secret is sealed with */
        return first_eight(digest) | 1;
}

/* What binds a value to its name: a part of the header, which the seal proves. */
static uint64_t label(const char *namespace, const char *name) {
        char text[2 * SIZE_NAME + 2];
        uint8_t digest[SHA256_DIGEST_LENGTH];
        int n = snprintf(text, sizeof(text), "%s/%s", namespace, name);

        (void)SHA256((const uint8_t *)text, (size_t)n, digest);
        return first_eight(digest);
}

static int add(void *arg, const void *data, size_t len) {
        return buf_add(arg, data, len);
}

int secret_seal(const uint8_t key[static SIZE_KUBE_KEY], const char *namespace, const char *name,
                const void *value, size_t len, struct buf *out) {
        const struct seal_header header = { .number = label(namespace, name),
                                            .content_bytes = len };
        size_t start = out->len;
        struct seal *s = NULL;
        int r;

        if (len > LIMIT_SECRET_BYTES)
                return -EMSGSIZE;
        r = seal_new(key, &header, add, out, &s);
        if (r == 0)
                r = seal_write(s, value, len);
        if (r == 0)
                r = seal_end(s);
        seal_free(s);
        if (r < 0 && out->len > start)
                out->len = start;
        return r;
}

int secret_open(const uint8_t key[static SIZE_KUBE_KEY], const char *namespace, const char *name,
                const void *sealed, size_t len, struct buf *out) {
        struct seal_header header = { 0 };
        struct unseal *u = NULL;
        size_t start = out->len;
        int r = buf_reserve(out, len);

        if (r == 0)
                r = seal_header_parse(sealed, len, &header);
        if (r == 0 && header.number != label(namespace, name))
                r = -EKEYREJECTED;
        if (r == 0)
                r = unseal_new(key, add, out, &u);
        if (r == 0)
                r = unseal_write(u, sealed, len);
        if (r == 0)
                r = unseal_end(u);
        unseal_free(u);
        if (r < 0 && out->len > start) {
                OPENSSL_cleanse(out->data + start, out->len - start);
                out->len = start;
        }
        return r;
}

void secret_wipe(struct buf *b) {
        if (b->data)
                OPENSSL_cleanse(b->data, b->capacity);
        buf_done(b);
}
