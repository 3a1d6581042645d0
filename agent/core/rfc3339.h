/* rfc3339 - points in time as text: "2026-11-25T07:02:03.123456Z", and back.  Pure. */
#ifndef BRAMBLE_CORE_RFC3339_H
#define BRAMBLE_CORE_RFC3339_H

#include <stdint.h>

enum { RFC3339_SIZE = 32 };

/* In UTC, always with six digits of a second, so that lines of text sort as their times do.  Up to
 * the year 9999; later ones are shown as its end.  Returns dst. */
char *rfc3339_text(char dst[static RFC3339_SIZE], uint64_t unix_usec);

/* Microseconds since 1970, earlier ones as 0; digits of a second beyond the sixth do not count, and
 * a leap second is the next one.  A blank in the place of the offset's '+' is one that nobody
 * escaped in a URL.  -EINVAL. */
int rfc3339_parse(const char *text, uint64_t *ret_unix_usec);

#endif
