#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool tracing;
static uint64_t current_seed;

uint64_t sim_random(struct sim_random *r) {
        uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

uint32_t sim_below(struct sim_random *r, uint32_t n) {
        return (uint32_t)(sim_random(r) % n);
}

uint64_t sim_between(struct sim_random *r, uint64_t least, uint64_t most) {
        return least + sim_random(r) % (most - least + 1);
}

bool sim_chance(struct sim_random *r, unsigned percent) {
        return sim_below(r, 100) < percent;
}

void sim_queue_done(struct sim_queue *q) {
        free(q->heap);
        *q = (struct sim_queue){ 0 };
}

static bool earlier(const struct sim_event *a, const struct sim_event *b) {
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_plan(struct sim_queue *q, const struct sim_event *ev) {
        size_t i = q->n++;

        if (q->n > q->room) {
                q->room = q->room ? 2 * q->room : 256;
                q->heap = realloc(q->heap, q->room * sizeof(*q->heap));
                if (!q->heap)
                        abort();
        }
        q->heap[i] = *ev;
        q->heap[i].order = q->order++;
        while (i > 0 && earlier(&q->heap[i], &q->heap[(i - 1) / 2])) {
                struct sim_event up = q->heap[i];

                q->heap[i] = q->heap[(i - 1) / 2];
                q->heap[(i - 1) / 2] = up;
                i = (i - 1) / 2;
        }
}

bool sim_next(struct sim_queue *q, struct sim_event *ret) {
        size_t i = 0;

        if (q->n == 0)
                return false;
        *ret = q->heap[0];
        q->heap[0] = q->heap[--q->n];
        for (;;) {
                size_t least = i, child = 2 * i + 1;
                struct sim_event down;

                for (size_t c = child; c < child + 2 && c < q->n; c++)
                        if (earlier(&q->heap[c], &q->heap[least]))
                                least = c;
                if (least == i)
                        return true;
                down = q->heap[i];
                q->heap[i] = q->heap[least];
                q->heap[least] = down;
                i = least;
        }
}

__attribute__((format(printf, 2, 0))) static void say(usec_t now, const char *format, va_list ap) {
        printf("%9.3f  ", (double)now / (double)USEC_PER_SEC);
        (void)vprintf(format, ap);
        printf("\n");
}

void sim_say(usec_t now, const char *format, ...) {
        va_list ap;

        if (!tracing)
                return;
        va_start(ap, format);
        say(now, format, ap);
        va_end(ap);
}

bool sim_wrong(usec_t now, const char *format, ...) {
        va_list ap;

        printf("seed %" PRIu64 ": ", current_seed);
        va_start(ap, format);
        say(now, format, ap);
        va_end(ap);
        return false;
}

int sim_main(const char *name, bool (*run)(uint64_t seed)) {
        const char *trace = getenv("SIM_TRACE"), *many = getenv("SIM_SEEDS");
        uint64_t seeds = many ? strtoull(many, NULL, 10) : 1000;
        unsigned failed = 0;

        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        if (trace) {
                tracing = true;
                current_seed = strtoull(trace, NULL, 10);
                return run(current_seed) ? 0 : 1;
        }
        for (current_seed = 1; current_seed <= seeds && failed < 10; current_seed++)
                if (!run(current_seed))
                        failed++;
        if (failed)
                printf("%s: %u seeds failed; SIM_TRACE=SEED tells the story of one\n", name,
                       failed);
        else
                printf("%s: %" PRIu64 " seeds\n", name, seeds);
        return failed || seeds == 0;
}
