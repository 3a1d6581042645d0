#include "base/scope.h"
#include "base/str.h"
#include "core/placement.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define MB         (1000 * 1000)
#define NOW        (100 * USEC_PER_SEC)
#define FN         "fn"
#define MAX_BOARDS 8

/* A bramble with its boards and which replicas answer. */
struct world {
        struct charter c;
        struct placement_board boards[MAX_BOARDS];
        size_t n_boards;
        bool deaf[4096]; /* by instance: does not answer */
        usec_t now;
        struct placement_actions last;
};

static bool ready(void *arg, uint32_t instance) {
        const struct world *w = arg;

        return !w->deaf[instance % ARRAY_SIZE(w->deaf)];
}

/* Functions whose names begin with 'k' keep one replica at zero. */
static bool keeps(void *arg, uint32_t function) {
        const struct world *w = arg;

        return w->c.functions[function].name[0] == 'k';
}

static int apply(struct world *w, struct charter_command cmd) {
        return charter_apply(&w->c, &cmd);
}

static struct world world(size_t n_boards, uint64_t mb) {
        struct world w = { .now = NOW, .n_boards = n_boards };

        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FOUND,
                                                             .bramble = 1,
                                                             .cluster = "c",
                                                             .board.node = 1 }),
                         0);
        for (size_t i = 0; i < n_boards; i++) {
                w.boards[i] = (struct placement_board){ .node = i + 1,
                                                        .up = true,
                                                        .function_bytes = mb * MB };
                (void)apply(&w, (struct charter_command){ .op = CHARTER_MEMBER_ADD,
                                                          .board.node = i + 1 });
        }
        return w;
}

static void set(struct world *w, const char *name, uint32_t replicas, uint64_t mb) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_SET,
                                       .namespace = FN,
                                       .image = "i",
                                       .replicas = replicas,
                                       .memory_bytes = mb * MB };

        (void)str_copy(cmd.name, sizeof(cmd.name), name);
        assert_int_equal(apply(w, cmd), 0);
}

static uint64_t used(const struct world *w, uint64_t node) {
        uint64_t bytes = 0;

        for (uint32_t i = 0; i < w->c.n_instances; i++) {
                const struct charter_instance *in = &w->c.instances[i];

                if (in->node == node)
                        bytes += charter_function(&w->c, in->function, FN)->memory_bytes;
        }
        return bytes;
}

/* One step, carried out; each placement is checked against the board's RAM and state. */
static unsigned step(struct world *w) {
        placement_step(&w->c, w->boards, w->n_boards, ready, keeps, w, w->now, &w->last);
        for (uint32_t i = 0; i < w->last.n; i++) {
                const struct placement_action *a = &w->last.items[i];
                struct charter_command cmd = { .op = a->place ? CHARTER_INSTANCE_PLACE
                                                              : CHARTER_INSTANCE_DROP,
                                               .node = a->node,
                                               .instance = a->instance };

                memcpy(cmd.name, a->function, sizeof(cmd.name));
                memcpy(cmd.namespace, a->namespace, sizeof(cmd.namespace));
                assert_int_equal(apply(w, cmd), 0);
                if (!a->place)
                        continue;
                assert_true(w->boards[a->node - 1].up && !w->boards[a->node - 1].avoid &&
                            !w->boards[a->node - 1].cordoned);
                assert_true(used(w, a->node) <= w->boards[a->node - 1].function_bytes);
        }
        return w->last.n;
}

/* Steps until nothing is left to do. */
static void settle(struct world *w) {
        for (unsigned i = 0; i < 400; i++)
                if (step(w) == 0)
                        return;
        fail_msg("does not settle");
}

static void down(struct world *w, uint64_t node) {
        w->boards[node - 1].up = false;
        w->boards[node - 1].down_since = w->now;
}

/* "2 1 0": replicas of a function on boards 1, 2, 3. */
static void assert_spread(const struct world *w, const char *name, const char *want) {
        char text[64] = "";

        for (size_t i = 0; i < w->n_boards; i++)
                (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
                               i ? " " : "", charter_replicas(&w->c, name, FN, i + 1));
        assert_string_equal(text, want);
}

