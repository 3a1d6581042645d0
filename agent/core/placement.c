#include "core/placement.h"

#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One member and what the charter has put there. */
struct spot {
        const struct placement_board *board; /* NULL: nobody knows how it is */
        uint64_t node;
        uint64_t used_bytes;
        uint32_t instances;
        uint32_t current; /* of the function at hand, its present generation */
        uint32_t all;     /* of the function at hand */
        bool lost;
};

struct replica {
        uint16_t spot;
        int16_t function; /* index in the charter */
        bool gone;        /* dropped in this step */
};

struct model {
        const struct charter *c;
        bool (*ready)(void *arg, uint32_t instance);
        bool (*keeps)(void *arg, uint32_t function);
        void *arg;
        struct placement_actions *out;
        uint32_t n_spots;
        uint32_t total;
        struct spot spots[LIMIT_BOARDS];
        struct replica replicas[LIMIT_INSTANCES]; /* beside the charter's instances */
        bool full;                                /* 'out' is */
};

/* The replicas of one function that are somewhere alive. */
struct tally {
        uint32_t current;
        uint32_t current_ready;
        uint32_t old;
        uint32_t lost;
};

static bool is_lost(const struct placement_board *b, usec_t now) {
        return b && !b->up && usec_sub(now, b->down_since) >= PLACEMENT_LOST_USEC;
}

static bool takes_new(const struct spot *s) {
        return s->board && s->board->up && !s->board->avoid && !s->board->cordoned;
}

static uint64_t free_bytes(const struct spot *s) {
        uint64_t all = s->board ? s->board->function_bytes : 0;

        return all > s->used_bytes ? all - s->used_bytes : 0;
}

static int function_index(const struct charter *c, const struct charter_instance *in) {
        uint32_t low = 0, high = c->n_functions;

        while (low < high) {
                uint32_t at = low + (high - low) / 2;
                int order = strcmp(c->functions[at].name, in->function);

                if (order == 0)
                        order = strcmp(c->functions[at].namespace, in->namespace);
                if (order == 0)
                        return (int)at;
                if (order < 0)
                        low = at + 1;
                else
                        high = at;
        }
        return -1;
}

static uint32_t spot_index(const struct model *m, uint64_t node) {
        uint32_t i = 0;

        while (i < m->n_spots && m->spots[i].node != node)
                i++;
        return i;
}

static void take_spots(struct model *m, const struct placement_board *boards, size_t n_boards,
                       usec_t now) {
        m->n_spots = m->c->n_members;
        for (uint32_t i = 0; i < m->n_spots; i++) {
                struct spot *s = &m->spots[i];

                *s = (struct spot){ .node = m->c->members[i].node };
                for (size_t b = 0; b < n_boards && !s->board; b++)
                        if (boards[b].node == s->node)
                                s->board = &boards[b];
                s->lost = is_lost(s->board, now);
        }
}

static void take_replicas(struct model *m) {
        m->total = m->c->n_instances;
        for (uint32_t i = 0; i < m->c->n_instances; i++) {
                const struct charter_instance *in = &m->c->instances[i];
                uint32_t spot = spot_index(m, in->node);
                int function = function_index(m->c, in);

                assert(spot < m->n_spots && function >= 0); /* the charter sees to it */
                m->replicas[i] =
                        (struct replica){ .spot = (uint16_t)spot, .function = (int16_t)function };
                m->spots[spot].instances++;
                m->spots[spot].used_bytes += m->c->functions[function].memory_bytes;
                if (m->spots[spot].board && !m->spots[spot].board->up && !m->spots[spot].lost) {
                        usec_t lost_at =
                                usec_add(m->spots[spot].board->down_since, PLACEMENT_LOST_USEC);

                        if (lost_at < m->out->wake)
                                m->out->wake = lost_at;
                }
        }
}

/* Of the present generation, where it may stay; else it is old, and another one is to answer first.
 */
static bool is_current(const struct model *m, uint32_t i) {
        const struct charter_function *f = &m->c->functions[m->replicas[i].function];
        const struct spot *s = &m->spots[m->replicas[i].spot];

        return m->c->instances[i].function_generation == f->generation &&
               !(s->board && s->board->cordoned);
}

static bool is_ready(const struct model *m, uint32_t i) {
        return m->ready(m->arg, m->c->instances[i].id);
}

