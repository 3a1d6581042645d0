#include "core/off_list.h"

#include "core/charter_shutdown.h"
#include "core/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct charter_shutdown none, all = { .id = 8 }, off = { .id = 9, .only = 2 },
                                           restart = { .id = 9, .only = 2, .reboot = true },
                                           other = { .id = 10, .only = 3 };
static struct world_member members[] = { { .node = 1, .up = true }, { .node = 2 }, { .node = 3 } };
static struct world world = { .n_members = 3, .members = members };
static struct off_list l;
static usec_t now;

static bool after(usec_t sec, const struct charter_shutdown *record, bool up) {
        now += sec * USEC_PER_SEC;
        members[1].up = up;
        off_list_follow(&l, record, &world, now);
        return off_list_has(&l, 2);
}

static int begin(void **state) {
        (void)state;
        memset(&l, 0, sizeof(l));
        now = 1000 * USEC_PER_SEC;
        world.n_members = 3;
        return 0;
}

static void until_it_is_back(void **state) {
        (void)state;
        assert_false(after(0, &none, true));
        assert_true(after(1, &off, true));
        assert_true(after(80, &off, true)); /* functions end */
        assert_true(after(1, &none, true)); /* its address is silent; it counts as up here still */
        assert_true(after(3, &none, true));
        assert_true(after(1, &none, false));
        assert_true(after(90000, &none, false));
        assert_true(after(1, &other, false)); /* another one goes too */
        assert_true(off_list_has(&l, 3));
        assert_true(after(10, &none, false));
        assert_false(after(1, &none, true));
        assert_true(off_list_has(&l, 3));
        /* it is as any other now */
        assert_false(after(60, &none, false));
}

static void down_before_the_record_ends(void **state) {
        (void)state;
        assert_true(after(0, &off, true));
        assert_true(after(5, &off, false));
        assert_true(after(5, &off, true)); /* plugged in again at once */
        assert_false(after(1, &none, true));
}

static void one_that_stays_on(void **state) {
        (void)state;
        assert_true(after(0, &off, true));
        assert_true(after(300, &off, true));
        assert_true(after(1, &none, true)); /* it hangs: the record is at its end */
        assert_true(after(29, &none, true));
        assert_false(after(1, &none, true));
}

static void what_is_none(void **state) {
        (void)state;
        assert_false(after(0, &restart, true)); /* it is waited for */
        assert_false(after(0, &all, true));     /* who is back then knows nothing of it */
        assert_true(after(0, &off, false));
        assert_true(after(0, &none, false));
        world.n_members = 0; /* no picture yet */
        assert_true(after(0, &none, false));
        world.n_members = 3;
        assert_false(after(0, &none, true) && after(30, &none, true));
        world.n_members = 0;
        assert_false(after(0, &off, true)); /* an old record, as the log is read again */
        world.n_members = 3;
        assert_true(after(0, &off, true)); /* it stands still */
        world.n_members = 1;               /* it was removed */
        assert_false(after(0, &none, false));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(until_it_is_back, begin),
                cmocka_unit_test_setup(down_before_the_record_ends, begin),
                cmocka_unit_test_setup(one_that_stays_on, begin),
                cmocka_unit_test_setup(what_is_none, begin),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
