/* autoscale - decides how many replicas a function has, from its labels and its load.  Pure. */
#ifndef BRAMBLE_CORE_AUTOSCALE_H
#define BRAMBLE_CORE_AUTOSCALE_H

#include "base/fail.h"
#include "base/time.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* What the load is counted in. */
enum autoscale_type {
        AUTOSCALE_RPS,      /* calls a second */
        AUTOSCALE_CAPACITY, /* calls at a time, the waiting ones too */
        AUTOSCALE_CPU,      /* thousandths of a core */
};

/* A function's labels, com.openfaas.scale.* and bramble.scale.zero. */
struct autoscale_rules {
        enum autoscale_type type;
        uint32_t min, max;
        uint32_t target;          /* load that one replica is meant to carry */
        uint32_t target_permille; /* of it, is where the next replica comes */
        uint32_t factor;          /* percent of 'max' that an alert adds; 0: load scales nothing */
        bool zero;                /* to no replica after 'zero_usec' without a call */
        bool freeze;              /* at zero one replica is kept, paused */
        usec_t zero_usec;
        usec_t down_usec; /* scaled down only to the most that was needed within this time */
};

/* OpenFaaS's defaults (docs.openfaas.com, "autoscaling"); down.window is off there, and a minute
 * here: a container takes a Pi a second. */
#define AUTOSCALE_DEFAULTS                                         \
        ((struct autoscale_rules){ .type = AUTOSCALE_RPS,          \
                                   .min = 1,                       \
                                   .max = 20,                      \
                                   .target = 50,                   \
                                   .target_permille = 900,         \
                                   .factor = 20,                   \
                                   .zero_usec = 15 * USEC_PER_MIN, \
                                   .down_usec = USEC_PER_MIN })

/* Takes one label.  1: it was one of ours; 0: it is none.  -EINVAL with a sentence that names it.
 */
int autoscale_label(struct autoscale_rules *r, const char *name, const char *value, struct fail *f);
/* Do the labels fit each other?  -EINVAL. */
int autoscale_check(const struct autoscale_rules *r, struct fail *f);

/* A load must be there so long before replicas are added: one burst of calls is none.  Gateways
 * tell of calls every half second. */
#define AUTOSCALE_UP_USEC (750 * USEC_PER_MSEC)
/* A replica for which there is no room so long is not wanted any more, and none is for a while. */
#define AUTOSCALE_ROOM_USEC  (2 * USEC_PER_SEC)
#define AUTOSCALE_AGAIN_USEC (30 * USEC_PER_SEC)

enum { AUTOSCALE_UP_SLOTS = 3, AUTOSCALE_DOWN_SLOTS = 8 };

/* The extreme of what was recommended within one span of time. */
struct autoscale_slot {
        uint64_t span; /* number of the span, 0: empty */
        uint32_t replicas;
};

/* One function's memory.  All zero: the next step begins it, and nothing is taken away before it
 * has looked for 'down_usec'. */
struct autoscale {
        usec_t since;      /* of the first step */
        usec_t called;     /* newest sign of a call */
        usec_t tight;      /* since then not all replicas have a place; 0: they have */
        usec_t full_until; /* no more than 'most' before that */
        uint32_t most;
        uint32_t last; /* replicas at the last step */
        struct autoscale_slot up[AUTOSCALE_UP_SLOTS + 1];
        struct autoscale_slot down[AUTOSCALE_DOWN_SLOTS + 1];
};

/* How it is now, all boards together. */
struct autoscale_now {
        uint32_t replicas;   /* wanted so far */
        uint32_t placed;     /* of them have a place on some board */
        uint32_t ready;      /* of them answer */
        uint32_t floor;      /* what a person asked for, also below 'min'; 0: nothing */
        uint64_t rate_milli; /* calls in a thousand seconds */
        uint32_t in_flight;  /* calls under way */
        uint32_t waiting;    /* calls that wait for a replica */
        uint32_t millicores; /* used by the replicas */
};

/* How many replicas there should be; 'now->replicas' for no change.  'at' never goes back.  To be
 * called at least every 250 ms while there are calls. */
uint32_t autoscale_step(struct autoscale *a, const struct autoscale_rules *r,
                        const struct autoscale_now *now, usec_t at);

/* A call asked for a replica: its gateway tells of it only in half a second. */
void autoscale_called(struct autoscale *a, usec_t at);
/* What a call to a function at zero brings it to. */
uint32_t autoscale_wake(const struct autoscale_rules *r);

#endif
