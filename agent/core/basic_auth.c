#include "core/basic_auth.h"

#include "core/base64.h"
#include "core/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { AUTH_BYTES = SIZE_USER + SIZE_PASSWORD };

/* The number of bytes; -1 for what is no base64 or does not fit.  Laxer about the end than
 * base64_decode(): clients leave the padding out, or send too much of it. */
static int decode(const char *at, size_t len, uint8_t *ret, size_t size) {
        uint32_t bits = 0;
        unsigned n_bits = 0;
        size_t n = 0;

        while (len > 0 && at[len - 1] == '=')
                len--;
        for (size_t i = 0; i < len; i++) {
                int v = base64_value(at[i]);

                if (v < 0)
                        return -1;
                bits = bits << 6 | (unsigned)v;
                n_bits += 6;
                if (n_bits < 8)
                        continue;
                n_bits -= 8;
                if (n == size)
                        return -1;
                ret[n++] = (uint8_t)(bits >> n_bits);
        }
        return (int)n;
}

/* Looks at all of 'want' whatever 'given' is. */
static bool same(const uint8_t *given, size_t n_given, const char *want, size_t n_want) {
        unsigned different = n_given != n_want;

        for (size_t i = 0; i < n_want; i++)
                different |= (unsigned)(given[i < n_given ? i : 0] ^ (uint8_t)want[i]);
        return different == 0;
}

bool basic_auth_fits(const struct http_text *value, const char *user, const char *password) {
        uint8_t given[AUTH_BYTES + 1] = { 0 };
        char want[AUTH_BYTES + 1];
        const char *at;
        size_t len;
        int n;

        if (!value || value->len < 6 || strncasecmp(value->at, "Basic ", 6) != 0 || !password[0])
                return false;
        at = value->at + 6;
        len = value->len - 6;
        while (len > 0 && *at == ' ') {
                at++;
                len--;
        }
        n = decode(at, len, given, AUTH_BYTES);
        (void)snprintf(want, sizeof(want), "%s:%s", user, password);
        return n > 0 && same(given, (size_t)n, want, strlen(want));
}
