#include "cli/top_screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 0x2588, LEFT_HALF = 0x258c, SHADE = 0x2591, ELLIPSIS = 0x2026 };

int top_screen_size(struct top_screen *s, int rows, int cols) {
        struct top_cell *cells;

        rows = rows < 1 ? 1 : rows > TOP_ROWS ? TOP_ROWS : rows;
        cols = cols < 1 ? 1 : cols > TOP_COLS ? TOP_COLS : cols;
        cells = calloc((size_t)rows * (size_t)cols, sizeof(*cells));
        if (!cells)
                return -ENOMEM;
        free(s->cells);
        s->cells = cells;
        s->rows = rows;
        s->cols = cols;
        top_screen_clear(s);
        return 0;
}

void top_screen_clear(struct top_screen *s) {
        for (int i = 0; i < s->rows * s->cols; i++)
                s->cells[i] = (struct top_cell){ .ch = ' ' };
}

void top_screen_done(struct top_screen *s) {
        free(s->cells);
        s->cells = NULL;
        s->rows = s->cols = 0;
}

/* One byte as it may be shown; how long that is. */
static size_t escape(unsigned char c, char ret[static 5]) {
        if (c == '\\')
                return (size_t)snprintf(ret, 5, "\\\\");
        if (c < 0x20 || c > 0x7e)
                return (size_t)snprintf(ret, 5, "\\x%02x", c);
        ret[0] = (char)c;
        ret[1] = '\0';
        return 1;
}

char *top_safe(char *dst, size_t size, const char *text) {
        size_t len = 0;
        char one[5];

        for (; *text; text++) {
                size_t n = escape((unsigned char)*text, one);

                if (len + n >= size)
                        break;
                memcpy(dst + len, one, n);
                len += n;
        }
        if (size)
                dst[len] = '\0';
        return dst;
}

static void set(struct top_screen *s, int row, int col, unsigned style, uint32_t ch) {
        if (row >= 0 && row < s->rows && col >= 0 && col < s->cols)
                s->cells[row * s->cols + col] =
                        (struct top_cell){ .ch = ch, .style = (uint8_t)style };
}

int top_put(struct top_screen *s, int row, int col, int width, unsigned style, const char *text) {
        int used = 0;
        char one[5];

        for (; *text; text++) {
                int n = (int)escape((unsigned char)*text, one);

                if (used + n > width) {
                        if (width > 0) {
                                used = used < width ? used + 1 : width;
                                set(s, row, col + used - 1, style, s->utf8 ? ELLIPSIS : '~');
                        }
                        break;
                }
                for (int i = 0; i < n; i++)
                        set(s, row, col + used++, style, (unsigned char)one[i]);
        }
        return used;
}

int top_putf(struct top_screen *s, int row, int col, int width, unsigned style, const char *format,
             ...) {
        char text[TOP_COLS * 2];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        return top_put(s, row, col, width, style, text);
}

void top_put_right(struct top_screen *s, int row, int col, int width, unsigned style,
                   const char *text) {
        char safe[TOP_COLS * 2];
        int len = (int)strlen(top_safe(safe, sizeof(safe), text));

        if (len < width) {
                col += width - len;
                width = len;
        }
        (void)top_put(s, row, col, width, style, text);
}

void top_fill(struct top_screen *s, int row, int col, int width, unsigned style, uint32_t ch) {
        for (int i = 0; i < width; i++)
                set(s, row, col + i, style, ch);
}

void top_style(struct top_screen *s, int row, int col, int width, unsigned style) {
        for (int i = col; i < col + width; i++)
                if (row >= 0 && row < s->rows && i >= 0 && i < s->cols)
                        s->cells[row * s->cols + i].style |= (uint8_t)style;
}

/* Blocks have halves; in ASCII the bar has brackets, so that an empty one is one too. */
void top_bar(struct top_screen *s, int row, int col, int width, unsigned style, unsigned permille) {
        unsigned full;

        if (permille > 1000)
                permille = 1000;
        if (!s->utf8) {
                if (width < 3)
                        return;
                set(s, row, col, style, '[');
                set(s, row, col + width - 1, style, ']');
                full = (permille * (unsigned)(width - 2) + 500) / 1000;
                for (int i = 0; i < width - 2; i++)
                        set(s, row, col + 1 + i, style, (unsigned)i < full ? '#' : '.');
                return;
        }
        full = (permille * (unsigned)width * 2 + 500) / 1000;
        for (int i = 0; i < width; i++)
                set(s, row, col + i, style,
                    full >= (unsigned)(2 * i + 2)   ? BLOCK
                    : full == (unsigned)(2 * i + 1) ? LEFT_HALF
                                                    : SHADE);
}

static size_t utf8(uint32_t ch, char ret[static 4]) {
        if (ch < 0x80) {
                ret[0] = (char)ch;
                return 1;
        }
        if (ch < 0x800) {
                ret[0] = (char)(0xc0 | ch >> 6);
                ret[1] = (char)(0x80 | (ch & 0x3f));
                return 2;
        }
        ret[0] = (char)(0xe0 | ch >> 12);
        ret[1] = (char)(0x80 | (ch >> 6 & 0x3f));
        ret[2] = (char)(0x80 | (ch & 0x3f));
        return 3;
}

char *top_row_text(const struct top_screen *s, int row, char *dst, size_t size) {
        size_t len = 0, end = 0;
        char one[4];

        for (int i = 0; i < s->cols && row >= 0 && row < s->rows; i++) {
                size_t n = utf8(s->cells[row * s->cols + i].ch, one);

                if (len + n >= size)
                        break;
                memcpy(dst + len, one, n);
                len += n;
                if (s->cells[row * s->cols + i].ch != ' ')
                        end = len;
        }
        dst[end] = '\0';
        return dst;
}
