/* mode - what the modes have in common: each answers calls in a way of its own. */
#ifndef BRAMBLE_WATCHDOG_MODE_H
#define BRAMBLE_WATCHDOG_MODE_H

#include "watchdog/call.h"

/* What call.h says of call_VERB(); all of them for an active call. */
struct mode {
        void (*begin)(struct call *c, const struct http_head *head);
        size_t (*body)(struct call *c, const char *data, size_t len);
        ssize_t (*splice)(struct call *c, int socket, uint64_t len); /* NULL: not this way */
        void (*body_end)(struct call *c);
        void (*drained)(struct call *c);
        void (*overdue)(struct call *c);
        /* Lets go of all that the call has. */
        void (*end)(struct call *c);
};

extern const struct mode mode_fork, mode_http, mode_static;

#endif