static void spreads(void **state) {
        static const struct {
                uint32_t replicas;
                uint64_t mb; /* of one */
                const char *want;
                const char *reason;
        } cases[] = {
                { 0, 10, "0 0 0", "" },
                { 1, 10, "1 0 0", "" },
                { 3, 10, "1 1 1", "" },
                { 5, 10, "2 2 1", "" },
                { 6, 50, "2 2 2", "" },
                { 7, 50, "2 2 2", "f: no board has 50 MB free for one more replica" },
                { 2, 101, "0 0 0", "f: no board has 101 MB free for one more replica" },
                { 64, 0, "22 21 21", "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world w = world(3, 100);

                set(&w, "f", cases[i].replicas, cases[i].mb);
                settle(&w);
                assert_spread(&w, "f", cases[i].want);
                assert_string_equal(w.last.reason, cases[i].reason);
                charter_done(&w.c);
        }
}

/* The order of what counts: same function, free RAM, CPU, node id. */
static void prefers(void **state) {
        struct world w = world(3, 100);

        (void)state;
        w.boards[0].cpu_permille = 500;
        set(&w, "a", 1, 10);
        settle(&w);
        assert_spread(&w, "a", "0 1 0"); /* equal but for the CPU; 2 before 3 by the id */
        set(&w, "b", 1, 10);
        settle(&w);
        assert_spread(&w, "b", "0 0 1"); /* more free than 2 and less busy than 1 */
        w.boards[1].function_bytes = 300 * MB;
        set(&w, "b", 2, 10);
        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FUNCTION_SCALE,
                                                             .name = "a",
                                                             .namespace = FN,
                                                             .replicas = 2 }),
                         0);
        settle(&w);
        assert_spread(&w, "a", "1 1 0"); /* not where one is already, however much is free */
        charter_done(&w.c);
}

static void avoids(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 3, 10);
        settle(&w);
        w.boards[0].avoid = true;
        settle(&w);
        assert_spread(&w, "f", "1 1 1"); /* what runs there may stay */
        set(&w, "g", 2, 10);
        settle(&w);
        assert_spread(&w, "g", "0 1 1");
        set(&w, "f", 2, 10);
        settle(&w);
        assert_spread(&w, "f", "0 1 1");
        for (size_t i = 0; i < 3; i++)
                w.boards[i].avoid = true;
        set(&w, "h", 1, 10);
        settle(&w);
        assert_string_equal(w.last.reason, "h: no board is fit to take a replica");
        charter_done(&w.c);
}

static void scales_down(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 7, 10);
        settle(&w);
        assert_spread(&w, "f", "3 2 2");
        charter_done(&w.c);

        w = world(3, 100);
        set(&w, "f", 6, 10);
        settle(&w);
        w.deaf[3] = true; /* on board 3 */
        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FUNCTION_SCALE,
                                                             .name = "f",
                                                             .namespace = FN,
                                                             .replicas = 4 }),
                         0);
        settle(&w);
        assert_null(charter_instance(&w.c, 3)); /* what does not answer goes first */
        assert_spread(&w, "f", "2 1 1");
        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FUNCTION_SCALE,
                                                             .name = "f",
                                                             .namespace = FN }),
                         0);
        settle(&w);
        assert_int_equal(w.c.n_instances, 0);
        charter_done(&w.c);
}

static void scale(struct world *w, const char *name, uint32_t replicas) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_SCALE,
                                       .namespace = FN,
                                       .replicas = replicas };

        (void)str_copy(cmd.name, sizeof(cmd.name), name);
        assert_int_equal(apply(w, cmd), 0);
        settle(w);
}

