#include "core/route.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

bool route_match(const char *pattern, const struct http_text *path, struct http_text *ret_rest) {
        size_t len = strlen(pattern), fixed = len;
        struct http_text rest;

        while (fixed > 0 && pattern[fixed - 1] == '*')
                fixed--;
        if (path->len < fixed || memcmp(path->at, pattern, fixed) != 0)
                return false;
        rest = (struct http_text){ path->at + fixed, path->len - fixed };
        switch (len - fixed) {
        case 0:
                if (rest.len > 0)
                        return false;
                break;
        case 1:
                if (rest.len == 0 || memchr(rest.at, '/', rest.len))
                        return false;
                break;
        default:
                break;
        }
        if (ret_rest)
                *ret_rest = rest;
        return true;
}

static bool is_name_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
}

int route_function(const struct http_text *text, struct route_function *ret) {
        const char *slash = memchr(text->at, '/', text->len);
        size_t len = slash ? (size_t)(slash - text->at) : text->len, name = len;

        for (size_t i = 0; i < len; i++) {
                if (!is_name_byte(text->at[i]))
                        return -EINVAL;
                if (text->at[i] == '.')
                        name = i;
        }
        if (name == 0 || str_copy_n(ret->name, sizeof(ret->name), text->at, name) < 0)
                return -EINVAL;
        if (name == len) {
                (void)str_copy(ret->namespace, sizeof(ret->namespace), ROUTE_NAMESPACE);
        } else if (len - name == 1 || str_copy_n(ret->namespace, sizeof(ret->namespace),
                                                 text->at + name + 1, len - name - 1) < 0) {
                return -EINVAL;
        }
        ret->rest = (struct http_text){ text->at + len, text->len - len };
        return 0;
}

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

static int decode(const char *at, size_t len, char *ret, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                int byte = (uint8_t)at[i];

                if (at[i] == '+') {
                        byte = ' ';
                } else if (at[i] == '%') {
                        if (len - i < 3 || hex(at[i + 1]) < 0 || hex(at[i + 2]) < 0)
                                return -EINVAL;
                        byte = hex(at[i + 1]) * 16 + hex(at[i + 2]);
                        i += 2;
                }
                if (byte == 0)
                        return -EINVAL;
                if (n + 1 >= size)
                        return -ENAMETOOLONG;
                ret[n++] = (char)byte;
        }
        ret[n] = '\0';
        return 0;
}

int route_query(const struct http_text *query, const char *key, char *ret, size_t size) {
        const char *at = query->at, *end = query->at + query->len;
        size_t key_len = strlen(key);

        while (at < end) {
                const char *next = memchr(at, '&', (size_t)(end - at));
                const char *stop = next ? next : end;
                size_t len = (size_t)(stop - at);

                if (len >= key_len && memcmp(at, key, key_len) == 0) {
                        if (len == key_len)
                                return decode("", 0, ret, size);
                        if (at[key_len] == '=')
                                return decode(at + key_len + 1, len - key_len - 1, ret, size);
                }
                at = next ? next + 1 : end;
        }
        return -ENOENT;
}
