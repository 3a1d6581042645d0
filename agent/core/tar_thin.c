#include "core/tar_thin.h"

#include "base/str.h"
#include "core/image_name.h"

#include <assert.h>
#include <string.h>

/* Where the fields of a header are (POSIX.1-2001, ustar). */
enum { AT_SIZE = 124, SIZE_LEN = 12, AT_TYPE = 156, AT_PREFIX = 345, NAME_LEN = 100 };

/* Octal digits; GNU's and pax' large numbers are for what no card holds. */
static bool octal(const uint8_t *p, uint64_t *ret) {
        uint64_t v = 0;
        size_t i = 0;

        while (i < SIZE_LEN && p[i] == ' ')
                i++;
        for (; i < SIZE_LEN && p[i] >= '0' && p[i] <= '7'; i++)
                v = v << 3 | (uint64_t)(p[i] - '0');
        if (i < SIZE_LEN && p[i] != ' ' && p[i] != '\0')
                return false;
        *ret = v;
        return true;
}

/* "blobs/sha256/HEX", with or without "./", and without a prefix. */
static bool blob_name(const uint8_t *block, char digest[static SIZE_DIGEST]) {
        const char *name = (const char *)block;
        char text[NAME_LEN + 1];

        if (block[AT_PREFIX] != '\0' && memcmp(block + 257, "ustar", 6) == 0)
                return false;
        memcpy(text, name, NAME_LEN);
        text[NAME_LEN] = '\0';
        name = str_starts(text, "./") ? text + 2 : text;
        if (!str_starts(name, "blobs/sha256/") || !image_digest_hex(name + 13, '\0'))
                return false;
        memcpy(digest, "sha256:", 7);
        memcpy(digest + 7, name + 13, 65);
        return true;
}

/* The block is whole: what is it? */
static void header(struct tar_thin *t) {
        uint8_t type = t->block[AT_TYPE];
        bool renamed = t->renamed;

        t->whole = true;
        t->skip = false;
        if (t->block[0] == '\0' && t->block[AT_TYPE] == '\0') /* the end, or padding */
                return;
        if (!octal(t->block + AT_SIZE, &t->size)) {
                t->lost = true;
                return;
        }
        t->left = t->size + (TAR_THIN_BLOCK - t->size % TAR_THIN_BLOCK) % TAR_THIN_BLOCK;
        t->renamed = type == 'x' || type == 'L' || type == 'K';
        if (type == 'g') /* for all that follow */
                t->lost = true;
        if ((type == '0' || type == '\0') && !renamed && t->size >= TAR_THIN_LEAST)
                t->asking = blob_name(t->block, t->digest);
        /* the extra header may have said another size than this one does */
        if (renamed && !t->renamed && t->size == 0)
                t->lost = true;
}

static size_t take(const void **data, size_t *len, size_t n) {
        n = n < *len ? n : *len;
        *data = (const uint8_t *)*data + n;
        *len -= n;
        return n;
}

enum tar_thin_event tar_thin_next(struct tar_thin *t, const void **data, size_t *len,
                                  const void **ret, size_t *ret_len) {
        assert(!t->asking);
        for (;;) {
                const void *from = *data;
                size_t n;

                if (t->whole) {
                        t->whole = false;
                        t->n_block = 0;
                        if (t->skip)
                                continue;
                        *ret = t->block;
                        *ret_len = TAR_THIN_BLOCK;
                        return TAR_THIN_PASS;
                }
                if (*len == 0)
                        return TAR_THIN_MORE;
                if (t->lost || t->left > 0) {
                        n = take(data, len,
                                 t->lost || t->left > SIZE_MAX ? SIZE_MAX : (size_t)t->left);
                        t->left -= t->lost ? 0 : n;
                        if (t->skip && !t->lost)
                                continue;
                        *ret = from;
                        *ret_len = n;
                        return TAR_THIN_PASS;
                }
                n = take(data, len, TAR_THIN_BLOCK - t->n_block);
                memcpy(t->block + t->n_block, from, n);
                t->n_block += n;
                if (t->n_block < TAR_THIN_BLOCK)
                        continue;
                header(t);
                if (t->asking)
                        return TAR_THIN_BLOB;
        }
}

void tar_thin_answer(struct tar_thin *t, bool have) {
        t->asking = false;
        t->skip = have;
        if (have)
                t->skipped += t->size;
}
