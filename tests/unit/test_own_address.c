#include "io/own_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void loopback_is_ours(void **state) {
        (void)state;
        assert_true(own_address("127.0.0.1"));
}

static void a_strangers_is_not(void **state) {
        static const char *const strangers[] = { "192.0.2.7", "127.0.0.2", "2001:db8::1" };

        (void)state;
        for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
                assert_false(own_address(strangers[i]));
}

static void what_is_no_address_accuses_nobody(void **state) {
        (void)state;
        assert_true(own_address(""));
        assert_true(own_address("b4.local"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(loopback_is_ours),
                cmocka_unit_test(a_strangers_is_not),
                cmocka_unit_test(what_is_no_address_accuses_nobody),
        };
        return cmocka_run_group_tests_name("own_address", tests, NULL, NULL);
}
