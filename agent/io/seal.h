/* seal - seals a stream of bytes with AES-256-GCM and opens it again, a chunk at a time: what was
 * changed, cut, put in another order or sealed with another key does not open.
 *
 *         header   magic 8 | format u32 | epoch u32 | number u64 | content u64 | salt 32
 *         chunk    SEAL_CHUNK_BYTES of ciphertext (the last one: 0 to that many) | tag 16
 *
 * Each file has a key of its own, HMAC-SHA256(key, header); so nonces never meet, and a chunk
 * belongs to its header.  The nonce is the STREAM construction's (Hoang, Reyhanitabar, Rogaway,
 * Vizar 2015): zeros 7 | number of the chunk u32 | 1 for the last one u8. */
#ifndef BRAMBLE_IO_SEAL_H
#define BRAMBLE_IO_SEAL_H

#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

enum {
        SEAL_CHUNK_BYTES = 64 * 1024,
        SEAL_TAG_BYTES = 16,
        SEAL_HEADER_BYTES = 64,
};

struct seal_header {
        uint32_t epoch;
        uint64_t number;
        uint64_t content_bytes; /* of what is inside, as its maker counts: a hint */
};

/* Takes the bytes that come out; negative ends the work with that error. */
typedef int (*seal_sink)(void *arg, const void *data, size_t len);

struct seal;
/* Sends the header to 'sink' at once.  -ENOMEM, -EIO (no random bytes), the sink's own. */
int seal_new(const uint8_t key[static SIZE_KUBE_KEY], const struct seal_header *header,
             seal_sink sink, void *arg, struct seal **ret);
int seal_write(struct seal *s, const void *data, size_t len);
/* The last chunk; nothing may be written after it. */
int seal_end(struct seal *s);
/* Wipes the key.  NULL is a no-op. */
void seal_free(struct seal *s);

/* What the first SEAL_HEADER_BYTES say; nobody has proven it yet.  -EBADMSG: no header of ours,
 * -EPROTONOSUPPORT: a newer format. */
int seal_header_parse(const void *data, size_t len, struct seal_header *ret);

struct unseal;
int unseal_new(const uint8_t key[static SIZE_KUBE_KEY], seal_sink sink, void *arg,
               struct unseal **ret);
/* 'sink' gets only bytes of chunks that are proven.  -EKEYREJECTED: the first chunk does not open
 * (another key, or damaged); -EBADMSG: a later one, or no header; -EPROTONOSUPPORT; -EMSGSIZE:
 * longer than any that seal makes.  An error stays. */
int unseal_write(struct unseal *u, const void *data, size_t len);
/* The input ends here: -EBADMSG (or -EKEYREJECTED) where it was cut. */
int unseal_end(struct unseal *u);
/* Proven once the first byte came out or unseal_end() said 0. */
const struct seal_header *unseal_header(const struct unseal *u);
void unseal_free(struct unseal *u);

#endif
