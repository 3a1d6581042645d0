#include "core/counts.h"

#include "base/buf.h"
#include "base/scope.h"
#include "core/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void travel(void **state) {
        struct counts c = { .term = 3, .version = 17, .n = 2, .calls = { 5, UINT64_MAX } }, back;
        auto_buf struct buf b = { 0 };

        (void)state;
        assert_int_equal(counts_encode(&c, &b), 0);
        assert_int_equal(b.len, 1 + 8 + 8 + 4 + 2 * 8);
        assert_int_equal(counts_decode(b.data, b.len, &back), 0);
        assert_memory_equal(&back, &c, sizeof(c));
        for (size_t len = 0; len < b.len; len++)
                assert_int_equal(counts_decode(b.data, len, &back), -EBADMSG);
}

static void only_into_their_picture(void **state) {
        static const struct {
                struct counts c;
                bool changed;
                uint64_t first;
        } cases[] = {
                { { .term = 3, .version = 17, .n = 2, .calls = { 5, 7 } }, true, 5 },
                { { .term = 3, .version = 17, .n = 2, .calls = { 4, 8 } }, true, 4 },
                { { .term = 3, .version = 17, .n = 2, .calls = { 4, 7 } }, false, 4 },
                { { .term = 3, .version = 18, .n = 2, .calls = { 9, 9 } }, false, 4 },
                { { .term = 2, .version = 17, .n = 2, .calls = { 9, 9 } }, false, 4 },
                { { .term = 3, .version = 17, .n = 1, .calls = { 9 } }, false, 4 },
                { { .term = 3, .version = 17, .n = 3, .calls = { 9, 9, 9 } }, false, 4 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct world_function functions[2] = { { .invocations = 4 }, { .invocations = 7 } };
                struct world w = { .term = 3, .version = 17, .n_functions = 2 };

                w.functions = functions;
                assert_int_equal(counts_apply(&cases[i].c, &w), cases[i].changed);
                assert_int_equal(functions[0].invocations, cases[i].first);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(travel),
                cmocka_unit_test(only_into_their_picture),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
