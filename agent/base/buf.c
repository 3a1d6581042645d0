#include "base/buf.h"

#include "base/scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_done(struct buf *b) {
        size_t limit = b->limit;

        free(b->data);
        *b = (struct buf){ .limit = limit };
}

int buf_reserve(struct buf *b, size_t more) {
        size_t need, capacity;
        char *data;

        if (more > SIZE_MAX / 4 - b->len)
                return -ENOMEM;
        need = b->len + more;
        if (b->limit && need > b->limit)
                return -EMSGSIZE;
        if (need < b->capacity)
                return 0;
        capacity = b->capacity ? b->capacity : 64;
        while (capacity <= need) /* one more than needed: the NUL */
                capacity *= 2;
        data = realloc(b->data, capacity);
        if (!data)
                return -ENOMEM;
        b->data = data;
        b->capacity = capacity;
        return 0;
}

int buf_add(struct buf *b, const void *data, size_t len) {
        /* most of the time there is room */
        int r = len < b->capacity - b->len && !b->limit ? 0 : buf_reserve(b, len);

        if (r < 0)
                return r;
        if (len)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
        return 0;
}

int buf_add_text(struct buf *b, const char *text) {
        return buf_add(b, text, strlen(text));
}

int buf_add_number(struct buf *b, uint64_t n) {
        char digits[20], *at = digits + sizeof(digits);

        do {
                *--at = (char)('0' + n % 10);
                n /= 10;
        } while (n > 0);
        return buf_add(b, at, (size_t)(digits + sizeof(digits) - at));
}

/* Behind 'len' there is a NUL again. */
static void cut(struct buf *b) {
        if (b->capacity > b->len)
                b->data[b->len] = '\0';
}

int buf_printf(struct buf *b, const char *format, ...) {
        size_t room = b->capacity - b->len;
        va_list args;
        int len, r;

        va_start(args, format);
        len = vsnprintf(room ? b->data + b->len : NULL, room, format, args);
        va_end(args);
        if (len < 0 || (b->limit && (size_t)len > b->limit - b->len)) {
                cut(b);
                return len < 0 ? -EINVAL : -EMSGSIZE;
        }
        if ((size_t)len >= room) { /* it did not fit: once more */
                cut(b);
                r = buf_reserve(b, (size_t)len);
                if (r < 0)
                        return r;
                va_start(args, format);
                (void)vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
                va_end(args);
        }
        b->len += (size_t)len;
        return 0;
}

void buf_consume(struct buf *b, size_t len) {
        if (len >= b->len) {
                b->len = 0;
        } else {
                memmove(b->data, b->data + len, b->len - len);
                b->len -= len;
        }
        if (b->data)
                b->data[b->len] = '\0';
}

char *buf_take(struct buf *b) {
        char *data;

        if (!b->data && buf_add(b, "", 0) < 0)
                return NULL;
        data = b->data;
        *b = (struct buf){ .limit = b->limit };
        return data;
}
