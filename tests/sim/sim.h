/* sim - what every simulation needs: seeded chance, an event queue in virtual time, seeds. */
#ifndef BRAMBLE_TESTS_SIM_H
#define BRAMBLE_TESTS_SIM_H

#include "base/time.h"
#include "core/formation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64: a seed is a world. */
struct sim_random {
        uint64_t state;
};

uint64_t sim_random(struct sim_random *r);
uint32_t sim_below(struct sim_random *r, uint32_t n);                      /* 0 .. n-1 */
uint64_t sim_between(struct sim_random *r, uint64_t least, uint64_t most); /* both included */
bool sim_chance(struct sim_random *r, unsigned percent);

struct sim_event {
        usec_t at;
        uint64_t order; /* events of one moment happen in the order in which they were planned */
        int type;
        unsigned a, b;
        uint64_t number;
        struct formation_view view;
};

/* All zero is an empty queue. */
struct sim_queue {
        struct sim_event *heap;
        size_t n, room;
        uint64_t order;
};

void sim_queue_done(struct sim_queue *q);
void sim_plan(struct sim_queue *q, const struct sim_event *ev); /* 'order' is filled in */
bool sim_next(struct sim_queue *q, struct sim_event *ret);

/* One line of the story, printed only in transcript mode. */
void sim_say(usec_t now, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Why the present seed failed; always false. */
bool sim_wrong(usec_t now, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs seeds 1..SIM_SEEDS (default 1000), or only SIM_TRACE=seed with its transcript.  'run' says
 * whether the seed's world kept all promises.  The exit status of the program. */
int sim_main(const char *name, bool (*run)(uint64_t seed));

#endif
