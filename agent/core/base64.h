/* base64 - bytes as text and back (RFC 4648 4), in its one form only.  Pure. */
#ifndef BRAMBLE_CORE_BASE64_H
#define BRAMBLE_CORE_BASE64_H

#include <stddef.h>

struct buf;

/* Appends the text.  -ENOMEM, -EMSGSIZE. */
int base64_encode(const void *data, size_t len, struct buf *out);

/* Appends the bytes, for which room is made once.  -EINVAL for any other letter, a blank, wrong
 * padding or bits behind the end (nothing is left of it then); -ENOMEM, -EMSGSIZE. */
int base64_decode(const char *text, size_t len, struct buf *out);

/* The six bits that a letter stands for; -1 for none. */
int base64_value(char c);

#endif
