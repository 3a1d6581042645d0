#include "io/container_lines.h"

#include <stdbool.h>
#include <string.h>

static void emit(container_line_cb line, void *arg, const char *text, size_t len, bool whole) {
        if (whole && len > 0 && text[len - 1] == '\r')
                len--;
        line(arg, text, len);
}

/* Adds to the partial line; told in pieces where it is too long.  Out of memory: told too. */
static void keep(struct container_lines *l, const char *data, size_t len, container_line_cb line,
                 void *arg) {
        while (len > 0) {
                size_t room = CONTAINER_LINE_MAX - l->partial.len, n = len < room ? len : room;

                if (buf_add(&l->partial, data, n) < 0)
                        emit(line, arg, data, n, false);
                data += n;
                len -= n;
                if (l->partial.len == CONTAINER_LINE_MAX) {
                        emit(line, arg, l->partial.data, l->partial.len, false);
                        l->partial.len = 0;
                }
        }
}

void container_lines_feed(struct container_lines *l, const char *data, size_t len,
                          container_line_cb line, void *arg) {
        while (len > 0) {
                const char *newline = memchr(data, '\n', len);
                size_t n = newline ? (size_t)(newline - data) : len;

                if (newline && l->partial.len == 0 && n <= CONTAINER_LINE_MAX) {
                        emit(line, arg, data, n, true);
                } else {
                        keep(l, data, n, line, arg);
                        if (newline && l->partial.len > 0)
                                emit(line, arg, l->partial.data, l->partial.len, true);
                        if (newline)
                                buf_done(&l->partial);
                }
                data += n + (newline ? 1 : 0);
                len -= n + (newline ? 1 : 0);
        }
}

void container_lines_end(struct container_lines *l, container_line_cb line, void *arg) {
        if (l->partial.len > 0)
                emit(line, arg, l->partial.data, l->partial.len, true);
        buf_done(&l->partial);
}
