#include "core/base64.h"

#include "base/buf.h"

#include <errno.h>
#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t len, struct buf *out) {
        const uint8_t *in = data;
        int r = len > SIZE_MAX / 2 ? -EMSGSIZE : buf_reserve(out, (len + 2) / 3 * 4);

        for (size_t i = 0; i < len && r == 0; i += 3) {
                size_t n = len - i < 3 ? len - i : 3;
                uint32_t bits = (uint32_t)in[i] << 16;
                char four[4];

                if (n > 1)
                        bits |= (uint32_t)in[i + 1] << 8;
                if (n > 2)
                        bits |= in[i + 2];
                for (unsigned j = 0; j < 4; j++)
                        four[j] = j <= n ? letters[bits >> (18 - 6 * j) & 63] : '=';
                r = buf_add(out, four, sizeof(four));
        }
        return r;
}

int base64_value(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == '+')
                return 62;
        return c == '/' ? 63 : -1;
}

/* The bytes of one group of four letters: 1 to 3 of them; -EINVAL. */
static int decode_four(const char *text, size_t padding, uint8_t ret[static 3]) {
        uint32_t bits = 0;

        for (unsigned i = 0; i < 4; i++) {
                int v = i < 4 - padding ? base64_value(text[i]) : 0;

                if (v < 0)
                        return -EINVAL;
                bits = bits << 6 | (unsigned)v;
        }
        if (bits & ((1U << 8 * padding) - 1))
                return -EINVAL;
        ret[0] = (uint8_t)(bits >> 16);
        ret[1] = (uint8_t)(bits >> 8);
        ret[2] = (uint8_t)bits;
        return 3 - (int)padding;
}

int base64_decode(const char *text, size_t len, struct buf *out) {
        size_t start = out->len, padding = 0;
        int r;

        if (len % 4 != 0)
                return -EINVAL;
        if (len > 0 && text[len - 1] == '=')
                padding = text[len - 2] == '=' ? 2 : 1;
        r = buf_reserve(out, len / 4 * 3 - padding);

        for (size_t i = 0; i < len && r == 0; i += 4) {
                uint8_t three[3];
                int n = decode_four(text + i, i + 4 == len ? padding : 0, three);

                r = n < 0 ? n : buf_add(out, three, (size_t)n);
        }
        if (r < 0 && out->len > start)
                out->len = start;
        return r;
}
