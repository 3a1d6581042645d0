#include "core/html.h"

#include <stddef.h>

static const char *escape_of(char c) {
        switch (c) {
        case '&':
                return "&amp;";
        case '<':
                return "&lt;";
        case '>':
                return "&gt;";
        case '"':
                return "&quot;";
        case '\'':
                return "&#39;";
        default:
                return (unsigned char)c < ' ' || c == 0x7f ? " " : NULL;
        }
}

int html_add(struct buf *out, const char *text) {
        int r = 0;

        for (; text && *text && r == 0; text++) {
                const char *escape = escape_of(*text);

                r = escape ? buf_add_text(out, escape) : buf_add(out, text, 1);
        }
        return r;
}
