#include "base/scope.h"
#include "base/str.h"
#include "core/drain.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void how_far(void **state) {
        static const struct {
                struct drain_facts facts;
                enum drain_state want;
                const char *text;
        } cases[] = {
                { { .up = true, .placed = 3, .running = 3, .leads = true, .heir = true },
                  DRAIN_NONE,
                  "" },
                { { .cordoned = true, .up = true, .placed = 3, .leads = true, .heir = true },
                  DRAIN_LEADING,
                  "it hands over leadership" },
                { { .cordoned = true, .up = true, .placed = 1, .running = 1 },
                  DRAIN_MOVING,
                  "1 replica has to move" },
                { { .cordoned = true,
                    .up = true,
                    .placed = 2,
                    .running = 2,
                    .stuck = "web: no board has 64 MB free for one more replica" },
                  DRAIN_MOVING,
                  "2 replicas have to move; web: no board has 64 MB free for one more replica" },
                { { .cordoned = true, .up = true, .running = 2 },
                  DRAIN_ENDING,
                  "calls under way end: 2 replicas left" },
                { { .cordoned = true, .up = true, .node = true },
                  DRAIN_PODS,
                  "Kubernetes moves its pods" },
                { { .cordoned = true, .up = true, .node = true, .cleared = true },
                  DRAIN_DONE,
                  "it carries no function" },
                { { .cordoned = true, .up = true, .leads = true },
                  DRAIN_DONE,
                  "it carries no function, and still leads: no other voter is up" },
                /* what a board that is off had running is not known, and is over */
                { { .cordoned = true, .running = 2 }, DRAIN_DONE, "it carries no function" },
                { { .cordoned = true, .placed = 2 }, DRAIN_MOVING, "2 replicas have to move" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct drain_facts f = cases[i].facts;
                char text[SIZE_REASON];

                if (!f.stuck)
                        f.stuck = "";
                if (drain_step(&f, text) != cases[i].want || !str_eq(text, cases[i].text))
                        fail_msg("case %zu: '%s'", i, text);
        }
}

static void a_long_reason(void **state) {
        char reason[SIZE_REASON], text[SIZE_REASON];
        struct drain_facts f = { .cordoned = true, .placed = UINT32_MAX, .stuck = reason };

        (void)state;
        memset(reason, 'x', sizeof(reason) - 1);
        reason[sizeof(reason) - 1] = '\0';
        assert_int_equal(drain_step(&f, text), DRAIN_MOVING);
        assert_true(strlen(text) < SIZE_REASON && str_starts(text, "4294967295 replicas"));
}

static void who_leads(void **state) {
        struct drain_voter v[] = {
                { .board = { .node = 1, .role = VOTER_VOTES, .up = true, .strength = 9 },
                  .cordoned = true },
                { .board = { .node = 2, .role = VOTER_VOTES, .up = true, .strength = 5 } },
                { .board = { .node = 3, .role = VOTER_VOTES, .up = true, .strength = 7 } },
                { .board = { .node = 4, .role = VOTER_SPARE, .up = true, .strength = 8 } },
        };

        (void)state;
        assert_int_equal(drain_heir(v, 4, 1), 3);
        v[1].board.strength = 7; /* ties: the lower id */
        assert_int_equal(drain_heir(v, 4, 1), 2);
        v[1].failed = true; /* it was asked: the other one, as long as there is one */
        assert_int_equal(drain_heir(v, 4, 1), 3);
        v[2].cordoned = true;
        assert_int_equal(drain_heir(v, 4, 1), 2);
        v[1].failed = v[2].cordoned = false;
        v[1].cordoned = true;
        assert_int_equal(drain_heir(v, 4, 1), 3);
        v[2].board.up = false;
        assert_int_equal(drain_heir(v, 4, 1), 0);
        assert_int_equal(drain_heir(v, 1, 1), 0);
}

static void words(void **state) {
        (void)state;
        assert_string_equal(drain_word(false, false), "");
        assert_string_equal(drain_word(true, false), "draining");
        assert_string_equal(drain_word(true, true), "cordoned");
}

static void room(void **state) {
        struct drain_node nodes[LIMIT_CLEARED + 2];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
                nodes[i] = (struct drain_node){ .node = i + 1, .cordoned = i > 1, .kube = true };
        assert_false(drain_has_room(nodes, ARRAY_SIZE(nodes), 1));
        assert_true(drain_has_room(nodes, ARRAY_SIZE(nodes), 3)); /* it is already */
        nodes[0].kube = false;                                    /* nobody has to ask for it */
        assert_true(drain_has_room(nodes, ARRAY_SIZE(nodes), 1));
        nodes[0].kube = true;
        nodes[5].cordoned = false;
        assert_true(drain_has_room(nodes, ARRAY_SIZE(nodes), 1));
        nodes[5] = (struct drain_node){ .node = 6, .cordoned = true };
        assert_true(drain_has_room(nodes, ARRAY_SIZE(nodes), 1));
        assert_true(drain_has_room(nodes, ARRAY_SIZE(nodes), 99));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(how_far),   cmocka_unit_test(a_long_reason),
                cmocka_unit_test(who_leads), cmocka_unit_test(words),
                cmocka_unit_test(room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
