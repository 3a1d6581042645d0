/* call_limits - what a deployment says about the calls of its function: how many at a time, how
 * many may wait, how long one may take.  Pure. */
#ifndef BRAMBLE_CORE_CALL_LIMITS_H
#define BRAMBLE_CORE_CALL_LIMITS_H

#include "base/fail.h"

#include <stdint.h>

#define CALL_LIMITS_CONCURRENCY "com.bramble.concurrency"
#define CALL_LIMITS_QUEUE       "com.bramble.queue"
#define CALL_LIMITS_TIMEOUT     "com.bramble.timeout"

enum {
        CALL_LIMITS_CONCURRENCY_MAX = 10000,
        CALL_LIMITS_QUEUE_DEFAULT = 256,
        CALL_LIMITS_QUEUE_MAX = 4096,
        CALL_LIMITS_TIMEOUT_MAX = 86400, /* a day */
};

struct call_limits {
        uint32_t concurrency; /* calls at a time that each replica gets; 0: any number */
        uint32_t queue;       /* calls that may wait; 0: none does */
        uint32_t timeout_s;   /* a replica that says nothing so long is given up; 0: not said */
};

void call_limits_init(struct call_limits *l);

/* Takes one label or annotation.  1: it is one of ours and fits; 0: it is none of ours; -EINVAL
 * with a sentence that names it. */
int call_limits_take(struct call_limits *l, const char *key, const char *value, struct fail *f);

/* "90", "90s", "1m30s", "2h" as whole seconds (parts of one count as one), 1 to 'max'.  -EINVAL,
 * -ERANGE. */
int call_limits_seconds(const char *text, uint32_t max, uint32_t *ret);

#endif
