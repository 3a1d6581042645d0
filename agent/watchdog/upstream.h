/* upstream - connections to the child of mode http, kept for the next call where both sides like.
 */
#ifndef BRAMBLE_WATCHDOG_UPSTREAM_H
#define BRAMBLE_WATCHDOG_UPSTREAM_H

#include "core/http_body.h"
#include "watchdog/outbox.h"
#include "watchdog/watchdog.h"

struct call;

struct upstream {
        struct list link; /* of those that are idle, or ended */
        struct watchdog *dog;
        struct watch w;
        struct call *call; /* NULL: idle */
        bool connected;
        bool reused;   /* it served another call before */
        bool deaf;     /* it takes no more of the request; its answer may come all the same */
        bool answered; /* a byte came for this call */
        struct outbox out;
        struct buf in; /* a head that is not complete */
        size_t scanned;
        bool in_body, keep_alive, tunnel;
        struct http_body_reader body;
        usec_t idle_until;
};

/* A socket that connects, or has.  -errno. */
int upstream_dial(const struct watchdog *d);
/* A kept one unless 'fresh', or a new one; 'ready' is called as it connects and from then on.
 * -errno. */
int upstream_get(struct watchdog *d, bool fresh, void (*ready)(struct watch *w, uint32_t events),
                 struct upstream **ret);
/* The call is over, and the next one may have it. */
void upstream_keep(struct upstream *u);
/* Closes it; freed between two turns of the loop.  NULL is fine. */
void upstream_close(struct upstream *u);

void upstreams_deadlines(struct watchdog *d);
void upstreams_free_ended(struct watchdog *d);
void upstreams_end(struct watchdog *d);

#endif
