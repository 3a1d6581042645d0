#include "io/grpc_frame.h"

#include "base/str.h"

#include <errno.h>

int grpc_frame_next(const void *data, size_t len, size_t max, const uint8_t **ret_message,
                    size_t *ret_len, size_t *ret_used) {
        const uint8_t *p = data;
        size_t size;

        if (len < GRPC_PREFIX_BYTES)
                return 0;
        if (p[0] != 0)
                return -EBADMSG;
        size = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
        if (size > max)
                return -EMSGSIZE;
        if (len - GRPC_PREFIX_BYTES < size)
                return 0;
        *ret_message = p + GRPC_PREFIX_BYTES;
        *ret_len = size;
        *ret_used = GRPC_PREFIX_BYTES + size;
        return 1;
}

void grpc_frame_prefix(uint8_t prefix[static GRPC_PREFIX_BYTES], uint32_t len) {
        prefix[0] = 0;
        prefix[1] = (uint8_t)(len >> 24);
        prefix[2] = (uint8_t)(len >> 16);
        prefix[3] = (uint8_t)(len >> 8);
        prefix[4] = (uint8_t)len;
}

int grpc_status_errno(const char *text, size_t len) {
        static const int errnos[] = {
                0,           -ECANCELED, -EIO,       -EINVAL,  -ETIMEDOUT, -ENOENT,
                -EEXIST,     -EACCES,    -ENOBUFS,   -EBUSY,   -EAGAIN,    -ERANGE,
                -EOPNOTSUPP, -EIO,       -EHOSTDOWN, -EBADMSG, -EACCES,
        };
        char digits[3];
        uint64_t code;

        if (str_copy_n(digits, sizeof(digits), text, len) < 0 ||
            str_to_u64(digits, sizeof(errnos) / sizeof(errnos[0]) - 1, &code) < 0)
                return -EPROTO;
        return errnos[code];
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

char *grpc_status_text(char *dst, size_t size, const char *text, size_t len) {
        size_t at = 0;

        if (size == 0)
                return dst;
        for (size_t i = 0; i < len && at + 1 < size; i++) {
                char c = text[i];

                if (c == '%' && len - i > 2) {
                        int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);

                        if (high >= 0 && low >= 0) {
                                c = (char)(high << 4 | low);
                                i += 2;
                        }
                }
                dst[at++] = c >= ' ' && c <= '~' ? c : '?';
        }
        dst[at] = '\0';
        return dst;
}