static void keeps_one_at_zero(void **state) {
        struct world w = world(3, 100);
        uint32_t id;

        (void)state;
        set(&w, "kept", 0, 10);
        settle(&w);
        assert_int_equal(w.c.n_instances, 0); /* there is none to keep */
        scale(&w, "kept", 3);
        scale(&w, "kept", 0);
        assert_int_equal(w.c.n_instances, 1);
        id = w.c.instances[0].id;
        scale(&w, "kept", 1); /* the same one */
        assert_int_equal(w.c.n_instances, 1);
        assert_int_equal(w.c.instances[0].id, id);
        scale(&w, "kept", 0);
        set(&w, "kept", 0, 20); /* one of an old generation is not worth keeping */
        settle(&w);
        assert_int_equal(w.c.n_instances, 0);
        set(&w, "other", 2, 10);
        settle(&w);
        scale(&w, "other", 0);
        assert_int_equal(w.c.n_instances, 0);
        charter_done(&w.c);
}

static void lost_board(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 3, 10);
        settle(&w);
        down(&w, 2);
        w.now += PLACEMENT_LOST_USEC - 1;
        assert_int_equal(step(&w), 0); /* not yet */
        assert_true(w.last.wake == w.now + 1);
        w.now++;
        assert_int_equal(step(&w), 2); /* one placed, one dropped */
        assert_true(w.last.items[0].place);
        assert_spread(&w, "f", "2 0 1");
        assert_int_equal(step(&w), 0);
        assert_true(w.last.wake == USEC_NEVER);
        w.boards[1].up = true; /* and when it comes back, nothing is moved again */
        assert_int_equal(step(&w), 0);
        charter_done(&w.c);
}

/* With no room elsewhere the lost board keeps its replica, for when it comes back. */
static void lost_without_room(void **state) {
        struct world w = world(2, 10);

        (void)state;
        set(&w, "f", 2, 10);
        settle(&w);
        down(&w, 2);
        w.now += PLACEMENT_LOST_USEC;
        assert_int_equal(step(&w), 0);
        assert_true(w.last.reason[0] != '\0');
        w.boards[1].up = true;
        assert_int_equal(step(&w), 0);
        assert_string_equal(w.last.reason, "");
        assert_spread(&w, "f", "1 1");
        charter_done(&w.c);
}

/* A board that nobody lists is not lost: its replicas stay, and it gets none. */
static void unknown_board(void **state) {
        struct world w = world(2, 100);

        (void)state;
        set(&w, "f", 2, 10);
        settle(&w);
        w.n_boards = 1;
        set(&w, "g", 2, 10);
        settle(&w);
        w.n_boards = 2;
        assert_spread(&w, "f", "1 1");
        assert_spread(&w, "g", "2 0");
        charter_done(&w.c);
}

static uint32_t serving(const struct world *w, const char *name) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < w->c.n_instances; i++)
                n += str_eq(w->c.instances[i].function, name) &&
                     ready((void *)w, w->c.instances[i].id);
        return n;
}

static void make_before_break(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 3, 10);
        settle(&w);
        set(&w, "f", 3, 10);
        for (uint32_t id = 4; id <= 6; id++)
                w.deaf[id] = true;
        settle(&w);
        assert_int_equal(w.c.n_instances, 6); /* the old ones serve until the new ones answer */
        w.deaf[5] = false;
        settle(&w);
        assert_int_equal(w.c.n_instances, 5);
        assert_int_equal(serving(&w, "f"), 3);
        w.deaf[4] = w.deaf[6] = false;
        settle(&w);
        assert_spread(&w, "f", "1 1 1");
        assert_int_equal(w.c.instances[0].id, 4);
        charter_done(&w.c);
}

/* No room for old and new at once: one at a time makes room. */
static void break_before_make(void **state) {
        struct world w = world(2, 100);

        (void)state;
        set(&w, "f", 2, 80);
        settle(&w);
        set(&w, "f", 2, 80);
        w.deaf[3] = w.deaf[4] = true;
        settle(&w);
        assert_int_equal(serving(&w, "f"), 1);
        assert_spread(&w, "f", "1 1");
        w.deaf[3] = false;
        settle(&w);
        assert_int_equal(serving(&w, "f"), 1);
        w.deaf[4] = false;
        settle(&w);
        assert_int_equal(serving(&w, "f"), 2);
        assert_spread(&w, "f", "1 1");
        assert_int_equal(w.c.instances[0].id, 3);
        charter_done(&w.c);
}

