/* loop - one epoll and one alarm. */
#ifndef BRAMBLE_WATCHDOG_LOOP_H
#define BRAMBLE_WATCHDOG_LOOP_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

/* A descriptor that epoll watches; part of whatever it belongs to.  Whoever frees that does so
 * between two turns: events of this turn may still point to it. */
struct watch {
        int fd;          /* -1: none */
        uint32_t events; /* asked for now; 0: not in epoll */
        void (*ready)(struct watch *w, uint32_t events);
};

struct loop {
        int epoll;
        usec_t alarm; /* no deadline comes before this; USEC_NEVER: there is none */
};

int loop_init(struct loop *l);
void loop_done(struct loop *l);

/* Monotonic. */
usec_t loop_now(void);

/* There is a deadline at that moment. */
void loop_alarm(struct loop *l, usec_t at);

/* Waits for events or the alarm, and calls what is ready.  True: the alarm went off and is unset
 * now; look at all deadlines and set it anew. */
bool loop_turn(struct loop *l);

/* Watches for exactly these events from now on (EPOLLERR and EPOLLHUP always come); 0: for none. */
void watch_set(struct loop *l, struct watch *w, uint32_t events);
/* Ends that, and closes; no-op where fd is -1. */
void watch_close(struct loop *l, struct watch *w);

#endif
