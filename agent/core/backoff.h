/* backoff - when something that keeps ending is started again.  Pure. */
#ifndef BRAMBLE_CORE_BACKOFF_H
#define BRAMBLE_CORE_BACKOFF_H

#include "base/time.h"

#include <stdint.h>

/* The first restart comes at once after a life that was long enough, else after 1 s, 2 s, 4 s, up
 * to 60 s. */
#define BACKOFF_FIRST_USEC (1 * USEC_PER_SEC)
#define BACKOFF_MOST_USEC  (60 * USEC_PER_SEC)
/* A life that long proves that it works: the count starts anew. */
#define BACKOFF_GOOD_USEC (60 * USEC_PER_SEC)

struct backoff {
        uint16_t failures; /* in a row */
        usec_t started;    /* of the present life */
};

void backoff_started(struct backoff *b, usec_t now);
/* It ended at 'now': how long to wait before the next start. */
usec_t backoff_ended(struct backoff *b, usec_t now);

#endif
