#include "core/since.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void stays(void **state) {
        static struct since s;
        int64_t at = since_at(&s, "hot", "w1", 100000, 4000);

        (void)state;
        assert_int_equal(at, 96000);
        for (uint64_t now = 100000; now < 400000;
             now += 1000) /* an age that comes late and rounded */
                assert_int_equal(since_at(&s, "hot", "w1", now + now / 1000 % 7 * 100,
                                          (now - 96000) / 1000 * 1000),
                                 at);
        /* it was over and begins again */
        assert_int_equal(since_at(&s, "hot", "w1", 400000, 0), 400000);
        assert_int_equal(since_at(&s, "hot", "w1", 401000, 1000), 400000);
        /* another one, another board; longer ago than the clock knows */
        assert_int_equal(since_at(&s, "card-full", "w1", 401000, 0), 401000);
        assert_int_equal(since_at(&s, "hot", "w2", 401000, 500000), -99000);
        assert_int_equal(s.n, 3);
        assert_true(since_at(&s, "hot", "w3", 0, UINT64_MAX) < 0);
}

static void forgets(void **state) {
        static struct since s;
        char name[SIZE_NAME * 2];

        (void)state;
        (void)since_at(&s, "hot", "w1", 5000, 0);
        (void)since_at(&s, "hot", "w2", 5000, 0);
        since_sweep(&s);
        assert_int_equal(since_at(&s, "hot", "w2", 6000, 900), 5000);
        since_sweep(&s);
        assert_int_equal(s.n, 1);
        assert_string_equal(s.entries[0].board, "w2");
        since_sweep(&s);
        assert_int_equal(s.n, 0);
        /* no room, and a name that nobody has */
        for (unsigned i = 0; i < LIMIT_ALARMS + 5; i++) {
                (void)snprintf(name, sizeof(name), "w%u", i);
                assert_int_equal(since_at(&s, "hot", name, 9000, 1000), 8000);
        }
        assert_int_equal(s.n, LIMIT_ALARMS);
        since_sweep(&s);
        since_sweep(&s);
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(since_at(&s, name, "w1", 9000, 1000), 8000);
        assert_int_equal(s.n, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(stays), cmocka_unit_test(forgets) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
