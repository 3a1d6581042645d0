/* deadline - time-outs by the thousand at the cost of a list each, and one timer for all. */
#ifndef BRAMBLE_GATEWAY_DEADLINE_H
#define BRAMBLE_GATEWAY_DEADLINE_H

#include "base/list.h"

#include <stdint.h>
#include <uv.h>

/* Every kind has one duration, so that its list is in order of expiry by itself. */
enum deadline_kind {
        DEADLINE_CLIENT_HEAD,   /* a request's head must be there: against slow senders */
        DEADLINE_CLIENT_IDLE,   /* kept-alive connection without a request */
        DEADLINE_CLIENT_BODY,   /* nothing came of a body that is wanted */
        DEADLINE_CLIENT_WRITE,  /* the client does not take what we have */
        DEADLINE_CLIENT_LINGER, /* a connection that ends may still send so long */
        DEADLINE_CLIENT_FIRST,  /* at a stop: the first request of a new connection is on its way */
        DEADLINE_CONNECT,       /* to a replica */
        DEADLINE_CALL,          /* nothing came from the function */
        DEADLINE_POOL_IDLE,     /* unused connection to a replica */
        DEADLINE_REPLICA,       /* a call waits for a replica to become ready */
        DEADLINE_QUEUE,         /* a call waits for a replica that has room */
        DEADLINE_SUSPECT,       /* a replica that failed is avoided */
        DEADLINE_AGENT,         /* a request to the agent */
        DEADLINE_AGENT_SOON,    /* the same where a late answer is of no use */
        DEADLINE_ASYNC,         /* an asynchronous call is not over */
        DEADLINE_KINDS,
};

struct deadline {
        struct list link;
        uint64_t at_ms;
        void (*expired)(struct deadline *d);
};

/* Deadlines of a duration of their own, made by deadline_set_in(). */
struct deadline_queue {
        struct list link; /* once anything was in it: among those of 'deadlines' */
        struct list items;
};

struct deadlines {
        uv_timer_t timer;
        uint64_t armed_ms; /* when the timer fires; UINT64_MAX: it is off */
        uint64_t after_ms[DEADLINE_KINDS];
        struct list lists[DEADLINE_KINDS];
        struct list queues;
};

/* The durations are the caller's to set, 'after_ms', before the first deadline. */
void deadlines_init(struct deadlines *ds, uv_loop_t *loop);
/* Closes the timer; the loop must run once more. */
void deadlines_close(struct deadlines *ds);

void deadline_init(struct deadline *d, void (*expired)(struct deadline *d));
/* Sets it, anew where it was set; 'expired' comes once, on the loop, unless it is cleared. */
void deadline_set(struct deadlines *ds, struct deadline *d, enum deadline_kind kind);

/* The queue's memory may go, with list_remove() of its link, once nothing is in it. */
static inline void deadline_queue_init(struct deadline_queue *q) {
        list_init(&q->link);
        list_init(&q->items);
}

/* The same with a duration that the queue's deadlines share; it may change now and then. */
void deadline_set_in(struct deadlines *ds, struct deadline *d, struct deadline_queue *q,
                     uint64_t after_ms);

/* No-op where it is not set. */
static inline void deadline_clear(struct deadline *d) {
        list_remove(&d->link);
}

static inline bool deadline_is_set(const struct deadline *d) {
        return d->link.next != &d->link;
}

#endif
