#include "base/scope.h"
#include "core/names.h"

#include <stdarg.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#define X63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define HEX "0123456789abcdef"

struct sample {
        const char *in;
        bool want;
};

static void check(bool (*valid)(const char *), const struct sample *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (valid(s[i].in) != s[i].want)
                        fail_msg("'%s' should be %s", s[i].in, s[i].want ? "taken" : "refused");
}

static void workers(void **state) {
        char name[SIZE_NAME];

        (void)state;
        assert_string_equal(names_worker(name, 1), "w1");
        assert_string_equal(names_worker(name, UINT32_MAX), "w4294967295");
        assert_true(names_valid(name) && names_valid(NAMES_MASTER));
}

static void plain(void **state) {
        static const struct sample samples[] = {
                { "hello", true },
                { "Hello_2.v-1", true },
                { "_x", true },
                { "7", true },
                { X63, true },
                { X63 "x", false },
                { "", false },
                { ".", false },
                { "..", false },
                { "a..b", false },
                { "a/b", false },
                { "../x", false },
                { ".hidden", false },
                { "-rf", false },
                { "a b", false },
                { "a\n", false },
                { "caf\xc3\xa9", false },
                { "a\x7f", false },
                { "a:b", false },
                { "a@b", false },
        };

        (void)state;
        check(names_valid, samples, ARRAY_SIZE(samples));
}

static void boards(void **state) {
        static const struct sample samples[] = {
                { "kitchen", true },      { "w1", true },
                { "m1", true },           { "a", true },
                { "4b-shelf-2", true },   { X63, true },
                { X63 "x", false },       { "", false },
                { "Kitchen", false },     { "a.b", false },
                { "a_b", false },         { "-a", false },
                { "a-", false },          { "-", false },
                { "123", false },         { "1a", true },
                { "localhost", false },   { "bramble", false },
                { "bramble-2", true },    { "raspberrypi", false },
                { "a b", false },         { "a\n", false },
                { "caf\xc3\xa9", false }, { "../x", false },
        };

        (void)state;
        check(names_board_valid, samples, ARRAY_SIZE(samples));
        for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
                if (samples[i].want == !!names_board_wrong(samples[i].in))
                        fail_msg("'%s': no word of why", samples[i].in);
}

static void images(void **state) {
        char longest[SIZE_IMAGE + 1];
        static const struct sample samples[] = {
                { "docker.io/library/alpine:3.19", true },
                { "localhost:5000/a/b@sha256:" HEX HEX HEX HEX, true },
                { "figlet", true },
                { "", false },
                { "/etc/passwd", false },
                { "a/../b", false },
                { "a//b", false },
                { "-x", false },
                { "a b", false },
                { "a\nb", false },
                { "a;b", false },
        };

        (void)state;
        check(names_image_valid, samples, ARRAY_SIZE(samples));
        memset(longest, 'a', sizeof(longest));
        longest[SIZE_IMAGE - 1] = '\0';
        assert_true(names_image_valid(longest));
        longest[SIZE_IMAGE - 1] = 'a';
        longest[SIZE_IMAGE] = '\0';
        assert_false(names_image_valid(longest));
}

static void digests(void **state) {
        static const struct sample samples[] = {
                { "sha256:" HEX HEX HEX HEX, true },
                { "sha256:" HEX HEX HEX HEX "0", false },
                { "sha256:" HEX HEX HEX, false },
                { "sha256:" HEX HEX HEX "0123456789ABCDEF", false },
                { "sha512:" HEX HEX HEX HEX, false },
                { "sha256:", false },
                { "", false },
        };

        (void)state;
        check(names_digest_valid, samples, ARRAY_SIZE(samples));
}

static void credentials(void **state) {
        static const struct sample users[] = {
                { "admin", true },
                { "", true },
                { "a:b", false },
                { "a\nb", false },
                { "0123456789012345678901234567890", true },
                { "01234567890123456789012345678901", false },
        };
        static const struct sample passwords[] = {
                { "a:b c~", true }, { "", true },       { "a\tb", false },
                { X63, true },      { X63 "x", false },
        };

        (void)state;
        check(names_user_valid, users, ARRAY_SIZE(users));
        check(names_password_valid, passwords, ARRAY_SIZE(passwords));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(workers), cmocka_unit_test(plain),       cmocka_unit_test(images),
                cmocka_unit_test(digests), cmocka_unit_test(credentials), cmocka_unit_test(boards),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
