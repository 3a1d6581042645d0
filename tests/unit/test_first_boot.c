#include "io/first_boot.h"

#include "root_fixture.h"

#define FILE_NAME "run/bramble-firstboot/problems"

static char said[16384];

static void keep(void *arg, const char *what, const char *text, const char *advice) {
        size_t n = strlen(said);

        (void)arg;
        (void)snprintf(said + n, sizeof(said) - n, "[%s|%s|%s]", what, text, advice);
}

static int look(const char *content, size_t len) {
        FILE *f;

        said[0] = '\0';
        root_folders(FILE_NAME);
        f = fopen(root_in(FILE_NAME), "w");
        assert_non_null(f);
        assert_int_equal(fwrite(content, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
        return first_boot_problems(root, keep, NULL);
}

static void nothing_on_other_boards(void **state) {
        (void)state;
        assert_int_equal(first_boot_problems(root, keep, NULL), 0);
}

static void lines(void **state) {
        static const struct {
                const char *in, *want;
                int n;
        } cases[] = {
                { "", "", 0 },
                { "space\tsmall\tlarger\n", "[space|small|larger]", 1 },
                { "a\tb\tc\nd\te\tf\n", "[a|b|c][d|e|f]", 2 },
                { "a\tno advice\n", "[a|no advice|]", 1 },
                { "a\tb\tc\td\n", "[a|b|c]", 1 },
                { "no text\n\n\t\t\na\tb\tc\n", "[a|b|c]", 1 },
                { "a\tb\tc\ncut off\tb", "[a|b|c]", 1 },
                { "a\tesc \033[31m\tc\n", "[a|esc ?[31m|c]", 1 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(look(cases[i].in, strlen(cases[i].in)), cases[i].n);
                assert_string_equal(said, cases[i].want);
        }
}

static void what_is_too_much(void **state) {
        static char many[33 * 6 + 1], large[40000], wide[2000];

        (void)state;
        for (size_t i = 0; i < 33; i++)
                (void)memcpy(many + i * 6, "a\tb\tc\n", 6);
        assert_int_equal(look(many, 33 * 6), 32);
        (void)memset(large, 'x', sizeof(large));
        assert_int_equal(look(large, sizeof(large)), 0);
        (void)memset(wide, 'x', sizeof(wide));
        (void)memcpy(wide, "a\t", 2);
        wide[sizeof(wide) - 1] = '\n';
        assert_int_equal(look(wide, sizeof(wide)), 1);
        assert_true(strlen(said) < 400);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nothing_on_other_boards, root_make, root_remove),
                cmocka_unit_test_setup_teardown(lines, root_make, root_remove),
                cmocka_unit_test_setup_teardown(what_is_too_much, root_make, root_remove),
        };
        return cmocka_run_group_tests_name("first_boot", tests, NULL, NULL);
}
