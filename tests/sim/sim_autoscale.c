/* core/autoscale on load shapes: ramps, spikes, steps, waves, pauses, told late and in pieces by up
 * to four gateways, with replicas that take a while to start and boards that are full.
 * SIM_PLOT=ramp|spike|variable prints one shape's decisions instead: seconds, calls a second,
 * wanted, ready; tests/sim/plot draws them. */
#include "base/scope.h"
#include "core/autoscale.h"
#include "sim.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSEC      USEC_PER_MSEC
#define TICK      (10 * MSEC)
#define TELL_USEC (500 * MSEC)
#define LOOK_USEC (250 * MSEC)
#define BEGIN     (100 * USEC_PER_SEC)
#define PROMISE   (2 * USEC_PER_SEC) /* a load is followed within that */

enum { GATEWAYS = 4, SECONDS = 240, HISTORY = 2048, PIECES = 24 };

/* What the load is from 'at' on, straight to the next one. */
struct piece {
        usec_t at;
        double calls;
};

struct gateway {
        double share;
        usec_t next;    /* when it tells */
        double counted; /* calls since it told last */
        uint64_t told;  /* rate_milli, as the leader has it */
        usec_t arrives; /* what is on its way */
        uint64_t coming;
};

struct look {
        usec_t at;
        uint32_t asked;
};

struct world {
        struct sim_random random;
        struct autoscale a;
        struct autoscale_rules r;
        struct piece pieces[PIECES];
        unsigned n_pieces;
        struct gateway gateways[GATEWAYS];
        unsigned n_gateways;
        uint32_t replicas, floor, room;
        bool alone;                  /* no person is about */
        usec_t born[LIMIT_REPLICAS]; /* when the replica answers */
        usec_t start_usec;
        usec_t now, next_look, called, spoken; /* spoken: newest change that is not the load's */
        struct look looks[HISTORY];
        unsigned n_looks;
        double recent[PROMISE / TICK]; /* load, as it is */
        uint64_t ticks;
};

static double load_at(const struct world *w, usec_t at) {
        for (unsigned i = 1; i < w->n_pieces; i++) {
                const struct piece *a = &w->pieces[i - 1], *b = &w->pieces[i];

                if (at >= b->at)
                        continue;
                if (b->at == a->at)
                        return a->calls;
                return a->calls +
                       (b->calls - a->calls) * (double)(at - a->at) / (double)(b->at - a->at);
        }
        return w->pieces[w->n_pieces - 1].calls;
}

static void piece(struct world *w, double seconds, double calls) {
        if (w->n_pieces < PIECES)
                w->pieces[w->n_pieces++] = (struct piece){ BEGIN + (usec_t)(seconds * 1e6), calls };
}

static void make_load(struct world *w) {
        double t = 0, calls = 0;

        while (t < SECONDS && w->n_pieces + 2 < PIECES) {
                double next = sim_below(&w->random, 4) ? sim_below(&w->random, 900) : 0;

                piece(w, t, calls);
                t += 0.2 + sim_below(&w->random, 300) / 10.0;
                switch (sim_below(&w->random, 3)) {
                case 0: /* a step */
                        piece(w, t, calls);
                        break;
                case 1: /* a spike, too short to be followed */
                        piece(w, t, next);
                        piece(w, t + 0.05, calls);
                        t += 0.05;
                        next = calls;
                        break;
                default: /* a ramp */
                        break;
                }
                calls = next;
        }
}

static uint32_t least(const struct world *w) {
        return w->r.min > 1 ? w->r.min : 1;
}

/* A person may want fewer, too. */
static uint32_t bottom(const struct world *w) {
        return w->floor ? w->floor : least(w);
}

static uint32_t top(const struct world *w) {
        return w->r.max > bottom(w) ? w->r.max : bottom(w);
}

static uint32_t needed(const struct world *w, double calls) {
        double n = ceil(calls * 1000 / (w->r.target * w->r.target_permille) - 1e-9);

        return n < bottom(w) ? bottom(w) : n > top(w) ? top(w) : (uint32_t)n;
}

static void set_replicas(struct world *w, uint32_t n) {
        for (uint32_t i = w->replicas; i < n; i++)
                w->born[i] = w->now + w->start_usec;
        w->replicas = n;
}

