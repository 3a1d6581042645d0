#include "core/http_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
        FIXED_LINES = 6,
        FIXED_BYTES = 192, /* their names, the '=' and NUL, and two numbers */
};

/* Lines that are written one behind the other into memory that is known to suffice. */
struct lines {
        char **next;
        char *at;
};

static void begin_line(struct lines *l) {
        *l->next++ = l->at;
}

static void put(struct lines *l, const char *text, size_t len) {
        memcpy(l->at, text, len);
        l->at += len;
}

static void put_text(struct lines *l, const char *text) {
        put(l, text, strlen(text));
}

static void end_line(struct lines *l) {
        *l->at++ = '\0';
}

static void put_line(struct lines *l, const char *name_and_equals, const struct http_text *value) {
        begin_line(l);
        put_text(l, name_and_equals);
        put(l, value->at, value->len);
        end_line(l);
}

/* ASCII alone, whatever the locale. */
static char cased(char c, bool up) {
        char from = up ? 'a' : 'A';

        return c >= from && c <= from + 25 ? (char)(c ^ 0x20) : c;
}

/* "x-forwarded-for" as Http_X_Forwarded_For. */
static void put_header(struct lines *l, const struct http_header *h) {
        bool up = true;

        begin_line(l);
        put_text(l, "Http_");
        for (size_t i = 0; i < h->name.len; i++) {
                char c = h->name.at[i];

                *l->at++ = c == '-' ? '_' : cased(c, up);
                up = c == '-';
        }
        *l->at++ = '=';
        put(l, h->value.at, h->value.len);
        end_line(l);
}

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no escape, or one of a NUL, stays as it is. */
static void put_path(struct lines *l, const struct http_text *path) {
        begin_line(l);
        put_text(l, "Http_Path=");
        for (size_t i = 0; i < path->len; i++) {
                int high = -1, low = -1;

                if (path->at[i] == '%' && path->len - i > 2) {
                        high = hex(path->at[i + 1]);
                        low = hex(path->at[i + 2]);
                }
                if (high < 0 || low < 0 || high + low == 0) {
                        *l->at++ = path->at[i];
                        continue;
                }
                *l->at++ = (char)(high << 4 | low);
                i += 2;
        }
        end_line(l);
}

static void put_length(struct lines *l, const struct http_head *head) {
        static const char *const names[] = { "Http_Content_Length", "Http_ContentLength" };
        char text[24] = "-1";

        if (head->body != HTTP_BODY_CHUNKED)
                (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)head->length);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                begin_line(l);
                put_text(l, names[i]);
                put_text(l, "=");
                put_text(l, text);
                end_line(l);
        }
}

/* Those with a line of their own above, and a second one of a name. */
static bool skipped(const struct http_head *head, size_t i) {
        const struct http_text *name = &head->headers[i].name;

        if (http_text_is_nocase(name, "content-length") ||
            http_text_is_nocase(name, "transfer-encoding"))
                return true;
        for (size_t k = 0; k < i; k++)
                if (head->headers[k].name.len == name->len &&
                    strncasecmp(head->headers[k].name.at, name->at, name->len) == 0)
                        return true;
        return false;
}

static void put_request(struct lines *l, const struct http_head *head) {
        static const struct http_text chunked = { "chunked", 7 };

        put_line(l, "Http_Method=", &head->method);
        put_path(l, &head->path);
        if (head->query.len)
                put_line(l, "Http_Query=", &head->query);
        put_length(l, head);
        if (head->body == HTTP_BODY_CHUNKED)
                put_line(l, "Http_Transfer_Encoding=", &chunked);
        for (size_t i = 0; i < head->n_headers; i++)
                if (!skipped(head, i))
                        put_header(l, &head->headers[i]);
}

int http_environment_make(char *const own[], const struct http_head *head, char ***ret) {
        size_t n_own = 0, n, bytes = 0;
        struct lines l;
        char **items;

        while (own[n_own])
                n_own++;
        n = n_own + 1;
        if (head) {
                n += FIXED_LINES + head->n_headers;
                bytes = FIXED_BYTES + head->method.len + head->path.len + head->query.len;
                for (size_t i = 0; i < head->n_headers; i++)
                        bytes += head->headers[i].name.len + head->headers[i].value.len + 8;
        }
        items = malloc(n * sizeof(*items) + bytes);
        if (!items)
                return -ENOMEM;
        memcpy(items, own, n_own * sizeof(*items));
        l = (struct lines){ items + n_own, (char *)(items + n) };
        if (head)
                put_request(&l, head);
        *l.next = NULL;
        *ret = items;
        return 0;
}
