#include "base/scope.h"
#include "core/voters.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define NOW          (100 * USEC_PER_SEC)
#define AGO(seconds) (NOW - (seconds)*USEC_PER_SEC)

static void wanted(void **state) {
        static const unsigned want[] = { 1, 1, 1, 3, 3, 3, 3, 5, 5, 5 };

        (void)state;
        for (unsigned n = 0; n < ARRAY_SIZE(want); n++)
                assert_int_equal(voters_wanted(n), want[n]);
        assert_int_equal(voters_wanted(LIMIT_BOARDS), 5);
}

/* A board is one word: V votes, s spare, n not in the configuration; then + up, - silent for
 * long, ~ silent for 4 s.  Node ids are 1, 2, ... and the strength falls; board 1 leads. */
static size_t parse(const char *text, struct voter_board *boards) {
        size_t n = 0;

        for (; text[0] && text[1]; text += text[2] ? 3 : 2, n++)
                boards[n] = (struct voter_board){
                        .node = n + 1,
                        .role = text[0] == 'V'   ? VOTER_VOTES
                                : text[0] == 's' ? VOTER_SPARE
                                                 : VOTER_NONE,
                        .up = text[1] == '+',
                        .down_since = text[1] == '-' ? AGO(20 - n) : AGO(4),
                        .strength = 100 - n,
                };
        return n;
}

static void steps(void **state) {
        static const struct {
                const char *boards;
                enum voter_change want;
                uint64_t node;
        } cases[] = {
                /* one and two boards: the founder alone votes */
                { "V+", VOTERS_KEEP, 0 },
                { "V+ n+", VOTERS_ADD_SPARE, 2 },
                { "V+ s+", VOTERS_KEEP, 0 },
                { "V+ s-", VOTERS_KEEP, 0 },
                { "V+ n-", VOTERS_KEEP, 0 },
                /* three: two promotions in a row, each board a spare first */
                { "V+ n+ n+", VOTERS_ADD_SPARE, 2 },
                { "V+ s+ n+", VOTERS_PROMOTE, 2 },
                { "V+ V+ n+", VOTERS_ADD_SPARE, 3 },
                { "V+ V+ s+", VOTERS_PROMOTE, 3 },
                { "V+ V+ V+", VOTERS_KEEP, 0 },
                { "V+ V+ V+ n+", VOTERS_ADD_SPARE, 4 },
                { "V+ V+ V+ s+", VOTERS_KEEP, 0 },
                /* not begun where it could only end with two */
                { "V+ s+ s-", VOTERS_KEEP, 0 },
                { "V+ s+ n~", VOTERS_KEEP, 0 },
                /* begun, and the second heir is gone: waited for, then taken back */
                { "V+ V+ s~", VOTERS_KEEP, 0 },
                { "V+ V+ s-", VOTERS_DEMOTE, 2 },
                { "V+ V+", VOTERS_DEMOTE, 2 },
                /* a silent voter gives its vote to a board that stands by */
                { "V+ V+ V- s+", VOTERS_DEMOTE, 3 },
                { "V+ V+ s- s+", VOTERS_PROMOTE, 4 },
                { "V+ V+ s- n+", VOTERS_ADD_SPARE, 4 },
                { "V+ V- V+ n+", VOTERS_DEMOTE, 2 },
                { "V+ V+ V~ s+", VOTERS_KEEP, 0 },
                { "V+ V+ V- s-", VOTERS_KEEP, 0 },
                { "V+ V+ V-", VOTERS_KEEP, 0 },
                /* no majority of the voters: nothing could be committed */
                { "V+ V- V- s+", VOTERS_KEEP, 0 },
                { "V+ V- s+ s+", VOTERS_KEEP, 0 },
                { "V+ V- V- n+", VOTERS_KEEP, 0 },
                /* five from seven members up */
                { "V+ V+ V+ s+ s+ s+", VOTERS_KEEP, 0 },
                { "V+ V+ V+ s+ s+ s+ n+", VOTERS_PROMOTE, 4 },
                { "V+ V+ V+ V+ s+ s+ n+", VOTERS_PROMOTE, 5 },
                { "V+ V+ V+ s+ s- s- s-", VOTERS_KEEP, 0 },
                { "V+ V+ V+ V- V- s+ s+", VOTERS_DEMOTE, 4 },
                { "V+ V+ V+ s- V- s+ s+", VOTERS_PROMOTE, 6 },
                { "V+ V+ V+ s- V- V+ s+", VOTERS_DEMOTE, 5 },
                /* members left: silent ones give up the vote first, then the weakest */
                { "V+ V+ V+ V+ V+ s+", VOTERS_DEMOTE, 5 },
                { "V+ V- V+ V+ V+ s+", VOTERS_DEMOTE, 2 },
                { "V+ V+ V+ V+ s+ s+", VOTERS_DEMOTE, 4 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct voter_board boards[8];
                size_t n = parse(cases[i].boards, boards);
                struct voters_action a = voters_step(boards, n, 1, NOW);

                if (a.change != cases[i].want || a.node != cases[i].node)
                        fail_msg("%s: %d of %d", cases[i].boards, a.change, (int)a.node);
        }
}

static void wakes(void **state) {
        struct voter_board boards[4];
        size_t n = parse("V+ V+ V~ s+", boards);

        (void)state;
        assert_int_equal(voters_step(boards, n, 1, NOW).wake, AGO(4) + VOTERS_LOST_USEC);
        assert_int_equal(voters_step(boards, n, 1, AGO(4) + VOTERS_LOST_USEC).change,
                         VOTERS_DEMOTE);
        n = parse("V+ V+ V+ s-", boards);
        assert_true(voters_step(boards, n, 1, NOW).wake == USEC_NEVER);
}

static void who(void **state) {
        struct voter_board boards[4];
        size_t n = parse("V+ s+ s+ s+", boards);

        (void)state;
        boards[2].strength = 100; /* the strongest first, at equal strength the lower id */
        assert_int_equal(voters_step(boards, n, 1, NOW).node, 3);
        boards[1].strength = 100;
        assert_int_equal(voters_step(boards, n, 1, NOW).node, 2);
        /* somebody who is not a voter itself changes nothing */
        assert_int_equal(voters_step(boards, n, 4, NOW).change, VOTERS_KEEP);
        assert_int_equal(voters_step(boards, n, 9, NOW).change, VOTERS_KEEP);
        assert_int_equal(voters_step(boards, 0, 1, NOW).change, VOTERS_KEEP);
}

static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        return (uint32_t)(*seed >> 33);
}

