/* wire - numbers and strings as bytes, big-endian, with every length checked. */
#ifndef BRAMBLE_BASE_WIRE_H
#define BRAMBLE_BASE_WIRE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes into a buf; the first error sticks, so that a whole struct is written without a check
 * and wire_end() tells. */
struct wire_out {
        struct buf *buf;
        int error;
};

void wire_put_u8(struct wire_out *w, uint8_t v);
void wire_put_u16(struct wire_out *w, uint16_t v);
void wire_put_u32(struct wire_out *w, uint32_t v);
void wire_put_u64(struct wire_out *w, uint64_t v);
void wire_put_bytes(struct wire_out *w, const void *data, size_t len); /* u32 length, bytes */
void wire_put_text(struct wire_out *w, const char *text);              /* the same, no NUL */

/* 0 or the first error: -ENOMEM, or -EMSGSIZE (the buffer's limit, or a text above 4 GB). */
static inline int wire_end(const struct wire_out *w) {
        return w->error;
}

/* Reads bytes that somebody else sent.  The first short or over-long field sets 'bad'; from then
 * on every read gives 0 or "", so that a whole struct is read and wire_good() tells. */
struct wire_in {
        const uint8_t *data;
        size_t len; /* bytes not yet read */
        bool bad;
};

static inline struct wire_in wire_in(const void *data, size_t len) {
        return (struct wire_in){ .data = data, .len = len };
}

uint8_t wire_get_u8(struct wire_in *w);
bool wire_get_bool(struct wire_in *w); /* bad for anything but 0 and 1 */
uint16_t wire_get_u16(struct wire_in *w);
uint32_t wire_get_u32(struct wire_in *w);
uint64_t wire_get_u64(struct wire_in *w);
/* Into dst with a NUL; bad where it does not fit or holds a NUL. */
void wire_get_text(struct wire_in *w, char *dst, size_t size);
/* A view into the input, valid as long as the input is; at most 'max' bytes. */
const void *wire_get_bytes(struct wire_in *w, size_t max, size_t *ret_len);
/* A count that must not be above 'max' (bad, and 0, otherwise). */
uint32_t wire_get_count(struct wire_in *w, uint32_t max);

static inline bool wire_good(const struct wire_in *w) {
        return !w->bad;
}

/* Good, and nothing is left over. */
static inline bool wire_complete(const struct wire_in *w) {
        return !w->bad && w->len == 0;
}

#endif
