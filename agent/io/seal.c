#include "io/seal.h"

#include "base/wire.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        MAGIC_BYTES = 8,
        SALT_BYTES = 32,
        NONCE_BYTES = 12,
        NONCE_COUNTER_AT = 7,
        FORMAT = 1,
        SEALED_BYTES = SEAL_CHUNK_BYTES + SEAL_TAG_BYTES,
};

static const uint8_t magic[MAGIC_BYTES] = { 'B', 'R', 'A', 'M', 'B', 'L', 'E', 0x1a };

/* One direction of one file. */
struct stream {
        EVP_CIPHER_CTX *cipher;
        uint8_t header[SEAL_HEADER_BYTES]; /* associated data of every chunk */
        uint32_t chunk;                    /* number of the next one */
};

/* ---- chunks -------------------------------------------------------------------------------- */

static int stream_key(struct stream *s, const uint8_t key[static SIZE_KUBE_KEY], bool encrypt) {
        uint8_t own[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        int r = 0;

        s->cipher = EVP_CIPHER_CTX_new();
        if (!s->cipher)
                return -ENOMEM;
        if (!HMAC(EVP_sha256(), key, SIZE_KUBE_KEY, s->header, sizeof(s->header), own, &len) ||
            len != SIZE_KUBE_KEY ||
            EVP_CipherInit_ex(s->cipher, EVP_aes_256_gcm(), NULL, own, NULL, encrypt) != 1)
                r = -ENOMEM;
        OPENSSL_cleanse(own, sizeof(own));
        return r;
}

/* Sets the next nonce and feeds the header. */
static int stream_next(struct stream *s, bool last) {
        uint8_t nonce[NONCE_BYTES] = { 0 };
        int n;

        for (int i = 0; i < 4; i++)
                nonce[NONCE_COUNTER_AT + i] = (uint8_t)(s->chunk >> (24 - 8 * i));
        nonce[NONCE_BYTES - 1] = last;
        if (EVP_CipherInit_ex(s->cipher, NULL, NULL, NULL, nonce, -1) != 1 ||
            EVP_CipherUpdate(s->cipher, NULL, &n, s->header, sizeof(s->header)) != 1)
                return -ENOMEM;
        return s->chunk++ == UINT32_MAX ? -EMSGSIZE : 0;
}

/* ---- sealing ------------------------------------------------------------------------------- */

struct seal {
        struct stream stream;
        seal_sink sink;
        void *arg;
        size_t len;
        uint8_t plain[SEAL_CHUNK_BYTES];
        uint8_t sealed[SEALED_BYTES];
};

static void put(uint8_t *at, uint64_t v, int bytes) {
        for (int i = bytes; i > 0; i--, v >>= 8)
                at[i - 1] = (uint8_t)v;
}

static int make_header(uint8_t ret[static SEAL_HEADER_BYTES], const struct seal_header *h) {
        memcpy(ret, magic, MAGIC_BYTES);
        put(ret + 8, FORMAT, 4);
        put(ret + 12, h->epoch, 4);
        put(ret + 16, h->number, 8);
        put(ret + 24, h->content_bytes, 8);
        return RAND_bytes(ret + SEAL_HEADER_BYTES - SALT_BYTES, SALT_BYTES) == 1 ? 0 : -EIO;
}

static int seal_chunk(struct seal *s, bool last) {
        int n = 0, rest = 0, r = stream_next(&s->stream, last);

        if (r < 0)
                return r;
        if (EVP_EncryptUpdate(s->stream.cipher, s->sealed, &n, s->plain, (int)s->len) != 1 ||
            EVP_EncryptFinal_ex(s->stream.cipher, s->sealed + n, &rest) != 1 ||
            EVP_CIPHER_CTX_ctrl(s->stream.cipher, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES,
                                s->sealed + s->len) != 1)
                return -ENOMEM;
        n = (int)s->len + SEAL_TAG_BYTES;
        s->len = 0;
        return s->sink(s->arg, s->sealed, (size_t)n);
}

int seal_new(const uint8_t key[static SIZE_KUBE_KEY], const struct seal_header *header,
             seal_sink sink, void *arg, struct seal **ret) {
        struct seal *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->sink = sink;
        s->arg = arg;
        if ((r = make_header(s->stream.header, header)) < 0 ||
            (r = stream_key(&s->stream, key, true)) < 0 ||
            (r = sink(arg, s->stream.header, SEAL_HEADER_BYTES)) < 0) {
                seal_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

int seal_write(struct seal *s, const void *data, size_t len) {
        const uint8_t *at = data;

        while (len > 0) {
                size_t n = SEAL_CHUNK_BYTES - s->len;

                /* a full one waits: it may be the last */
                if (n == 0) {
                        int r = seal_chunk(s, false);

                        if (r < 0)
                                return r;
                        continue;
                }
                if (n > len)
                        n = len;
                memcpy(s->plain + s->len, at, n);
                s->len += n;
                at += n;
                len -= n;
        }
        return 0;
}

int seal_end(struct seal *s) {
        return seal_chunk(s, true);
}

void seal_free(struct seal *s) {
        if (!s)
                return;
        EVP_CIPHER_CTX_free(s->stream.cipher);
        OPENSSL_cleanse(s, sizeof(*s));
        free(s);
}

/* ---- opening ------------------------------------------------------------------------------- */

struct unseal {
        struct stream stream;
        struct seal_header header;
        seal_sink sink;
        void *arg;
        int error;
        size_t n_header, len;
        uint8_t key[SIZE_KUBE_KEY]; /* until the header is there */
        uint8_t sealed[SEALED_BYTES];
        uint8_t plain[SEAL_CHUNK_BYTES];
};

int seal_header_parse(const void *data, size_t len, struct seal_header *ret) {
        struct wire_in w = wire_in(data, len);
        struct seal_header h;

        if (len < SEAL_HEADER_BYTES || memcmp(data, magic, MAGIC_BYTES) != 0)
                return -EBADMSG;
        (void)wire_get_u64(&w);
        if (wire_get_u32(&w) != FORMAT)
                return -EPROTONOSUPPORT;
        h.epoch = wire_get_u32(&w);
        h.number = wire_get_u64(&w);
        h.content_bytes = wire_get_u64(&w);
        *ret = h;
        return 0;
}

int unseal_new(const uint8_t key[static SIZE_KUBE_KEY], seal_sink sink, void *arg,
               struct unseal **ret) {
        struct unseal *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        memcpy(u->key, key, sizeof(u->key));
        u->sink = sink;
        u->arg = arg;
        *ret = u;
        return 0;
}

static int open_chunk(struct unseal *u, bool last) {
        bool first = u->stream.chunk == 0;
        int n = 0, rest = 0, r;

        if (u->len < SEAL_TAG_BYTES)
                return -EBADMSG;
        u->len -= SEAL_TAG_BYTES;
        r = stream_next(&u->stream, last);
        if (r < 0)
                return r;
        if (EVP_DecryptUpdate(u->stream.cipher, u->plain, &n, u->sealed, (int)u->len) != 1 ||
            EVP_CIPHER_CTX_ctrl(u->stream.cipher, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES,
                                u->sealed + u->len) != 1)
                return -ENOMEM;
        if (EVP_DecryptFinal_ex(u->stream.cipher, u->plain + n, &rest) != 1)
                return first ? -EKEYREJECTED : -EBADMSG;
        u->len = 0;
        return n > 0 ? u->sink(u->arg, u->plain, (size_t)n) : 0;
}

static size_t take(uint8_t *to, size_t *have, size_t most, const uint8_t *data, size_t len) {
        size_t n = most - *have < len ? most - *have : len;

        memcpy(to + *have, data, n);
        *have += n;
        return n;
}

static int begin(struct unseal *u) {
        int r = seal_header_parse(u->stream.header, u->n_header, &u->header);

        if (r == 0)
                r = stream_key(&u->stream, u->key, false);
        OPENSSL_cleanse(u->key, sizeof(u->key));
        return r;
}

static int feed(struct unseal *u, const uint8_t *data, size_t len) {
        while (len > 0) {
                size_t n;
                int r = 0;

                if (u->n_header < SEAL_HEADER_BYTES) {
                        n = take(u->stream.header, &u->n_header, SEAL_HEADER_BYTES, data, len);
                        if (u->n_header == SEAL_HEADER_BYTES)
                                r = begin(u);
                } else {
                        if (u->len == SEALED_BYTES) /* more follows: it was not the last */
                                r = open_chunk(u, false);
                        n = r < 0 ? 0 : take(u->sealed, &u->len, SEALED_BYTES, data, len);
                }
                if (r < 0)
                        return r;
                data += n;
                len -= n;
        }
        return 0;
}

int unseal_write(struct unseal *u, const void *data, size_t len) {
        if (u->error == 0)
                u->error = feed(u, data, len);
        return u->error;
}

int unseal_end(struct unseal *u) {
        if (u->error == 0 && u->n_header < SEAL_HEADER_BYTES)
                u->error = -EBADMSG;
        if (u->error == 0)
                u->error = open_chunk(u, true);
        return u->error;
}

const struct seal_header *unseal_header(const struct unseal *u) {
        return &u->header;
}

void unseal_free(struct unseal *u) {
        if (!u)
                return;
        EVP_CIPHER_CTX_free(u->stream.cipher);
        OPENSSL_cleanse(u, sizeof(*u));
        free(u);
}
