#include "io/kube_bundle.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
        MAGIC_BYTES = 4,
        NAME_MAX_BYTES = 32,
        HEAD_MAX_BYTES = 1 + NAME_MAX_BYTES + 8,
        PIECE_BYTES = 16 * 1024,
        LEVEL = 1, /* a database is mostly empty pages: more work finds little more */
};

static const uint8_t magic[MAGIC_BYTES] = { 'b', 'k', 'b', '1' };

const struct kube_bundle_file kube_bundle_files[KUBE_BUNDLE_FILES] = {
        { "pki/ca.crt", KUBE_BUNDLE_KEY_BYTES },
        { "pki/ca.key", KUBE_BUNDLE_KEY_BYTES },
        { "pki/sa.key", KUBE_BUNDLE_KEY_BYTES },
        { "pki/sa.pub", KUBE_BUNDLE_KEY_BYTES },
        { "pki/front-proxy-ca.crt", KUBE_BUNDLE_KEY_BYTES },
        { "pki/front-proxy-ca.key", KUBE_BUNDLE_KEY_BYTES },
        { "pki/etcd/ca.crt", KUBE_BUNDLE_KEY_BYTES },
        { "pki/etcd/ca.key", KUBE_BUNDLE_KEY_BYTES },
        { "snapshot.db", KUBE_BUNDLE_SNAPSHOT_BYTES },
};

/* zlib's own memory holds keys while it works. */
static void *allocate(void *arg, unsigned n, unsigned size) {
        (void)arg;
        return calloc(n, size);
}

static void release(void *arg, void *p) {
        (void)arg;
        free(p);
}

/* ---- making -------------------------------------------------------------------------------- */

struct kube_bundle {
        z_stream z;
        seal_sink sink;
        void *arg;
        size_t file;   /* the next one */
        uint64_t left; /* of the present one */
        uint8_t out[PIECE_BYTES];
};

static int squeeze(struct kube_bundle *b, const void *data, size_t len, int flush) {
        int r, z;

        b->z.next_in = (uint8_t *)(uintptr_t)data;
        b->z.avail_in = (uInt)len;
        do {
                b->z.next_out = b->out;
                b->z.avail_out = sizeof(b->out);
                z = deflate(&b->z, flush);
                if (z == Z_STREAM_ERROR)
                        return -EINVAL;
                r = b->z.avail_out == sizeof(b->out)
                            ? 0
                            : b->sink(b->arg, b->out, sizeof(b->out) - b->z.avail_out);
                if (r < 0)
                        return r;
        } while (b->z.avail_out == 0);
        return 0;
}

