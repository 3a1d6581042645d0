#include "core/hosts_text.h"

#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define BLOCK(line) HOSTS_BEGIN "\n" line HOSTS_END "\n"
#define API         "10.0.0.1 bramble-api " HOSTS_TAG "\n"
#define OLD         "10.0.0.9 bramble-api " HOSTS_TAG "\n"
#define LOCAL       "127.0.0.1\tlocalhost\n"

static const struct hosts_entry api = { "10.0.0.1", "bramble-api" };

static char *set(const char *text, size_t len, const struct hosts_entry *entries, size_t n) {
        struct buf out = { 0 };
        struct fail f = { 0 };
        char *s;

        if (hosts_text_set(text, len, entries, n, &out, &f) != 0)
                fail_msg("%s", fail_text(&f));
        s = buf_take(&out);
        assert_non_null(s);
        return s;
}

static void table(void **state) {
        static const struct {
                const char *in, *with, *without; /* with the entry, and with none */
        } cases[] = {
                { "", BLOCK(API), "" },
                { LOCAL, LOCAL BLOCK(API), LOCAL },
                { "# no end", "# no end\n" BLOCK(API), "# no end" },
                { "\n\n", "\n\n" BLOCK(API), "\n\n" },
                /* as it is, of another address, empty */
                { LOCAL BLOCK(API), LOCAL BLOCK(API), LOCAL },
                { LOCAL BLOCK(OLD) "1.2.3.4 nas\n", LOCAL BLOCK(API) "1.2.3.4 nas\n",
                  LOCAL "1.2.3.4 nas\n" },
                { BLOCK(""), BLOCK(API), "" },
                /* what a person wrote into the block is lost, as it says */
                { BLOCK(OLD "1.2.3.4 nas\n") LOCAL, BLOCK(API) LOCAL, LOCAL },
                /* the last line has lost its end */
                { LOCAL HOSTS_BEGIN "\n" OLD HOSTS_END, LOCAL BLOCK(API), LOCAL },
                /* only a begin, only an end, neither: what others wrote stays */
                { LOCAL HOSTS_BEGIN "\n" OLD "1.2.3.4 nas\n", LOCAL BLOCK(API) "1.2.3.4 nas\n",
                  LOCAL "1.2.3.4 nas\n" },
                { LOCAL OLD HOSTS_END "\n1.2.3.4 nas\n", LOCAL BLOCK(API) "1.2.3.4 nas\n",
                  LOCAL "1.2.3.4 nas\n" },
                { LOCAL OLD "1.2.3.4 nas\n", LOCAL BLOCK(API) "1.2.3.4 nas\n",
                  LOCAL "1.2.3.4 nas\n" },
                { LOCAL HOSTS_BEGIN, LOCAL BLOCK(API), LOCAL },
                /* two blocks, and one that began twice */
                { BLOCK(OLD) LOCAL BLOCK(API) "x\n", BLOCK(API) LOCAL "x\n", LOCAL "x\n" },
                { HOSTS_BEGIN "\n" LOCAL BLOCK(OLD) "x\n", BLOCK(API) LOCAL "x\n", LOCAL "x\n" },
                /* an edited mark is no mark; blanks behind one do not matter */
                { "# begin bramble\n" LOCAL, "# begin bramble\n" LOCAL BLOCK(API),
                  "# begin bramble\n" LOCAL },
                { HOSTS_BEGIN " \t\n" LOCAL HOSTS_END "  \n", BLOCK(API), "" },
                { " " HOSTS_END "\n", " " HOSTS_END "\n" BLOCK(API), " " HOSTS_END "\n" },
                /* Windows */
                { "127.0.0.1 localhost\r\n",
                  "127.0.0.1 localhost\r\n" HOSTS_BEGIN "\r\n10.0.0.1 bramble-api " HOSTS_TAG
                  "\r\n" HOSTS_END "\r\n",
                  "127.0.0.1 localhost\r\n" },
                { "a\r",
                  "a\r\n" HOSTS_BEGIN "\r\n10.0.0.1 bramble-api " HOSTS_TAG "\r\n" HOSTS_END "\r\n",
                  "a\r" },
                { "a\r\n" HOSTS_BEGIN "\r\nx\r\n" HOSTS_END "\r\nb\r\n",
                  "a\r\n" HOSTS_BEGIN "\r\n10.0.0.1 bramble-api " HOSTS_TAG "\r\n" HOSTS_END
                  "\r\nb\r\n",
                  "a\r\nb\r\n" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_free char *with = set(cases[i].in, strlen(cases[i].in), &api, 1);
                auto_free char *again = set(with, strlen(with), &api, 1);
                auto_free char *without = NULL;

                assert_string_equal(with, cases[i].with);
                assert_string_equal(again, with);
                if (cases[i].without[0]) {
                        without = set(cases[i].in, strlen(cases[i].in), NULL, 0);
                        assert_string_equal(without, cases[i].without);
                }
        }
}

static void several(void **state) {
        const struct hosts_entry entries[] = { { "10.0.0.1", "bramble-api" },
                                               { "fe80::1", "w1.local" } };
        auto_free char *s = set(LOCAL, strlen(LOCAL), entries, 2);

        (void)state;
        assert_string_equal(s, LOCAL BLOCK(API "fe80::1 w1.local " HOSTS_TAG "\n"));
}

static void nul_bytes_stay(void **state) {
        static const char in[] = "a\0b\n\0";
        struct buf out = { 0 };

        (void)state;
        assert_int_equal(hosts_text_set(in, sizeof(in), NULL, 0, &out, NULL), 0);
        assert_int_equal(out.len, sizeof(in));
        assert_memory_equal(out.data, in, sizeof(in));
        buf_done(&out);
}

static void refusals(void **state) {
        static const struct hosts_entry bad[] = {
                { "", "a" },           { "10", "a" },         { "10.0.0.1 ", "a" },
                { "10.0.0.1\n", "a" }, { "x.y", "a" },        { "1.1.1.1", "" },
                { "1.1.1.1", "a b" },  { "1.1.1.1", "a\nb" }, { "1.1.1.1", "a#b" },
                { "1.1.1.1", "A" },    { "1.1.1.1", "-a" },   { "1.1.1.1", ".a" },
        };
        struct hosts_entry many[HOSTS_ENTRIES + 1];
        auto_free char *big = malloc(HOSTS_BYTES + 1);
        struct buf out = { 0 };
        char name[255];

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct fail f = { 0 };

                assert_int_equal(hosts_text_set("", 0, &bad[i], 1, &out, &f), -EINVAL);
                assert_string_not_equal(f.text, "");
        }
        memset(name, 'a', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(
                hosts_text_set("", 0, &(struct hosts_entry){ "1.1.1.1", name }, 1, &out, NULL),
                -EINVAL);
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = api;
        assert_int_equal(hosts_text_set("", 0, many, HOSTS_ENTRIES + 1, &out, NULL), -E2BIG);
        assert_int_equal(out.len, 0);
        assert_int_equal(hosts_text_set("", 0, many, HOSTS_ENTRIES, &out, NULL), 0);
        buf_done(&out);

        memset(big, '#', HOSTS_BYTES + 1);
        assert_int_equal(hosts_text_set(big, HOSTS_BYTES + 1, NULL, 0, &out, NULL), -EFBIG);
        assert_int_equal(hosts_text_set(big, HOSTS_BYTES, NULL, 0, &out, NULL), 0);
        buf_done(&out);
        assert_int_equal(hosts_text_set(big, HOSTS_BYTES, &api, 1, &out, NULL), -EFBIG);
        buf_done(&out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(table),
                cmocka_unit_test(several),
                cmocka_unit_test(nul_bytes_stay),
                cmocka_unit_test(refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
