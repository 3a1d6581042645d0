/* watchdog - what the files of fwatchdog share: the one process with its loop and its limits.
 *
 *      main        start, signals, drain
 *      connection  HTTP: requests in, answers out          answer  heads of answers
 *      call        one call in classic mode: a child of its own, its whole output the answer
 *      process     starts a child                          metrics, options, loop, log
 *
 * Another mode is another call.c: a connection knows of it only what call.h declares. */
#ifndef BRAMBLE_WATCHDOG_WATCHDOG_H
#define BRAMBLE_WATCHDOG_WATCHDOG_H

#include "base/list.h"
#include "watchdog/loop.h"
#include "watchdog/metrics.h"
#include "watchdog/options.h"

enum {
        WATCHDOG_CONNECTIONS = 512,         /* most at a time; more wait in the kernel */
        WATCHDOG_OUTPUT = 64 * 1024 * 1024, /* most bytes of a function's answer */
        WATCHDOG_SCRATCH = 64 * 1024,
};

struct watchdog {
        struct options options;
        struct loop loop;
        struct watch listener, metrics_listener, signals;
        struct list connections; /* those that wait for a request: longest first */
        struct list ended;       /* to be freed when the loop's turn is over */
        unsigned n_connections, most_connections;
        bool full;         /* the listeners are not watched until one ends */
        bool draining;     /* SIGTERM came: health is 503, what runs is finished */
        unsigned inflight; /* calls that run */
        struct metrics metrics;
        char scratch[WATCHDOG_SCRATCH]; /* where all connections read into, one at a time */
};

#endif
