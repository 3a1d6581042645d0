#include "core/login_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static void one_address(void **state) {
        struct login_limit l = { 0 };
        usec_t now = 1000;

        (void)state;
        for (int i = 0; i < LOGIN_TRIES; i++) {
                assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), 0);
                login_limit_failed(&l, now, "10.0.0.1");
        }
        assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), LOGIN_EVERY_USEC);
        assert_int_equal(login_limit_wait(&l, now, "10.0.0.2"), 0);
        now += LOGIN_EVERY_USEC - 1;
        assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), 1);
        now++;
        assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), 0);
        login_limit_failed(&l, now, "10.0.0.1");
        assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), LOGIN_EVERY_USEC);
        now += LOGIN_TRIES * LOGIN_EVERY_USEC; /* all is forgotten */
        for (int i = 0; i < LOGIN_TRIES; i++) {
                assert_int_equal(login_limit_wait(&l, now, "10.0.0.1"), 0);
                login_limit_failed(&l, now, "10.0.0.1");
        }
        assert_true(login_limit_wait(&l, now, "10.0.0.1") > 0);
}

/* Who has many addresses gets no more tries by that than the table has places. */
static void many_addresses(void **state) {
        struct login_limit l = { 0 };
        unsigned tries = 0;
        char address[SIZE_ADDRESS];

        (void)state;
        for (unsigned i = 0; i < 10000; i++) {
                (void)snprintf(address, sizeof(address), "2001:db8:%x::", i);
                for (int n = 0; n < LOGIN_TRIES; n++) {
                        if (login_limit_wait(&l, 5, address) > 0)
                                break;
                        login_limit_failed(&l, 5, address);
                        tries++;
                }
        }
        assert_int_equal(tries, (LOGIN_ADDRESSES + 1) * LOGIN_TRIES);
        /* a stranger is one of the rest now, and is let in again after a while */
        assert_true(login_limit_wait(&l, 5, "10.0.0.1") > 0);
        assert_int_equal(login_limit_wait(&l, 5 + LOGIN_EVERY_USEC, "10.0.0.1"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(one_address),
                                            cmocka_unit_test(many_addresses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
