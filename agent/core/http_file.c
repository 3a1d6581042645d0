#include "core/http_file.h"

#include "base/date.h"
#include "base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One decoded byte from the front; never 0.  -EINVAL. */
static int take_byte(struct http_text *t) {
        int c = (unsigned char)t->at[0], high, low;
        size_t used = 1;

        if (c == '%') {
                high = t->len > 2 ? hex(t->at[1]) : -1;
                low = t->len > 2 ? hex(t->at[2]) : -1;
                if (high < 0 || low < 0)
                        return -EINVAL;
                c = high * 16 + low;
                used = 3;
        }
        t->at += used;
        t->len -= used;
        return c ? c : -EINVAL;
}

/* Ends the part that begins at 'part': drops an empty one and ".". */
static int end_part(char *ret, size_t part, size_t *len) {
        size_t n = *len - part;

        if (n == 2 && memcmp(ret + part, "..", 2) == 0)
                return -EINVAL;
        if (n == 1 && ret[part] == '.')
                *len = part;
        return 0;
}

int http_file_path(const struct http_text *path, char ret[static HTTP_FILE_PATH]) {
        struct http_text left = *path;
        size_t len = 0, part = 0;
        int r;

        while (left.len > 0) {
                int c = take_byte(&left);

                if (c < 0)
                        return c;
                if (len >= HTTP_FILE_PATH - 2) /* with room for one more and the NUL */
                        return -ENAMETOOLONG;
                if (c != '/') {
                        ret[len++] = (char)c;
                        continue;
                }
                r = end_part(ret, part, &len);
                if (r < 0)
                        return r;
                if (len > part)
                        ret[len++] = '/';
                part = len;
        }
        r = end_part(ret, part, &len);
        if (r < 0)
                return r;
        ret[len] = '\0';
        return 0;
}

const char *http_file_type(const char *path) {
        static const char *const types[][2] = {
                { "html", "text/html; charset=utf-8" },
                { "htm", "text/html; charset=utf-8" },
                { "css", "text/css; charset=utf-8" },
                { "js", "text/javascript; charset=utf-8" },
                { "mjs", "text/javascript; charset=utf-8" },
                { "txt", "text/plain; charset=utf-8" },
                { "md", "text/markdown; charset=utf-8" },
                { "csv", "text/csv; charset=utf-8" },
                { "xml", "text/xml; charset=utf-8" },
                { "json", "application/json" },
                { "map", "application/json" },
                { "pdf", "application/pdf" },
                { "wasm", "application/wasm" },
                { "gz", "application/gzip" },
                { "zip", "application/zip" },
                { "svg", "image/svg+xml" },
                { "png", "image/png" },
                { "jpg", "image/jpeg" },
                { "jpeg", "image/jpeg" },
                { "gif", "image/gif" },
                { "webp", "image/webp" },
                { "ico", "image/x-icon" },
                { "woff", "font/woff" },
                { "woff2", "font/woff2" },
                { "mp3", "audio/mpeg" },
                { "ogg", "audio/ogg" },
                { "mp4", "video/mp4" },
                { "webm", "video/webm" },
        };
        const char *dot = strrchr(path, '.');

        for (size_t i = 0; dot && i < ARRAY_SIZE(types); i++)
                if (strcasecmp(dot + 1, types[i][0]) == 0)
                        return types[i][1];
        return "application/octet-stream";
}

/* Digits from the front; UINT64_MAX where there are none or too many. */
static uint64_t take_number(struct http_text *t) {
        uint64_t v = 0;
        size_t n = 0;

        while (n < t->len && t->at[n] >= '0' && t->at[n] <= '9' && n < 19)
                v = v * 10 + (uint64_t)(t->at[n++] - '0');
        t->at += n;
        t->len -= n;
        return n == 0 || n == 19 ? UINT64_MAX : v;
}

enum http_range http_range(const struct http_text *value, uint64_t size, uint64_t *ret_from,
                           uint64_t *ret_length) {
        static const char unit[] = "bytes=";
        struct http_text t;
        uint64_t from, last = UINT64_MAX;
        bool open;

        if (!value || value->len < sizeof(unit) || memcmp(value->at, unit, sizeof(unit) - 1) != 0)
                return HTTP_RANGE_ALL;
        t = (struct http_text){ value->at + sizeof(unit) - 1, value->len - (sizeof(unit) - 1) };
        from = take_number(&t);
        if (t.len == 0 || t.at[0] != '-')
                return HTTP_RANGE_ALL;
        t.at++;
        open = --t.len == 0;
        if (!open)
                last = take_number(&t);
        if (t.len > 0 || (from == UINT64_MAX && last == UINT64_MAX))
                return HTTP_RANGE_ALL;
        if (from == UINT64_MAX) { /* "-N": the last N */
                from = last < size ? size - last : 0;
                last = last > 0 && size > 0 ? size - 1 : 0;
                if (last == 0 && from == size)
                        return HTTP_RANGE_NONE;
        } else if (!open && last == UINT64_MAX) {
                return HTTP_RANGE_ALL;
        }
        if (last < from)
                return HTTP_RANGE_ALL;
        if (from >= size)
                return HTTP_RANGE_NONE;
        *ret_from = from;
        *ret_length = (last < size - 1 ? last : size - 1) - from + 1;
        return HTTP_RANGE_PART;
}

static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void http_date_print(int64_t unix_seconds, char ret[static HTTP_DATE]) {
        struct date d = date_of(unix_seconds);

        (void)snprintf(ret, HTTP_DATE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[d.weekday % 7],
                       d.day % 100U, months[(d.month - 1) % 12], (unsigned)d.year % 10000,
                       d.hour % 100U, d.minute % 100U, d.second % 100U);
}

/* 'n' digits at 'at'; -1 where one is none. */
static int number_at(const char *at, size_t n) {
        int v = 0;

        for (size_t i = 0; i < n; i++) {
                if (at[i] < '0' || at[i] > '9')
                        return -1;
                v = v * 10 + (at[i] - '0');
        }
        return v;
}

int http_date_read(const struct http_text *text, int64_t *ret) {
        char again[HTTP_DATE];
        struct date d = { 0 };
        int year;

        if (text->len != HTTP_DATE - 1)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(months); i++)
                if (memcmp(text->at + 8, months[i], 3) == 0)
                        d.month = (uint8_t)(i + 1);
        year = number_at(text->at + 12, 4);
        if (d.month == 0 || year < 1)
                return -EINVAL;
        d.year = year;
        d.day = (uint8_t)number_at(text->at + 5, 2);
        d.hour = (uint8_t)number_at(text->at + 17, 2);
        d.minute = (uint8_t)number_at(text->at + 20, 2);
        d.second = (uint8_t)number_at(text->at + 23, 2);
        *ret = date_seconds(&d);
        /* what does not print as it was is no date: 31 Feb, a wrong weekday, a missing blank */
        http_date_print(*ret, again);
        return memcmp(again, text->at, HTTP_DATE - 1) == 0 ? 0 : -EINVAL;
}
