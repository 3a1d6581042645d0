#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool str_eq(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix) {
        size_t a = strlen(s), b = strlen(suffix);

        return a >= b && strcmp(s + a - b, suffix) == 0;
}

int str_copy(char *dst, size_t size, const char *src) {
        return str_copy_n(dst, size, src, strlen(src));
}

int str_copy_n(char *dst, size_t size, const char *src, size_t len) {
        if (size)
                dst[0] = '\0';
        if (len >= size)
                return -ENAMETOOLONG;
        if (memchr(src, '\0', len))
                return -EINVAL;
        memcpy(dst, src, len);
        dst[len] = '\0';
        return 0;
}

char *str_printable(char *dst, size_t size, const char *src, size_t len) {
        size_t n = size ? size - 1 : 0;

        if (len < n)
                n = len;
        for (size_t i = 0; i < n; i++)
                dst[i] = src[i] >= 0x20 && src[i] < 0x7f ? src[i] : '?';
        if (size)
                dst[n] = '\0';
        return dst;
}

/* Bytes of the character at 's', which ends with a NUL; 0: it is none. */
static size_t utf8_length(const unsigned char *s) {
        unsigned char low = 0x80, high = 0xbf; /* of the second byte */
        size_t n;

        if (s[0] < 0x80)
                return 1;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xf4)
                high = 0x8f;
        if (s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xbf)
                        return 0;
        return n;
}

char *str_utf8(char *s) {
        for (size_t i = 0; s[i];) {
                size_t n = utf8_length((const unsigned char *)s + i);

                if (n == 0)
                        s[i] = '?';
                i += n ? n : 1;
        }
        return s;
}

int str_to_u64(const char *s, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                uint64_t digit = (uint64_t)(*s - '0');

                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (v > (UINT64_MAX - digit) / 10)
                        return -ERANGE;
                v = v * 10 + digit;
        }
        if (v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int str_from_hex64(const char *s, uint64_t *ret) {
        uint64_t v = 0;
        size_t n = 0;

        for (; *s; s++, n++) {
                unsigned digit;

                if (*s >= '0' && *s <= '9')
                        digit = (unsigned)(*s - '0');
                else if (*s >= 'a' && *s <= 'f')
                        digit = (unsigned)(*s - 'a') + 10;
                else if (*s >= 'A' && *s <= 'F')
                        digit = (unsigned)(*s - 'A') + 10;
                else
                        return -EINVAL;
                v = v << 4 | digit;
        }
        if (n < 1 || n > 16)
                return -EINVAL;
        *ret = v;
        return 0;
}

void str_hex64(uint64_t v, char ret[static 17]) {
        for (int i = 15; i >= 0; i--, v >>= 4)
                ret[i] = "0123456789abcdef"[v & 15];
        ret[16] = '\0';
}

/* Splits "123Mi" into 123 and its suffix. -EINVAL without a digit, -ERANGE. */
static int leading_number(const char *s, uint64_t *ret, const char **ret_suffix) {
        char digits[24];
        size_t n = strspn(s, "0123456789");
        int r;

        if (n == 0)
                return -EINVAL;
        if (n >= sizeof(digits))
                return -ERANGE;
        memcpy(digits, s, n);
        digits[n] = '\0';
        r = str_to_u64(digits, UINT64_MAX, ret);
        if (r < 0)
                return r;
        *ret_suffix = s + n;
        return 0;
}

int str_to_bytes(const char *s, uint64_t *ret) {
        static const struct {
                const char *suffix;
                uint64_t factor;
        } units[] = {
                { "", 1 },
                { "k", 1000 },
                { "K", 1000 },
                { "M", 1000000 },
                { "G", 1000000000 },
                { "Ki", UINT64_C(1) << 10 },
                { "Mi", UINT64_C(1) << 20 },
                { "Gi", UINT64_C(1) << 30 },
        };
        const char *suffix;
        uint64_t v;
        int r = leading_number(s, &v, &suffix);

        if (r < 0)
                return r;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                if (strcmp(suffix, units[i].suffix) != 0)
                        continue;
                if (v > UINT64_MAX / units[i].factor)
                        return -ERANGE;
                *ret = v * units[i].factor;
                return 0;
        }
        return -EINVAL;
}

int str_to_millicores(const char *s, uint32_t *ret) {
        const uint64_t most = 1024 * 1000;
        const char *suffix;
        uint64_t v;
        int r = leading_number(s, &v, &suffix);

        if (r < 0)
                return r;
        if (v > most)
                return -ERANGE;
        if (*suffix == '\0') {
                v *= 1000;
        } else if (*suffix == '.') {
                uint64_t scale = 100;

                v *= 1000;
                if (!suffix[1])
                        return -EINVAL;
                for (suffix++; *suffix; suffix++, scale /= 10) {
                        if (*suffix < '0' || *suffix > '9')
                                return -EINVAL;
                        v += (uint64_t)(*suffix - '0') * scale;
                }
        } else if (strcmp(suffix, "m") != 0) {
                return -EINVAL;
        }
        if (v > most)
                return -ERANGE;
        *ret = (uint32_t)v;
        return 0;
}

char *str_size(char dst[static 16], uint64_t bytes) {
        static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
        uint64_t tenths = bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10;
        unsigned unit = 0;

        while (tenths >= 10000 && unit < 4) {
                tenths /= 1000;
                unit++;
        }
        if (unit >= 3 && tenths < 1000)
                (void)snprintf(dst, 16, "%u.%u %s", (unsigned)(tenths / 10),
                               (unsigned)(tenths % 10), units[unit]);
        else
                (void)snprintf(dst, 16, "%u %s", (unsigned)(tenths / 10), units[unit]);
        return dst;
}

char *str_duration(char dst[static 16], uint64_t seconds) {
        if (seconds < 120)
                (void)snprintf(dst, 16, "%u s", (unsigned)seconds);
        else if (seconds < 120 * 60)
                (void)snprintf(dst, 16, "%u min", (unsigned)(seconds / 60));
        else if (seconds < UINT64_C(48) * 3600)
                (void)snprintf(dst, 16, "%u h", (unsigned)(seconds / 3600));
        else
                (void)snprintf(dst, 16, "%u d", (unsigned)(seconds / 86400 % 100000));
        return dst;
}