int kube_bundle_new(seal_sink sink, void *arg, struct kube_bundle **ret) {
        struct kube_bundle *b = calloc(1, sizeof(*b));
        int r;

        if (!b)
                return -ENOMEM;
        b->sink = sink;
        b->arg = arg;
        b->z.zalloc = allocate;
        b->z.zfree = release;
        if (deflateInit(&b->z, LEVEL) != Z_OK) {
                free(b);
                return -ENOMEM;
        }
        r = squeeze(b, magic, sizeof(magic), Z_NO_FLUSH);
        if (r < 0) {
                kube_bundle_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

int kube_bundle_begin(struct kube_bundle *b, uint64_t size) {
        const struct kube_bundle_file *file = &kube_bundle_files[b->file];
        uint8_t head[HEAD_MAX_BYTES];
        size_t n;

        if (b->file == KUBE_BUNDLE_FILES || b->left > 0)
                return -EINVAL;
        if (size > file->limit_bytes)
                return -EFBIG;
        n = strlen(file->name);
        head[0] = (uint8_t)n;
        memcpy(head + 1, file->name, n);
        for (int i = 0; i < 8; i++)
                head[1 + n + (size_t)i] = (uint8_t)(size >> (56 - 8 * i));
        b->file++;
        b->left = size;
        return squeeze(b, head, 1 + n + 8, Z_NO_FLUSH);
}

int kube_bundle_write(struct kube_bundle *b, const void *data, size_t len) {
        if (len > b->left)
                return -EINVAL;
        b->left -= len;
        return squeeze(b, data, len, Z_NO_FLUSH);
}

int kube_bundle_end(struct kube_bundle *b) {
        static const uint8_t end = 0;

        if (b->file < KUBE_BUNDLE_FILES || b->left > 0)
                return -EINVAL;
        return squeeze(b, &end, 1, Z_FINISH);
}

void kube_bundle_free(struct kube_bundle *b) {
        if (!b)
                return;
        (void)deflateEnd(&b->z);
        explicit_bzero(b, sizeof(*b));
        free(b);
}

/* ---- opening ------------------------------------------------------------------------------- */

enum part { PART_MAGIC, PART_LENGTH, PART_HEAD, PART_BYTES, PART_OVER };

struct kube_unbundle {
        z_stream z;
        kube_bundle_take take;
        void *arg;
        int error;
        enum part part;
        bool whole; /* zlib's own end, with its checksum, has come */
        size_t file;
        uint64_t left;       /* of the present file */
        size_t n_head, want; /* bytes that make up this part */
        uint8_t head[HEAD_MAX_BYTES];
        uint8_t out[PIECE_BYTES];
};

int kube_unbundle_new(kube_bundle_take take, void *arg, struct kube_unbundle **ret) {
        struct kube_unbundle *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        u->take = take;
        u->arg = arg;
        u->want = MAGIC_BYTES;
        u->z.zalloc = allocate;
        u->z.zfree = release;
        if (inflateInit(&u->z) != Z_OK) {
                free(u);
                return -ENOMEM;
        }
        *ret = u;
        return 0;
}

static void expect(struct kube_unbundle *u, enum part part, size_t want) {
        u->part = part;
        u->want = want;
        u->n_head = 0;
}

/* Name and size of the next file are in 'head'. */
static int file_begins(struct kube_unbundle *u) {
        const struct kube_bundle_file *file = &kube_bundle_files[u->file];
        size_t n = u->want - 8;
        uint64_t size = 0;

        if (n != strlen(file->name) || memcmp(u->head, file->name, n) != 0)
                return -EBADMSG;
        for (size_t i = n; i < u->want; i++)
                size = size << 8 | u->head[i];
        if (size > file->limit_bytes)
                return -EFBIG;
        u->left = size;
        expect(u, PART_BYTES, 0);
        return u->take(u->arg, u->file, "", 0);
}

static int head_complete(struct kube_unbundle *u) {
        switch (u->part) {
        case PART_MAGIC:
                if (memcmp(u->head, magic, MAGIC_BYTES) != 0)
                        return -EBADMSG;
                expect(u, PART_LENGTH, 1);
                return 0;
        case PART_LENGTH:
                /* the end is where the list ends, and nowhere else */
                if ((u->head[0] == 0) != (u->file == KUBE_BUNDLE_FILES) ||
                    u->head[0] > NAME_MAX_BYTES)
                        return -EBADMSG;
                if (u->head[0] == 0)
                        expect(u, PART_OVER, 0);
                else
                        expect(u, PART_HEAD, (size_t)u->head[0] + 8);
                return 0;
        case PART_HEAD:
                return file_begins(u);
        case PART_BYTES:
        case PART_OVER:
                break;
        }
        return 0;
}

static void file_ends(struct kube_unbundle *u) {
        if (u->part != PART_BYTES || u->left > 0)
                return;
        u->file++;
        expect(u, PART_LENGTH, 1);
}

static int parse(struct kube_unbundle *u, const uint8_t *data, size_t len) {
        while (len > 0) {
                size_t n;
                int r = 0;

                if (u->part == PART_OVER)
                        return -EBADMSG;
                if (u->part == PART_BYTES) {
                        n = u->left < len ? (size_t)u->left : len;
                        r = u->take(u->arg, u->file, data, n);
                        u->left -= n;
                } else {
                        n = u->want - u->n_head < len ? u->want - u->n_head : len;
                        memcpy(u->head + u->n_head, data, n);
                        u->n_head += n;
                        if (u->n_head == u->want)
                                r = head_complete(u);
                }
                if (r < 0)
                        return r;
                file_ends(u);
                data += n;
                len -= n;
        }
        return 0;
}

static int feed(struct kube_unbundle *u, const void *data, size_t len) {
        u->z.next_in = (uint8_t *)(uintptr_t)data;
        u->z.avail_in = (uInt)len;
        while (!u->whole) {
                int z, r;

                u->z.next_out = u->out;
                u->z.avail_out = sizeof(u->out);
                z = inflate(&u->z, Z_NO_FLUSH);
                if (z == Z_BUF_ERROR) /* nothing more without more input */
                        return 0;
                if (z != Z_OK && z != Z_STREAM_END)
                        return z == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
                r = parse(u, u->out, sizeof(u->out) - u->z.avail_out);
                if (r < 0)
                        return r;
                u->whole = z == Z_STREAM_END;
        }
        return u->z.avail_in > 0 ? -EBADMSG : 0;
}

int kube_unbundle_write(struct kube_unbundle *u, const void *data, size_t len) {
        if (u->error == 0)
                u->error = feed(u, data, len);
        return u->error;
}

int kube_unbundle_end(struct kube_unbundle *u) {
        if (u->error == 0 && (!u->whole || u->part != PART_OVER))
                u->error = -EBADMSG;
        return u->error;
}

void kube_unbundle_free(struct kube_unbundle *u) {
        if (!u)
                return;
        (void)inflateEnd(&u->z);
        explicit_bzero(u, sizeof(*u));
        free(u);
}
