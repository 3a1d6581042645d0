/* buf - bytes that grow up to a limit. */
#ifndef BRAMBLE_BASE_BUF_H
#define BRAMBLE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* 'data' holds 'len' bytes and, once anything was added, a NUL behind them that 'len' does not
 * count.  All zero is an empty buffer with no limit; set 'limit' before the first byte. */
struct buf {
        char *data;
        size_t len;
        size_t capacity;
        size_t limit; /* most bytes ever held, 0: no limit of its own */
};

/* Frees the bytes and leaves an empty buffer with the same limit. */
void buf_done(struct buf *b);

/* Room for 'more' bytes behind 'len'.  -ENOMEM, or -EMSGSIZE above the limit. */
int buf_reserve(struct buf *b, size_t more);

/* Appends; the same errors, and then nothing was appended. */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_text(struct buf *b, const char *text);
int buf_add_number(struct buf *b, uint64_t n); /* decimal */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first 'len' bytes (at most all). */
void buf_consume(struct buf *b, size_t len);

/* The bytes as a string that the caller frees; the buffer is empty afterwards.  NULL where
 * nothing was ever added and no memory is to be had. */
char *buf_take(struct buf *b);

#define auto_buf __attribute__((cleanup(buf_done)))

#endif