static unsigned count(const struct voter_board *b, size_t n, bool up_only) {
        unsigned votes = 0;

        for (size_t i = 0; i < n; i++)
                votes += b[i].role == VOTER_VOTES && (!up_only || b[i].up);
        return votes;
}

/* Performs steps until nothing is left to do.  False where that does not end. */
static bool settle(struct voter_board *b, size_t n, usec_t now) {
        for (size_t i = 0; i < 4 * n + 8; i++) {
                struct voters_action a = voters_step(b, n, 1, now);
                struct voter_board *it = a.node ? &b[a.node - 1] : NULL;

                if (a.change == VOTERS_KEEP)
                        return true;
                assert_true(count(b, n, true) > count(b, n, false) / 2);
                assert_true(a.change == VOTERS_DEMOTE ? it->role == VOTER_VOTES && a.node != 1
                                                      : it->up);
                assert_true(a.change != VOTERS_PROMOTE || it->role == VOTER_SPARE);
                assert_true(a.change != VOTERS_ADD_SPARE || it->role == VOTER_NONE);
                it->role = a.change == VOTERS_PROMOTE ? VOTER_VOTES : VOTER_SPARE;
        }
        return false;
}

/* Boards come, go and return at random; whenever a majority of the voters is there and the dust
 * has settled, an odd number votes, not more than wanted, and a live heir is never left out. */
static void always_odd(void **state) {
        (void)state;
        for (uint64_t s = 1; s <= 300; s++) {
                struct voter_board b[12] = { { .node = 1, .role = VOTER_VOTES, .up = true } };
                uint64_t seed = s;
                usec_t now = NOW;
                size_t n = 1;

                for (unsigned i = 0; i < 60; i++) {
                        size_t at = next_random(&seed) % ARRAY_SIZE(b);
                        unsigned voters, heirs = 0;

                        if (at >= n) {
                                b[n] = (struct voter_board){ .node = n + 1,
                                                             .up = true,
                                                             .strength = next_random(&seed) % 4 };
                                n++;
                        } else if (at > 0) {
                                b[at].up = !b[at].up;
                                b[at].down_since = now;
                        }
                        if (!settle(b, n, now))
                                fail_msg("seed %u does not settle", (unsigned)s);
                        now += VOTERS_LOST_USEC;
                        if (!settle(b, n, now))
                                fail_msg("seed %u does not settle", (unsigned)s);
                        voters = count(b, n, false);
                        if (count(b, n, true) <= voters / 2)
                                continue;
                        for (size_t k = 0; k < n; k++)
                                heirs += b[k].up && b[k].role != VOTER_VOTES;
                        assert_true(voters % 2 == 1 && voters <= voters_wanted((unsigned)n));
                        assert_true(heirs < 2 || voters == voters_wanted((unsigned)n));
                        assert_true(heirs == 0 || count(b, n, true) == voters);
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(wanted), cmocka_unit_test(steps),      cmocka_unit_test(wakes),
                cmocka_unit_test(who),    cmocka_unit_test(always_odd),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
