#include "core/http_status.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void words(void **state) {
        (void)state;
        assert_string_equal(http_reason(200), "OK");
        assert_string_equal(http_reason(505), "HTTP Version Not Supported");
        assert_string_equal(http_reason(299), "Unknown");
        assert_string_equal(http_reason(0), "Unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(words) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