static void few_a_step(void **state) {
        struct world w = world(3, 1000);

        (void)state;
        set(&w, "f", 50, 10);
        assert_int_equal(step(&w), PLACEMENT_ACTIONS);
        assert_true(w.last.wake == w.now);
        assert_int_equal(step(&w), 50 - PLACEMENT_ACTIONS);
        assert_int_equal(step(&w), 0);
        charter_done(&w.c);
}

static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(*seed >> 33);
}

static void disturb(struct world *w, uint64_t *seed) {
        static const char *const names[] = { "a", "b", "c", "d" };
        const char *name = names[next_random(seed) % ARRAY_SIZE(names)];
        struct placement_board *b = &w->boards[next_random(seed) % w->n_boards];
        struct charter_command cmd = { .namespace = FN, .replicas = next_random(seed) % 12 };

        switch (next_random(seed) % 5) {
        case 0:
                set(w, name, next_random(seed) % 12, 1 + next_random(seed) % 60);
                return;
        case 1:
                cmd.op = CHARTER_FUNCTION_SCALE;
                break;
        case 2:
                cmd.op = CHARTER_FUNCTION_REMOVE;
                break;
        case 3:
                b->avoid = !b->avoid;
                return;
        default:
                b->up = !b->up;
                b->down_since = w->now;
                return;
        }
        (void)str_copy(cmd.name, sizeof(cmd.name), name);
        (void)apply(w, cmd);
}

/* Everything that a settled bramble promises. */
static void check(const struct world *w, unsigned seed) {
        for (uint32_t i = 0; i < w->c.n_functions; i++) {
                const struct charter_function *f = &w->c.functions[i];
                uint32_t n = charter_replicas(&w->c, f->name, FN, 0);

                if (n > f->replicas)
                        fail_msg("seed %u: %u of %u replicas", seed, n, f->replicas);
                if (n < f->replicas && w->last.reason[0] == '\0')
                        fail_msg("seed %u: %u of %u and no reason", seed, n, f->replicas);
        }
}

static void always(void **state) {
        (void)state;
        for (unsigned s = 1; s <= 200; s++) {
                struct world w = world(1 + s % MAX_BOARDS, 50 + s % 200);
                uint64_t seed = s;

                for (unsigned i = 0; i < 40; i++) {
                        disturb(&w, &seed);
                        for (unsigned k = next_random(&seed) % 3; k > 0; k--)
                                (void)step(&w);
                        w.now += next_random(&seed) % (2 * PLACEMENT_LOST_USEC);
                }
                w.now += PLACEMENT_LOST_USEC;
                settle(&w);
                check(&w, s);
                charter_done(&w.c);
        }
}

/* Healthy boards with room enough: each function is spread within one, after any scaling. */
static void even(void **state) {
        (void)state;
        for (unsigned s = 1; s <= 100; s++) {
                struct world w = world(1 + s % MAX_BOARDS, 100000);
                uint64_t seed = s;

                for (unsigned i = 0; i < 20; i++) {
                        uint32_t low = UINT32_MAX, high = 0;

                        set(&w, "f", next_random(&seed) % 30, 1 + next_random(&seed) % 60);
                        if (next_random(&seed) % 2)
                                set(&w, "other", next_random(&seed) % 30, 7);
                        settle(&w);
                        for (size_t b = 1; b <= w.n_boards; b++) {
                                uint32_t n = charter_replicas(&w.c, "f", FN, b);

                                low = n < low ? n : low;
                                high = n > high ? n : high;
                        }
                        if (high > low + 1)
                                fail_msg("seed %u: %u..%u on a board", s, low, high);
                }
                charter_done(&w.c);
        }
}

/* ---- a board that is drained ---- */