static struct placement_action *add_action(struct model *m) {
        if (m->out->n == PLACEMENT_ACTIONS) {
                m->full = true;
                return NULL;
        }
        return &m->out->items[m->out->n++];
}

static bool drop(struct model *m, struct tally *t, uint32_t i) {
        const struct charter_function *f = &m->c->functions[m->replicas[i].function];
        struct spot *s = &m->spots[m->replicas[i].spot];
        struct placement_action *a = add_action(m);
        bool current = is_current(m, i);

        if (!a)
                return false;
        *a = (struct placement_action){ .instance = m->c->instances[i].id };
        m->replicas[i].gone = true;
        m->total--;
        s->instances--;
        s->used_bytes -= f->memory_bytes;
        s->all--;
        s->current -= current;
        if (s->lost) {
                t->lost--;
        } else if (current) {
                t->current--;
                t->current_ready -= is_ready(m, i);
        } else {
                t->old--;
        }
        return true;
}

static bool place(struct model *m, struct tally *t, const struct charter_function *f,
                  struct spot *s) {
        struct placement_action *a = add_action(m);

        if (!a)
                return false;
        *a = (struct placement_action){ .place = true, .node = s->node };
        memcpy(a->function, f->name, sizeof(a->function));
        memcpy(a->namespace, f->namespace, sizeof(a->namespace));
        m->total++;
        s->instances++;
        s->used_bytes += f->memory_bytes;
        s->all++;
        s->current++;
        t->current++;
        return true;
}

/* Is 'a' the better place for one more replica?  Both take new ones. */
static bool better_spot(const struct spot *a, const struct spot *b) {
        assert(a->board && b->board);
        if (a->current != b->current)
                return a->current < b->current;
        if (a->all != b->all)
                return a->all < b->all;
        if (free_bytes(a) != free_bytes(b))
                return free_bytes(a) > free_bytes(b);
        if (a->board->cpu_permille != b->board->cpu_permille)
                return a->board->cpu_permille < b->board->cpu_permille;
        return a->node < b->node;
}

static struct spot *best_spot(struct model *m, const struct charter_function *f) {
        struct spot *best = NULL;

        for (uint32_t i = 0; i < m->n_spots; i++) {
                struct spot *s = &m->spots[i];

                if (takes_new(s) && s->instances < LIMIT_BOARD_INSTANCES &&
                    free_bytes(s) >= f->memory_bytes && (!best || better_spot(s, best)))
                        best = s;
        }
        return best;
}

/* Should 'a' be dropped rather than 'b'?  Trouble first, then where most of the same are (so that
 * what stays is spread), then what does not answer, then the fullest board, then the newest. */
static bool drop_first(const struct model *m, uint32_t a, uint32_t b) {
        const struct spot *x = &m->spots[m->replicas[a].spot], *y = &m->spots[m->replicas[b].spot];

        if (x->lost != y->lost)
                return x->lost;
        if (takes_new(x) != takes_new(y))
                return !takes_new(x);
        if (x->all != y->all)
                return x->all > y->all;
        if (is_ready(m, a) != is_ready(m, b))
                return !is_ready(m, a);
        if (free_bytes(x) != free_bytes(y))
                return free_bytes(x) < free_bytes(y);
        return a > b;
}

enum kind { KIND_CURRENT, KIND_OLD, KIND_LOST };

static enum kind kind_of(const struct model *m, uint32_t i) {
        if (m->spots[m->replicas[i].spot].lost)
                return KIND_LOST;
        return is_current(m, i) ? KIND_CURRENT : KIND_OLD;
}

/* The first to drop of that kind; n_instances where there is none.  'replaceable': only where its
 * board could take a new replica instead. */
static uint32_t worst_replica(const struct model *m, int function, enum kind kind,
                              bool replaceable) {
        uint32_t worst = m->c->n_instances;

        for (uint32_t i = 0; i < m->c->n_instances; i++) {
                const struct replica *r = &m->replicas[i];

                if (r->gone || r->function != function || kind_of(m, i) != kind)
                        continue;
                if (replaceable &&
                    (!takes_new(&m->spots[r->spot]) ||
                     m->spots[r->spot].used_bytes > m->spots[r->spot].board->function_bytes))
                        continue;
                if (worst == m->c->n_instances || drop_first(m, i, worst))
                        worst = i;
        }
        return worst;
}

