/* cookie - one cookie of a Cookie header (RFC 6265 5.4): its value, or all the others; and whose a
 * Set-Cookie header is.  Pure. */
#ifndef BRAMBLE_CORE_COOKIE_H
#define BRAMBLE_CORE_COOKIE_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <stdbool.h>

/* The value of the cookie of that name.  -ENOENT where it is absent or empty, -ENAMETOOLONG where
 * it does not fit, -EINVAL where it is there twice: somebody else has set one of them. */
int cookie_value(const struct http_text *header, const char *name, char *ret, size_t size);

/* Is a cookie in it whose name begins so? */
bool cookie_has(const struct http_text *header, const char *prefix);

/* Appends the header's value without the cookies whose names begin so; nothing where no other is
 * left.  -ENOMEM. */
int cookie_without(const struct http_text *header, const char *prefix, struct buf *out);

/* Would a browser that takes this Set-Cookie header send a cookie whose name begins so?  (One
 * without a name it sends as its value, which may look like another's name.) */
bool cookie_sets(const struct http_text *header, const char *prefix);

#endif
