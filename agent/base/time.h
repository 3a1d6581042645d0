/* time - microseconds as the one unit of time. */
#ifndef BRAMBLE_BASE_TIME_H
#define BRAMBLE_BASE_TIME_H

#include <stdint.h>

/* Microseconds, monotonic unless a name says otherwise; 64 bits on every board. */
typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MIN)
#define USEC_PER_DAY  (24 * USEC_PER_HOUR)
#define USEC_NEVER    UINT64_MAX
#define NSEC_PER_USEC 1000

/* a + b, USEC_NEVER where that does not fit. */
static inline usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_NEVER - b ? USEC_NEVER : a + b;
}

/* a - b, 0 where b is later. */
static inline usec_t usec_sub(usec_t a, usec_t b) {
        return a > b ? a - b : 0;
}

#endif