/* Drops replicas of that kind until 'keep' are left; '*n' is their number. */
static void drop_down_to(struct model *m, struct tally *t, int function, enum kind kind,
                         const uint32_t *n, uint32_t keep) {
        while (*n > keep && !m->full)
                (void)drop(m, t, worst_replica(m, function, kind, false));
}

static struct tally take_tally(struct model *m, int function) {
        struct tally t = { 0 };

        for (uint32_t i = 0; i < m->n_spots; i++)
                m->spots[i].current = m->spots[i].all = 0;
        for (uint32_t i = 0; i < m->c->n_instances; i++) {
                struct spot *s = &m->spots[m->replicas[i].spot];
                bool current;

                if (m->replicas[i].function != function)
                        continue;
                current = is_current(m, i);
                s->all++;
                s->current += current;
                if (s->lost) {
                        t.lost++;
                } else if (current) {
                        t.current++;
                        t.current_ready += is_ready(m, i);
                } else {
                        t.old++;
                }
        }
        return t;
}

static void say_no_room(struct model *m, const struct charter_function *f) {
        char size[16];
        bool any = false;

        if (m->out->reason[0] != '\0')
                return;
        for (uint32_t i = 0; i < m->n_spots; i++)
                any = any || takes_new(&m->spots[i]);
        if (!any)
                (void)snprintf(m->out->reason, sizeof(m->out->reason),
                               "%.48s: no board is fit to take a replica", f->name);
        else if (m->total >= LIMIT_INSTANCES)
                (void)snprintf(m->out->reason, sizeof(m->out->reason),
                               "%.48s: the bramble has %u replicas, it may not have more", f->name,
                               (unsigned)LIMIT_INSTANCES);
        else
                (void)snprintf(m->out->reason, sizeof(m->out->reason),
                               "%.48s: no board has %s free for one more replica", f->name,
                               str_size(size, f->memory_bytes));
}

/* Puts one more replica of the present generation somewhere.  False where that can not be. */
static bool place_one(struct model *m, struct tally *t, int function) {
        const struct charter_function *f = &m->c->functions[function];
        struct spot *s = m->total < LIMIT_INSTANCES ? best_spot(m, f) : NULL;
        uint32_t old;

        if (s)
                return place(m, t, f, s);
        /* No room beside the old replicas: one of them makes room, and the next one only once
         * every new one answers. */
        old = worst_replica(m, function, KIND_OLD, true);
        if (old == m->c->n_instances || t->current_ready < t->current) {
                say_no_room(m, f);
                return false;
        }
        if (m->out->n + 2 > PLACEMENT_ACTIONS) {
                m->full = true;
                return false;
        }
        s = &m->spots[m->replicas[old].spot];
        return drop(m, t, old) && place(m, t, f, s);
}

static void place_function(struct model *m, int function) {
        struct tally t = take_tally(m, function);
        uint32_t wanted = m->c->functions[function].replicas, missing;

        if (wanted == 0 && t.current > 0 && m->keeps && m->keeps(m->arg, (uint32_t)function))
                wanted = 1;

        while (t.current < wanted && !m->full && place_one(m, &t, function))
                continue;
        drop_down_to(m, &t, function, KIND_CURRENT, &t.current, wanted);
        /* An old replica goes when a new one answers in its place. */
        missing = wanted > t.current_ready ? wanted - t.current_ready : 0;
        drop_down_to(m, &t, function, KIND_OLD, &t.old, missing);
        /* What is on a lost board stays noted until others took over: it may come back. */
        missing = wanted > t.current + t.old ? wanted - t.current - t.old : 0;
        drop_down_to(m, &t, function, KIND_LOST, &t.lost, missing);
}

void placement_step(const struct charter *c, const struct placement_board *boards, size_t n_boards,
                    bool (*ready)(void *arg, uint32_t instance),
                    bool (*keeps)(void *arg, uint32_t function), void *arg, usec_t now,
                    struct placement_actions *ret) {
        struct model m = { .c = c, .ready = ready, .keeps = keeps, .arg = arg, .out = ret };

        assert(c->n_members <= LIMIT_BOARDS && c->n_instances <= LIMIT_INSTANCES);
        *ret = (struct placement_actions){ .wake = USEC_NEVER };
        take_spots(&m, boards, n_boards, now);
        take_replicas(&m);
        for (uint32_t i = 0; i < c->n_functions && !m.full; i++)
                place_function(&m, (int)i);
        if (m.full)
                ret->wake = now;
}