/* The new replica answers before the old one goes. */
static void moves_off(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 3, 10);
        settle(&w);
        assert_spread(&w, "f", "1 1 1");
        memset(w.deaf, true, sizeof(w.deaf));
        for (uint32_t i = 0; i < w.c.n_instances; i++)
                w.deaf[w.c.instances[i].id] = false;
        w.boards[0].cordoned = true;
        settle(&w);
        assert_spread(&w, "f", "1 2 1"); /* it does not answer yet */
        memset(w.deaf, false, sizeof(w.deaf));
        settle(&w);
        assert_spread(&w, "f", "0 2 1");
        assert_string_equal(w.last.reason, "");
        /* nothing new comes, by scaling or by a deployment */
        set(&w, "f", 6, 10);
        set(&w, "g", 4, 10);
        settle(&w);
        assert_spread(&w, "f", "0 3 3");
        assert_spread(&w, "g", "0 2 2");
        /* and back: what is there stays, what comes spreads */
        w.boards[0].cordoned = false;
        settle(&w);
        assert_spread(&w, "f", "0 3 3");
        set(&w, "f", 9, 10);
        settle(&w);
        assert_spread(&w, "f", "3 3 3");
        charter_done(&w.c);
}

/* Given work again half-way: nothing is there twice. */
static void comes_back_half_way(void **state) {
        struct world w = world(2, 100);

        (void)state;
        set(&w, "f", 2, 10);
        settle(&w);
        memset(w.deaf, true, sizeof(w.deaf));
        w.deaf[1] = w.deaf[2] = false;
        w.boards[1].cordoned = true;
        settle(&w);
        assert_spread(&w, "f", "2 1");
        w.boards[1].cordoned = false;
        settle(&w);
        assert_spread(&w, "f", "1 1");
        charter_done(&w.c);
}

/* An update and a drain at once. */
static void updates_and_moves(void **state) {
        struct world w = world(3, 100);

        (void)state;
        set(&w, "f", 3, 10);
        settle(&w);
        w.boards[2].cordoned = true;
        set(&w, "f", 3, 20);
        settle(&w);
        assert_int_equal(charter_replicas(&w.c, "f", FN, 3), 0);
        assert_int_equal(charter_replicas(&w.c, "f", FN, 0), 3);
        for (uint32_t i = 0; i < w.c.n_instances; i++)
                assert_int_equal(w.c.instances[i].function_generation, w.c.functions[0].generation);
        charter_done(&w.c);
}

/* Nothing is dropped where there is no room for it elsewhere. */
static void stays_without_room(void **state) {
        struct world w = world(2, 100);

        (void)state;
        set(&w, "f", 2, 80);
        settle(&w);
        w.boards[0].cordoned = true;
        settle(&w);
        assert_spread(&w, "f", "1 1");
        assert_string_equal(w.last.reason, "f: no board has 80 MB free for one more replica");
        w.boards[1].function_bytes = 200 * MB;
        settle(&w);
        assert_spread(&w, "f", "0 2");
        charter_done(&w.c);
}

/* Of a function that rests the kept replica goes: the next call starts another one. */
static void nothing_rests_there(void **state) {
        struct world w = world(2, 100);

        (void)state;
        set(&w, "k", 1, 10);
        settle(&w);
        set(&w, "k", 0, 10);
        settle(&w);
        set(&w, "kept", 1, 10);
        settle(&w);
        assert_int_equal(charter_replicas(&w.c, "kept", FN, 0), 1);
        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FUNCTION_FOLLOW,
                                                             .name = "kept",
                                                             .namespace = FN,
                                                             .replicas_from = 1 }),
                         0);
        settle(&w);
        assert_int_equal(charter_replicas(&w.c, "kept", FN, 0), 1); /* the twin */
        for (size_t i = 0; i < w.n_boards; i++)
                w.boards[i].cordoned = charter_replicas(&w.c, "kept", FN, i + 1) > 0;
        settle(&w);
        assert_int_equal(charter_replicas(&w.c, "kept", FN, 0), 0);
        charter_done(&w.c);
}

/* ---- may it be? ---- */

static int can_leave(const struct world *w, uint64_t node, struct fail *f) {
        *f = (struct fail){ 0 };
        return placement_can_leave(&w->c, w->boards, w->n_boards, node, f);
}