static void gateways(struct world *w, double calls) {
        for (unsigned i = 0; i < w->n_gateways; i++) {
                struct gateway *g = &w->gateways[i];

                if (g->arrives && w->now >= g->arrives) {
                        g->told = g->coming;
                        g->arrives = 0;
                }
                if (w->now >= g->next) {
                        g->coming = (uint64_t)(g->counted * 1e6 / TELL_USEC * 1000 + 0.5);
                        g->arrives = w->now + sim_between(&w->random, 1, 30) * MSEC;
                        g->next += TELL_USEC;
                        g->counted = 0;
                }
                g->counted += calls * g->share * TICK / 1e6;
        }
}

/* Never below what was needed within the window. */
static bool check_down(struct world *w, uint32_t to) {
        usec_t window = w->r.down_usec - w->r.down_usec / 8;

        for (unsigned i = 0; i < w->n_looks; i++) {
                const struct look *l = &w->looks[i];

                if (l->at + window > w->now && l->asked > to)
                        return sim_wrong(w->now, "down to %u, and %u were needed %.1f s before", to,
                                         l->asked, (double)(w->now - l->at) / 1e6);
        }
        return true;
}

static bool look(struct world *w) {
        uint32_t placed = w->replicas < w->room ? w->replicas : w->room, ready = 0, to, asked;
        struct autoscale_now now = { .replicas = w->replicas, .placed = placed, .floor = w->floor };

        for (uint32_t i = 0; i < placed; i++)
                ready += w->born[i] <= w->now;
        now.ready = ready;
        for (unsigned i = 0; i < w->n_gateways; i++)
                now.rate_milli += w->gateways[i].told;
        to = autoscale_step(&w->a, &w->r, &now, w->now);
        asked = needed(w, (double)now.rate_milli / 1000);
        if (now.rate_milli)
                w->called = w->now;
        if (w->replicas && ready)
                w->looks[w->n_looks++ % HISTORY] = (struct look){ w->now, asked };
        if (to == w->replicas)
                return true;
        sim_say(w->now, "%.1f calls/s: %u to %u (%u placed, %u answer)",
                (double)now.rate_milli / 1000, w->replicas, to, placed, ready);
        if (to > top(w))
                return sim_wrong(w->now, "%u replicas, the most are %u", to, top(w));
        if (to == 0 && (!w->r.zero || w->now - w->called < w->r.zero_usec))
                return sim_wrong(w->now, "to zero, called %.1f s ago",
                                 (double)(w->now - w->called) / 1e6);
        if (to > 0 && to < bottom(w))
                return sim_wrong(w->now, "%u replicas, the least are %u", to, bottom(w));
        if (to > 0 && to < w->floor && w->replicas >= w->floor)
                return sim_wrong(w->now, "%u replicas, a person wanted %u", to, w->floor);
        if (w->r.min == w->r.max && to)
                return sim_wrong(w->now, "min is max, and it scales to %u", to);
        if (to && to < w->replicas && placed == w->replicas && w->replicas <= top(w) &&
            w->now - w->spoken > w->r.down_usec && !check_down(w, to))
                return false;
        set_replicas(w, to);
        return true;
}

/* What was needed the whole time of the promise is there. */
static bool check_up(struct world *w) {
        double low = w->recent[0];
        uint32_t want;

        for (size_t i = 1; i < ARRAY_SIZE(w->recent); i++)
                if (w->recent[i] < low)
                        low = w->recent[i];
        if (w->ticks < ARRAY_SIZE(w->recent) || w->r.min == w->r.max || w->r.factor == 0 ||
            w->replicas == 0 || w->now - w->spoken < w->start_usec + PROMISE)
                return true;
        want = needed(w, low * 0.999);
        if (want > w->room)
                return true; /* the next tests are for those for which there is room */
        if (w->replicas < want && w->room >= top(w))
                return sim_wrong(w->now, "%u replicas, %u are needed for two seconds", w->replicas,
                                 want);
        return true;
}

static bool tick(struct world *w) {
        double calls = load_at(w, w->now);

        w->recent[w->ticks++ % ARRAY_SIZE(w->recent)] = calls;
        gateways(w, calls);
        if (w->replicas == 0 && calls > 0.5) {
                sim_say(w->now, "woken");
                set_replicas(w, autoscale_wake(&w->r));
                autoscale_called(&w->a, w->now);
                w->spoken = w->called = w->now;
        }
        if (!w->alone && sim_below(&w->random, 20000) == 0) { /* a person scales */
                w->floor = sim_below(&w->random, 12);
                sim_say(w->now, "a person wants %u", w->floor);
                set_replicas(w, w->floor);
                w->spoken = w->now;
        }
        if (w->now >= w->next_look) {
                w->next_look = w->now + LOOK_USEC + sim_below(&w->random, 3) * TICK;
                if (!look(w))
                        return false;
        }
        w->now += TICK;
        return check_up(w);
}

