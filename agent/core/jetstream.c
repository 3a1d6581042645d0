#include "core/jetstream.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { ACK_TOKENS = 9, ACK_TOKENS_LONG = 11, ACK_TOKENS_MOST = 16 };

int jetstream_parse_delivery(const char *subject, struct jetstream_delivery *ret) {
        struct {
                const char *at;
                size_t len;
        } token[ACK_TOKENS_MOST];
        size_t n = 0, first;
        struct jetstream_delivery d;
        char number[21];

        if (!str_starts(subject, "$JS.ACK."))
                return -EINVAL;
        for (const char *at = subject;; at += token[n - 1].len + 1) {
                if (n == ACK_TOKENS_MOST)
                        return -EINVAL;
                token[n].at = at;
                token[n].len = strcspn(at, ".");
                if (token[n].at[token[n].len] == '\0') {
                        n++;
                        break;
                }
                n++;
        }
        if (n != ACK_TOKENS && n < ACK_TOKENS_LONG)
                return -EINVAL;
        first = n == ACK_TOKENS ? 4 : 6;
        for (size_t i = 0; i < 2; i++) {
                uint64_t *to = i == 0 ? &d.delivered : &d.sequence;

                if (str_copy_n(number, sizeof(number), token[first + i].at, token[first + i].len) <
                            0 ||
                    str_to_u64(number, UINT64_MAX, to) < 0 || *to == 0)
                        return -EINVAL;
        }
        *ret = d;
        return 0;
}

int jetstream_find_sequence(const char *text, size_t len, uint64_t *ret) {
        static const char key[] = "\"seq\":";
        const char *at = memmem(text, len, key, sizeof(key) - 1);
        char number[21];
        size_t n = 0, left;

        if (!at)
                return -ENOENT;
        at += sizeof(key) - 1;
        left = len - (size_t)(at - text);
        while (n < left && n < sizeof(number) && at[n] >= '0' && at[n] <= '9')
                n++;
        if (str_copy_n(number, sizeof(number), at, n) < 0 ||
            str_to_u64(number, UINT64_MAX, ret) < 0)
                return -ENOENT;
        return 0;
}

int jetstream_token(const char *text, char *ret, size_t size) {
        static const char hex[] = "0123456789abcdef";
        size_t n = 0;

        if (!*text)
                return -EINVAL;
        for (const char *c = text; *c; c++) {
                bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                             (*c >= '0' && *c <= '9') || *c == '-';

                if (n + (plain ? 1 : 3) >= size)
                        return -ENAMETOOLONG;
                if (plain) {
                        ret[n++] = *c;
                        continue;
                }
                ret[n++] = '_';
                ret[n++] = hex[(uint8_t)*c >> 4];
                ret[n++] = hex[(uint8_t)*c & 15];
        }
        ret[n] = '\0';
        return 0;
}
