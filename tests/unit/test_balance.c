#include "core/balance.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define READY .ready = true

static void chooses(void **state) {
        static const struct {
                const char *what;
                size_t n;
                struct balance_replica in[4];
                uint32_t turn;
                size_t want;
        } cases[] = {
                { "no replica", 0, { { 0 } }, 7, BALANCE_NONE },
                { "none ready", 2, { { 0 }, { .local = true } }, 0, BALANCE_NONE },
                { "the only one", 1, { { READY, .in_flight = 9 } }, 3, 0 },
                { "the least busy",
                  3,
                  { { READY, .in_flight = 2 },
                    { READY, .in_flight = 1 },
                    { READY, .in_flight = 3 } },
                  0,
                  1 },
                { "the least busy, not the local one",
                  2,
                  { { READY, .in_flight = 1, .local = true }, { READY } },
                  0,
                  1 },
                { "the local one of equals",
                  3,
                  { { READY }, { READY, .local = true }, { READY } },
                  0,
                  1 },
                { "the local one of equals, whoever's turn it is",
                  3,
                  { { READY }, { READY, .local = true }, { READY } },
                  2,
                  1 },
                { "equals by turn: first", 3, { { READY }, { READY }, { READY } }, 3, 0 },
                { "equals by turn: second", 3, { { READY }, { READY }, { READY } }, 4, 1 },
                { "equals by turn: third", 3, { { READY }, { READY }, { READY } }, 5, 2 },
                { "a busy one before a suspect one",
                  2,
                  { { READY, .suspect = true, .local = true }, { READY, .in_flight = 50 } },
                  0,
                  1 },
                { "a suspect one before none", 2, { { READY, .suspect = true }, { 0 } }, 1, 0 },
                { "never one that was tried",
                  2,
                  { { READY, .tried = true }, { 0 } },
                  0,
                  BALANCE_NONE },
                { "not a full one",
                  3,
                  { { READY, .in_flight = 2, .most = 2, .local = true },
                    { READY, .in_flight = 3, .most = 4 },
                    { READY, .in_flight = 4, .most = 4 } },
                  0,
                  1 },
                { "all full",
                  2,
                  { { READY, .in_flight = 1, .most = 1 }, { READY, .in_flight = 2, .most = 1 } },
                  0,
                  BALANCE_FULL },
                { "waits for a full one before it tries a suspect one",
                  2,
                  { { READY, .in_flight = 1, .most = 1 }, { READY, .most = 1, .suspect = true } },
                  0,
                  BALANCE_FULL },
                { "a suspect one where the full one is suspect too",
                  2,
                  { { READY, .in_flight = 1, .most = 1, .suspect = true },
                    { READY, .most = 1, .suspect = true } },
                  0,
                  1 },
                { "all full and suspect",
                  1,
                  { { READY, .in_flight = 1, .most = 1, .suspect = true } },
                  0,
                  BALANCE_FULL },
                { "waits for a full one where the other was tried",
                  2,
                  { { READY, .in_flight = 1, .most = 1 }, { READY, .most = 1, .tried = true } },
                  0,
                  BALANCE_FULL },
                { "a full one that was tried is none",
                  1,
                  { { READY, .in_flight = 1, .most = 1, .tried = true } },
                  0,
                  BALANCE_NONE },
                { "a full one that is not ready is none",
                  1,
                  { { .in_flight = 1, .most = 1 } },
                  0,
                  BALANCE_NONE },
                { "turn wraps", 3, { { READY }, { READY }, { READY } }, UINT32_MAX, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t got = balance_choose(cases[i].in, cases[i].n, cases[i].turn);

                if (got != cases[i].want)
                        fail_msg("%s: %zu", cases[i].what, got);
        }
}

/* A burst of calls over four equal boards ends with the same number on each. */
static void spreads(void **state) {
        struct balance_replica r[4] = { { READY }, { READY, .local = true }, { READY }, { READY } };

        (void)state;
        for (uint32_t i = 0; i < 100; i++)
                r[balance_choose(r, 4, i)].in_flight++;
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(r[i].in_flight, 25);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chooses),
                cmocka_unit_test(spreads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
