/* outbox - bytes on their way to a socket: what it does not take at once is kept. */
#ifndef BRAMBLE_WATCHDOG_OUTBOX_H
#define BRAMBLE_WATCHDOG_OUTBOX_H

#include "base/buf.h"

#include <stdbool.h>

/* All zero is empty. */
struct outbox {
        struct buf kept;
        size_t sent; /* of 'kept' */
};

static inline bool outbox_empty(const struct outbox *o) {
        return o->sent == o->kept.len;
}

/* Sends what is kept and behind it 'len' bytes, as one chunk of a chunked body where 'chunked' (no
 * bytes make no chunk).  How much went out at once is outbox_empty()'s to say.  -errno. */
int outbox_send(struct outbox *o, int fd, const char *data, size_t len, bool chunked);
/* Sends what is kept. */
int outbox_flush(struct outbox *o, int fd);
void outbox_done(struct outbox *o);

#endif
