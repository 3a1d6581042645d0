#include "core/names.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static bool is_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters and digits, and what 'more' lists; 1 to 'most' of them. */
static bool made_of(const char *s, const char *more, size_t most) {
        size_t len = strnlen(s, most + 1);

        if (len == 0 || len > most)
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(s[i]) && !strchr(more, s[i]))
                        return false;
        return !strstr(s, "..");
}

static bool printable(const char *s, size_t most) {
        size_t len = strnlen(s, most + 1);

        if (len > most)
                return false;
        for (size_t i = 0; i < len; i++)
                if (s[i] < ' ' || s[i] > '~')
                        return false;
        return true;
}

char *names_worker(char dst[static SIZE_NAME], uint32_t n) {
        (void)snprintf(dst, SIZE_NAME, "w%u", (unsigned)n);
        return dst;
}

bool names_valid(const char *s) {
        return made_of(s, "_.-", SIZE_NAME - 1) && (is_alnum(s[0]) || s[0] == '_');
}

const char *names_board_wrong(const char *s) {
        static const char *const taken[] = { "localhost", "bramble", "raspberrypi", "raspbian",
                                             "debian" };
        size_t len = strnlen(s, SIZE_NAME), digits = 0;

        if (len == 0 || len >= SIZE_NAME)
                return "a board's name has 1 to 63 characters";
        for (size_t i = 0; i < len; i++) {
                bool digit = s[i] >= '0' && s[i] <= '9';

                if (!digit && !(s[i] >= 'a' && s[i] <= 'z') && s[i] != '-')
                        return "a board's name is made of a-z, 0-9 and '-' only";
                digits += digit;
        }
        if (s[0] == '-' || s[len - 1] == '-')
                return "a board's name has no '-' at its ends";
        if (digits == len)
                return "a board's name is not a number";
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
                if (str_eq(s, taken[i]))
                        return "that name means something else already";
        return NULL;
}

bool names_board_valid(const char *s) {
        return !names_board_wrong(s);
}

bool names_image_valid(const char *s) {
        return made_of(s, "._/:@-", SIZE_IMAGE - 1) && is_alnum(s[0]) && !strstr(s, "//");
}

bool names_digest_valid(const char *s) {
        size_t i;

        if (!str_starts(s, "sha256:"))
                return false;
        s += strlen("sha256:");
        for (i = 0; i < 64; i++)
                if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
                        return false;
        return s[i] == '\0';
}

bool names_version_valid(const char *s) {
        return made_of(s, "+.-", SIZE_VERSION - 1) && s[0] == 'v';
}

bool names_user_valid(const char *s) {
        return printable(s, SIZE_USER - 1) && !strchr(s, ':');
}

bool names_password_valid(const char *s) {
        return printable(s, SIZE_PASSWORD - 1);
}
