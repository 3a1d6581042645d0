#include "core/expand.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

static const char *value(void *arg, const char *name) {
        (void)arg;
        return str_eq(name, "A") ? "one" : str_eq(name, "EMPTY") ? "" : NULL;
}

static void expands(void **state) {
        static const struct {
                const char *in, *want;
        } cases[] = {
                { "", "" },
                { "plain $ $x $( } {", "plain $ $x $( } {" },
                { "image: ${A}", "image: one" },
                { "${A}${A}", "oneone" },
                { "${B}", "" },
                { "${B:-two}", "two" },
                { "${B:=two}", "two" },
                { "${B-two}", "two" },
                { "${A:-two}", "one" },
                { "${EMPTY:-two}", "two" },
                { "${EMPTY-two}", "" },
                { "${B:-}", "" },
                { "${B:-a${A}b}c", "aonebc" },
                { "${B:-${C:-${A}}}", "one" },
                { "${A:-${B:-x}y}z", "onez" },
                { "$${A} ${A}", "${A} one" },
                { "${B:-x:5000/y:${A}}", "x:5000/y:one" },
                { "$$A", "$$A" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf b = { 0 };
                struct fail f = { 0 };

                if (expand(cases[i].in, strlen(cases[i].in), value, NULL, &b, &f) < 0)
                        fail_msg("%s: %s", cases[i].in, f.text);
                assert_string_equal(str_or(b.data, ""), cases[i].want);
        }
}

static void refuses(void **state) {
        static const struct {
                const char *in, *says;
        } cases[] = {
                { "a\nb\n${", "line 3: ${ needs" },
                { "${}", "line 1: ${ needs" },
                { "${1}", "needs the name" },
                { "${A", "has no closing brace" },
                { "\n${A:-x", "line 2: ${A has no closing brace" },
                { "${A/x/y}", "has no closing brace" },
                { "${A:1}", "only :- and :=" },
                { "${A:-${B:-${C:-${D:-${E:-${F:-${G:-${H:-${I:-x}}}}}}}}}", "too deeply" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_buf struct buf b = { 0 };
                struct fail f = { 0 };

                assert_int_equal(expand(cases[i].in, strlen(cases[i].in), value, NULL, &b, &f),
                                 -EINVAL);
                if (!strstr(f.text, cases[i].says))
                        fail_msg("%s: %s", cases[i].in, f.text);
        }
}

static void has_a_limit(void **state) {
        auto_buf struct buf b = { .limit = 5 };

        (void)state;
        assert_int_equal(expand("${A}${A}", 8, value, NULL, &b, NULL), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(expands), cmocka_unit_test(refuses),
                                            cmocka_unit_test(has_a_limit) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
