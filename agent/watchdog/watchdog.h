/* watchdog - what the files of fwatchdog share: the one process with its loop and its limits.
 *
 *      main        start, signals, drain                   answer      heads of answers
 *      connection  HTTP: requests in, answers out          outbox      bytes on their way
 *      call        one call, in whichever mode             metrics, options, loop, log
 *      fork        classic, serializing, streaming         process     starts a child
 *      http        the child that serves HTTP              child       its life
 *      files       static                                  upstream    connections to it
 *
 * A connection knows of a mode only what call.h declares. */
#ifndef BRAMBLE_WATCHDOG_WATCHDOG_H
#define BRAMBLE_WATCHDOG_WATCHDOG_H

#include "base/list.h"
#include "watchdog/loop.h"
#include "watchdog/metrics.h"
#include "watchdog/options.h"

#include <sys/types.h>

enum {
        WATCHDOG_CONNECTIONS = 512,         /* most at a time; more wait in the kernel */
        WATCHDOG_OUTPUT = 64 * 1024 * 1024, /* most bytes of a function's answer */
        WATCHDOG_SCRATCH = 64 * 1024,
};

/* What serves in mode http. */
struct child {
        pid_t pid;   /* 0: none, or it has ended */
        bool serves; /* it accepts connections */
        bool ended;  /* by itself: so do we, with the same status */
        int status;
        struct watch probe; /* asks whether it serves */
        usec_t probe_at;    /* when it is asked again */
};

struct watchdog {
        struct options options;
        struct loop loop;
        struct watch listener, metrics_listener, signals;
        struct list connections; /* those that wait for a request: longest first */
        struct list ended;       /* to be freed when the loop's turn is over */
        unsigned n_connections, most_connections;
        bool full;       /* the listeners are not watched until one ends */
        bool ending;     /* SIGTERM came: health is 503 */
        usec_t drain_at; /* ... and from then on calls are refused; what runs is finished */
        bool draining;
        unsigned inflight; /* calls that run */
        struct metrics metrics;
        struct child child; /* mode http */
        struct list idle;   /* its connections that no call uses: longest first */
        unsigned n_idle;
        struct list ended_upstreams;    /* as 'ended' */
        int root;                       /* mode static: the folder */
        char scratch[WATCHDOG_SCRATCH]; /* where all connections read into, one at a time */
};

#endif
