/* container_lines - splits a stream of bytes into lines.  No I/O. */
#ifndef BRAMBLE_IO_CONTAINER_LINES_H
#define BRAMBLE_IO_CONTAINER_LINES_H

#include "base/buf.h"

enum { CONTAINER_LINE_MAX = 8192 }; /* a longer line comes in pieces of this */

/* All zero is a stream at its start. */
struct container_lines {
        struct buf partial; /* of the line whose newline has not come */
};

typedef void (*container_line_cb)(void *arg, const char *text, size_t len);

/* Calls 'line' for every line that is whole now, without its newline (and CR before it). */
void container_lines_feed(struct container_lines *l, const char *data, size_t len,
                          container_line_cb line, void *arg);
/* The end: what is left is a line too.  Frees. */
void container_lines_end(struct container_lines *l, container_line_cb line, void *arg);

#endif