static void room_elsewhere(void **state) {
        struct world w = world(3, 100);
        struct fail f;

        (void)state;
        assert_int_equal(can_leave(&w, 1, &f), 0); /* nothing to move */
        set(&w, "small", 3, 20);
        set(&w, "large", 2, 60);
        settle(&w);
        /* 80 + 80 + 20: the small one fits beside the large, twice */
        for (uint64_t node = 1; node <= 3; node++) {
                uint32_t large = charter_replicas(&w.c, "large", FN, node);

                assert_int_equal(can_leave(&w, node, &f), 0);
                assert_true(large <= 1);
        }
        w.boards[1].avoid = true;
        w.boards[2].function_bytes = 50 * MB;
        assert_int_equal(can_leave(&w, 1, &f), -ENOSPC);
        assert_non_null(strstr(f.text, "has nowhere to go: no other board has"));
        w.boards[1].avoid = false;
        w.boards[1].cordoned = w.boards[2].cordoned = true;
        assert_int_equal(can_leave(&w, 1, &f), -ENOSPC);
        assert_non_null(strstr(f.text, "no other board is fit to take it"));
        charter_done(&w.c);
}

/* Replicas that are too many need no other place. */
static void what_goes_anyway(void **state) {
        struct world w = world(2, 100);
        struct fail f;

        (void)state;
        set(&w, "f", 2, 80);
        settle(&w);
        assert_spread(&w, "f", "1 1");
        assert_int_equal(can_leave(&w, 1, &f), -ENOSPC);
        assert_string_equal(f.text, "f has nowhere to go: no other board has 80 MB free for it");
        assert_int_equal(apply(&w, (struct charter_command){ .op = CHARTER_FUNCTION_SCALE,
                                                             .name = "f",
                                                             .namespace = FN,
                                                             .replicas = 1 }),
                         0);
        assert_int_equal(can_leave(&w, 1, &f), 0);
        down(&w, 2);
        assert_int_equal(can_leave(&w, 1, &f), 0); /* the other is there still, for all we know */
        charter_done(&w.c);
}

/* Where it says yes everything moves, without a replica too few at any time. */
static void says_true(void **state) {
        unsigned yes = 0;

        (void)state;
        for (unsigned s = 1; s <= 400; s++) {
                struct world w = world(2 + s % 4, 60 + s % 50);
                uint64_t seed = s, node;
                struct fail f;

                for (unsigned i = 0; i < 5; i++) {
                        char name[8] = { 'f', (char)('0' + i) };

                        set(&w, name, next_random(&seed) % 3, 5 + next_random(&seed) % 20);
                }
                settle(&w);
                node = 1 + next_random(&seed) % w.n_boards;
                if (w.last.reason[0] || can_leave(&w, node, &f) < 0) {
                        charter_done(&w.c);
                        continue;
                }
                yes++;
                w.boards[node - 1].cordoned = true;
                for (unsigned i = 0; i < 400 && step(&w) > 0; i++)
                        for (uint32_t k = 0; k < w.c.n_functions; k++)
                                assert_true(charter_replicas(&w.c, w.c.functions[k].name, FN, 0) >=
                                            w.c.functions[k].replicas);
                assert_int_equal(used(&w, node), 0);
                charter_done(&w.c);
        }
        assert_true(yes > 50);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(spreads),
                cmocka_unit_test(prefers),
                cmocka_unit_test(avoids),
                cmocka_unit_test(scales_down),
                cmocka_unit_test(keeps_one_at_zero),
                cmocka_unit_test(lost_board),
                cmocka_unit_test(lost_without_room),
                cmocka_unit_test(unknown_board),
                cmocka_unit_test(make_before_break),
                cmocka_unit_test(break_before_make),
                cmocka_unit_test(few_a_step),
                cmocka_unit_test(always),
                cmocka_unit_test(even),
                cmocka_unit_test(moves_off),
                cmocka_unit_test(comes_back_half_way),
                cmocka_unit_test(updates_and_moves),
                cmocka_unit_test(stays_without_room),
                cmocka_unit_test(nothing_rests_there),
                cmocka_unit_test(room_elsewhere),
                cmocka_unit_test(what_goes_anyway),
                cmocka_unit_test(says_true),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
