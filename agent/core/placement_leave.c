/* placement_leave - is there room elsewhere for what runs on a board? */
#include "core/placement.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

/* A board that may take what moves. */
struct shelter {
        uint64_t node;
        uint64_t free_bytes;
        uint32_t instances;
};

/* So many replicas of one function have to find another place. */
struct mover {
        const struct charter_function *function;
        uint32_t replicas;
};

/* What is there already.  Each instance is looked at once: there may be a thousand. */
static void settle_in(const struct charter *c, struct shelter *shelters, uint32_t n) {
        for (uint32_t i = 0; i < c->n_instances; i++) {
                const struct charter_instance *in = &c->instances[i];
                const struct charter_function *f;
                uint32_t at = 0;

                while (at < n && shelters[at].node != in->node)
                        at++;
                if (at == n)
                        continue;
                f = charter_function(c, in->function, in->namespace);
                shelters[at].instances++;
                if (f && f->memory_bytes < shelters[at].free_bytes)
                        shelters[at].free_bytes -= f->memory_bytes;
                else if (f)
                        shelters[at].free_bytes = 0;
        }
}

static uint32_t find_shelters(const struct charter *c, const struct placement_board *boards,
                              size_t n_boards, uint64_t node, struct shelter *ret) {
        uint32_t n = 0;

        for (size_t i = 0; i < n_boards && n < LIMIT_BOARDS; i++) {
                const struct placement_board *b = &boards[i];

                if (b->node != node && b->up && !b->avoid && !b->cordoned)
                        ret[n++] = (struct shelter){ .node = b->node,
                                                     .free_bytes = b->function_bytes };
        }
        settle_in(c, ret, n);
        return n;
}

/* How many of a function's replicas must be placed anew: what is there beyond the number that is
 * wanted just goes. */
static uint32_t to_move(const struct charter *c, const struct charter_function *f, uint64_t node) {
        uint32_t here = charter_replicas(c, f->name, f->namespace, node);
        uint32_t elsewhere = charter_replicas(c, f->name, f->namespace, 0) - here;
        uint32_t missing = f->replicas > elsewhere ? f->replicas - elsewhere : 0;

        return here < missing ? here : missing;
}

static int largest_first(const void *x, const void *y) {
        const struct mover *a = x, *b = y;

        if (a->function->memory_bytes != b->function->memory_bytes)
                return a->function->memory_bytes < b->function->memory_bytes ? 1 : -1;
        return (a->function > b->function) - (a->function < b->function);
}

static struct shelter *best_shelter(struct shelter *shelters, uint32_t n, uint64_t bytes) {
        struct shelter *best = NULL;

        for (uint32_t i = 0; i < n; i++)
                if (shelters[i].instances < LIMIT_BOARD_INSTANCES &&
                    shelters[i].free_bytes >= bytes &&
                    (!best || shelters[i].free_bytes > best->free_bytes))
                        best = &shelters[i];
        return best;
}

static int move(const struct mover *m, struct shelter *shelters, uint32_t n, struct fail *f) {
        for (uint32_t i = 0; i < m->replicas; i++) {
                struct shelter *to = best_shelter(shelters, n, m->function->memory_bytes);
                char size[16];

                if (!to && n == 0)
                        return fail(f, -ENOSPC,
                                    "%.48s has nowhere to go: no other board is fit to take it",
                                    m->function->name);
                if (!to)
                        return fail(f, -ENOSPC,
                                    "%.48s has nowhere to go: no other board has %s free for it",
                                    m->function->name, str_size(size, m->function->memory_bytes));
                to->free_bytes -= m->function->memory_bytes;
                to->instances++;
        }
        return 0;
}

int placement_can_leave(const struct charter *c, const struct placement_board *boards,
                        size_t n_boards, uint64_t node, struct fail *f) {
        struct shelter shelters[LIMIT_BOARDS];
        struct mover movers[LIMIT_FUNCTIONS] = { 0 };
        uint32_t n_shelters = find_shelters(c, boards, n_boards, node, shelters), n = 0;
        int r = 0;

        for (uint32_t i = 0; i < c->n_functions && n < LIMIT_FUNCTIONS; i++) {
                const struct charter_function *fn = &c->functions[i];
                uint32_t replicas = to_move(c, fn, node);

                if (replicas > 0)
                        movers[n++] = (struct mover){ fn, replicas };
        }
        qsort(movers, n, sizeof(movers[0]), largest_first);
        for (uint32_t i = 0; i < n && r == 0; i++)
                r = move(&movers[i], shelters, n_shelters, f);
        return r;
}
