#include "base/scope.h"
#include "base/str.h"
#include "core/hosts_name.h"
#include "core/hosts_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define LOCAL "127.0.0.1\tlocalhost\n"

static void lines(void **state) {
        static const struct {
                const char *in, *name, *old, *want;
        } cases[] = {
                { "", "w1", "", "127.0.1.1\tw1\n" },
                { LOCAL, "w1", "", LOCAL "127.0.1.1\tw1\n" },
                { "127.0.0.1 localhost", "w1", "", "127.0.0.1 localhost\n127.0.1.1\tw1\n" },
                { LOCAL "127.0.1.1 raspberrypi\n::1 ip6\n", "w1", "",
                  LOCAL "127.0.1.1\tw1\n::1 ip6\n" },
                { "127.0.1.1 w1\n", "kitchen", "w1", "127.0.1.1\tkitchen\n" },
                { "127.0.1.1\tw1 nas\tprinter # mine\n", "kitchen", "w1",
                  "127.0.1.1\tkitchen nas printer # mine\n" },
                { "127.0.1.1 nas\n", "w1", "w0", "127.0.1.1\tw1 nas\n" },
                /* as it should be: not one byte is another */
                { " 127.0.1.1   w1  nas # w0\n", "w1", "w0", " 127.0.1.1   w1  nas # w0\n" },
                { "127.0.1.1 w1 w0\n", "w1", "w0", "127.0.1.1\tw1\n" },
                { "127.0.1.1 raspberrypi\r\n", "w1", "", "127.0.1.1\tw1\r\n" },
                { "127.0.1.1", "w1", "", "127.0.1.1\tw1" },
                { "#127.0.1.1 raspberrypi\n", "w1", "", "#127.0.1.1 raspberrypi\n127.0.1.1\tw1\n" },
                { "127.0.1.10 x\n", "w1", "", "127.0.1.10 x\n127.0.1.1\tw1\n" },
                /* the first of several counts */
                { "127.0.1.1 a\n127.0.1.1 b\n", "w1", "", "127.0.1.1\tw1 a\n127.0.1.1 b\n" },
                { HOSTS_BEGIN "\n10.0.0.1 bramble-api " HOSTS_TAG "\n" HOSTS_END "\n", "w1", "",
                  HOSTS_BEGIN "\n10.0.0.1 bramble-api " HOSTS_TAG "\n" HOSTS_END
                              "\n127.0.1.1\tw1\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf out = { 0 }, again = { 0 };

                assert_int_equal(hosts_name_set(cases[i].in, strlen(cases[i].in), cases[i].name,
                                                cases[i].old, &out, NULL),
                                 0);
                if (out.len != strlen(cases[i].want) ||
                    memcmp(out.data, cases[i].want, out.len) != 0)
                        fail_msg("case %zu: '%.*s'", i, (int)out.len, out.data);
                assert_int_equal(hosts_name_set(out.data, out.len, cases[i].name, cases[i].old,
                                                &again, NULL),
                                 0);
                assert_int_equal(again.len, out.len);
                assert_memory_equal(again.data, out.data, out.len);
        }
}

static void refuses(void **state) {
        auto_buf struct buf out = { 0 };
        auto_free char *large = malloc(HOSTS_BYTES + 1);
        struct fail f = { 0 };

        (void)state;
        assert_non_null(large);
        memset(large, '\n', HOSTS_BYTES + 1);
        assert_int_equal(hosts_name_set("", 0, "a b", "", &out, &f), -EINVAL);
        assert_int_equal(hosts_name_set("", 0, "x\n10.0.0.1 bank", "", &out, NULL), -EINVAL);
        assert_int_equal(hosts_name_set(large, HOSTS_BYTES + 1, "w1", "", &out, NULL), -EFBIG);
        assert_int_equal(hosts_name_set(large, HOSTS_BYTES - 3, "w1", "", &out, NULL), -EFBIG);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(refuses) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
