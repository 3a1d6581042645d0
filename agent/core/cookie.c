#include "core/cookie.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

/* The pair at '*at' without the blanks around it; false at the end.  '*at' is behind its ';'. */
static bool next_pair(const char **at, const char *end, struct http_text *ret) {
        const char *from = *at, *stop;

        if (from >= end)
                return false;
        stop = memchr(from, ';', (size_t)(end - from));
        *at = stop ? stop + 1 : end;
        if (!stop)
                stop = end;
        while (from < stop && (*from == ' ' || *from == '\t'))
                from++;
        while (stop > from && (stop[-1] == ' ' || stop[-1] == '\t'))
                stop--;
        *ret = (struct http_text){ from, (size_t)(stop - from) };
        return true;
}

static bool is_named(const struct http_text *pair, const char *name, size_t len) {
        return pair->len > len && memcmp(pair->at, name, len) == 0 && pair->at[len] == '=';
}

int cookie_value(const struct http_text *header, const char *name, char *ret, size_t size) {
        const char *at = header->at, *end = header->at + header->len;
        size_t len = strlen(name);
        struct http_text pair, found = { NULL, 0 };

        while (next_pair(&at, end, &pair)) {
                if (!is_named(&pair, name, len))
                        continue;
                if (found.at)
                        return -EINVAL;
                found = (struct http_text){ pair.at + len + 1, pair.len - len - 1 };
        }
        if (found.len == 0)
                return -ENOENT;
        return str_copy_n(ret, size, found.at, found.len);
}

static bool begins(const struct http_text *pair, const char *prefix, size_t len) {
        return pair->len >= len && memcmp(pair->at, prefix, len) == 0;
}

bool cookie_has(const struct http_text *header, const char *prefix) {
        const char *at = header->at, *end = header->at + header->len;
        size_t len = strlen(prefix);
        struct http_text pair;

        while (next_pair(&at, end, &pair))
                if (begins(&pair, prefix, len))
                        return true;
        return false;
}

int cookie_without(const struct http_text *header, const char *prefix, struct buf *out) {
        const char *at = header->at, *end = header->at + header->len;
        size_t len = strlen(prefix);
        bool first = true;
        struct http_text pair;
        int r = 0;

        while (r == 0 && next_pair(&at, end, &pair)) {
                if (pair.len == 0 || begins(&pair, prefix, len))
                        continue;
                if (!first)
                        r = buf_add(out, "; ", 2);
                if (r == 0)
                        r = buf_add(out, pair.at, pair.len);
                first = false;
        }
        return r;
}

bool cookie_sets(const struct http_text *header, const char *prefix) {
        size_t from = 0;

        while (from < header->len && memchr(" \t=", header->at[from], 3))
                from++;
        return begins(&(struct http_text){ header->at + from, header->len - from }, prefix,
                      strlen(prefix));
}