static void set_up(struct world *w, uint64_t seed) {
        double left = 1;

        *w = (struct world){ .random.state = seed, .r = AUTOSCALE_DEFAULTS, .now = BEGIN };
        w->r.min = sim_below(&w->random, 4);
        w->r.max = w->r.min + sim_below(&w->random, 20);
        if (w->r.max == 0)
                w->r.max = 1;
        w->r.target = 10 + sim_below(&w->random, 90);
        w->r.down_usec = sim_between(&w->random, 1, 60) * USEC_PER_SEC;
        w->r.zero = sim_chance(&w->random, 40);
        w->r.zero_usec = sim_between(&w->random, 2, 60) * USEC_PER_SEC;
        w->r.factor = sim_chance(&w->random, 95) ? 20 : 0;
        w->room = sim_chance(&w->random, 80) ? LIMIT_REPLICAS : 1 + sim_below(&w->random, 8);
        w->start_usec = sim_between(&w->random, 50, 3000) * MSEC;
        w->n_gateways = 1 + sim_below(&w->random, GATEWAYS);
        for (unsigned i = 0; i < w->n_gateways; i++) {
                w->gateways[i].share = i + 1 == w->n_gateways ? left : left / 2;
                w->gateways[i].next = BEGIN + sim_below(&w->random, 50) * TICK;
                left -= w->gateways[i].share;
        }
        w->next_look = BEGIN;
        w->spoken = w->called = BEGIN;
        set_replicas(w, w->r.min);
}

static bool run(uint64_t seed) {
        static struct world w;

        set_up(&w, seed);
        make_load(&w);
        sim_say(w.now,
                "min %u max %u target %u window %" PRIu64 " s, room for %u, starts in %" PRIu64
                " ms",
                w.r.min, w.r.max, w.r.target, w.r.down_usec / USEC_PER_SEC, w.room,
                w.start_usec / MSEC);
        while (w.now < BEGIN + SECONDS * USEC_PER_SEC)
                if (!tick(&w))
                        return false;
        return true;
}

/* ---- one shape to look at ---- */

static int plot(const char *shape) {
        static struct world w;
        unsigned told = 0;

        set_up(&w, 1);
        w.r = AUTOSCALE_DEFAULTS;
        w.r.down_usec = 20 * USEC_PER_SEC;
        w.alone = true;
        w.room = LIMIT_REPLICAS;
        w.start_usec = 800 * MSEC;
        w.replicas = 0;
        set_replicas(&w, 1);
        piece(&w, 0, 5);
        if (strcmp(shape, "ramp") == 0) {
                piece(&w, 20, 5);
                piece(&w, 90, 500);
                piece(&w, 120, 500);
                piece(&w, 180, 5);
        } else if (strcmp(shape, "spike") == 0) {
                piece(&w, 20, 5);
                piece(&w, 20.01, 600);
                piece(&w, 20.4, 600);
                piece(&w, 20.41, 5);
                piece(&w, 60, 5);
                piece(&w, 60.01, 600);
                piece(&w, 90, 600);
                piece(&w, 90.01, 5);
        } else if (strcmp(shape, "variable") == 0) {
                for (unsigned i = 1; i < 22; i++)
                        piece(&w, i * 9, 60 + (i % 2 ? 240 : 0) + sim_below(&w.random, 120));
        } else {
                fprintf(stderr, "SIM_PLOT is ramp, spike or variable\n");
                return 2;
        }
        while (w.now < BEGIN + 220 * USEC_PER_SEC) {
                uint32_t ready = 0;

                if (!tick(&w))
                        return 1;
                for (uint32_t i = 0; i < w.replicas; i++)
                        ready += w.born[i] <= w.now;
                if (told++ % 25 == 0)
                        printf("%.2f %.1f %u %u\n", (double)(w.now - BEGIN) / 1e6,
                               load_at(&w, w.now), w.replicas, ready);
        }
        return 0;
}

int main(void) {
        const char *shape = getenv("SIM_PLOT");

        return shape ? plot(shape) : sim_main("sim_autoscale", run);
}
