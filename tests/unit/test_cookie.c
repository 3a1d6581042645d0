#include "core/cookie.h"

#include <errno.h>
#include <stdlib.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static struct http_text text(const char *s) {
        return (struct http_text){ s, strlen(s) };
}

static void values(void **state) {
        static const struct {
                const char *header, *want;
                int r;
        } cases[] = {
                { "a=1", "1", 0 },
                { "x=y; a=1", "1", 0 },
                { "x=y;a=1;z", "1", 0 },
                { " a=1 ", "1", 0 },
                { "aa=2; a=1", "1", 0 },
                { "a=b=c", "b=c", 0 },
                { "a=1234567", "1234567", 0 },
                { "a=12345678", NULL, -ENAMETOOLONG },
                { "a=", NULL, -ENOENT },
                { "a", NULL, -ENOENT },
                { "", NULL, -ENOENT },
                { ";;;", NULL, -ENOENT },
                { "A=1", NULL, -ENOENT },
                { "aa=1", NULL, -ENOENT },
                { "b=a=1", NULL, -ENOENT },
                { "a=1; a=2", NULL, -EINVAL }, /* which of them is ours? */
                { "a=1; a=1", NULL, -EINVAL },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text header = text(cases[i].header);
                char value[8];
                int r = cookie_value(&header, "a", value, sizeof(value));

                if (r != cases[i].r || (r == 0 && strcmp(value, cases[i].want) != 0))
                        fail_msg("case %zu: %d", i, r);
        }
}

static void others(void **state) {
        static const struct {
                const char *header, *want;
                bool has;
        } cases[] = {
                { "own_a=1", "", true },
                { "x=1; own_a=1", "x=1", true },
                { "own_a=1; x=1; own_b=2; y=own_", "x=1; y=own_", true },
                { "x=1;y=2", "x=1; y=2", false },
                { "own_", "", true }, /* a name without a value */
                { "owner=1", "owner=1", false },
                { "", "", false },
                { " ; own_a=1 ;; ", "", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text header = text(cases[i].header);
                struct buf b = { 0 };

                assert_int_equal(cookie_without(&header, "own_", &b), 0);
                if (strcmp(b.data ? b.data : "", cases[i].want) != 0 ||
                    cookie_has(&header, "own_") != cases[i].has)
                        fail_msg("case %zu: %s", i, b.data);
                buf_done(&b);
        }
}

static void sets(void **state) {
        static const struct {
                const char *header;
                bool want;
        } cases[] = {
                { "own_a=1; Path=/", true },
                { "own_a=; Max-Age=0", true },
                { " \town_a=1", true },
                { "=own_a=1", true }, /* sent as "own_a=1" */
                { " = own_a=1", true },
                { "own_", true },
                { "mine=own_a", false },
                { "owner=1", false },
                { "a=1; own_a=1", false }, /* an attribute that nobody knows */
                { "own", false },
                { "", false },
                { "==", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct http_text header = text(cases[i].header);

                if (cookie_sets(&header, "own_") != cases[i].want)
                        fail_msg("case %zu", i);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(others),
                                            cmocka_unit_test(sets) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
