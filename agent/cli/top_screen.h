/* top_screen - a screen of characters and styles in memory, that `agentctl top` draws on.  Pure. */
#ifndef BRAMBLE_CLI_TOP_SCREEN_H
#define BRAMBLE_CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOP_ROWS = 200, TOP_COLS = 400 }; /* what is used of a larger terminal */

/* Colours only say again what a word or a sign says. */
enum {
        TOP_PLAIN = 0,
        TOP_BOLD = 1 << 0,
        TOP_DIM = 1 << 1,
        TOP_REVERSE = 1 << 2,
        TOP_GOOD = 1 << 3,
        TOP_WARN = 1 << 4,
        TOP_BAD = 1 << 5,
};

struct top_cell {
        uint32_t ch; /* a character of Unicode, one column wide */
        uint8_t style;
};

struct top_screen {
        int rows, cols;
        bool utf8; /* else ASCII alone */
        struct top_cell *cells;
};

/* Takes another size; everything is blank.  -ENOMEM. */
int top_screen_size(struct top_screen *s, int rows, int cols);
void top_screen_clear(struct top_screen *s);
void top_screen_done(struct top_screen *s);

/* Makes text from outside harmless: what is not printable ASCII becomes \x1b, a backslash \\;
 * cut between two of those.  Returns dst. */
char *top_safe(char *dst, size_t size, const char *text);

/* Puts text (from outside too) in at most 'width' columns; what is cut ends with a mark.  Outside
 * of the screen nothing happens.  Returns the columns that it took. */
int top_put(struct top_screen *s, int row, int col, int width, unsigned style, const char *text);
int top_putf(struct top_screen *s, int row, int col, int width, unsigned style, const char *format,
             ...) __attribute__((format(printf, 6, 7)));
/* The same at the right end of those columns. */
void top_put_right(struct top_screen *s, int row, int col, int width, unsigned style,
                   const char *text);
/* One character 'width' times. */
void top_fill(struct top_screen *s, int row, int col, int width, unsigned style, uint32_t ch);
/* Adds a style to what is there. */
void top_style(struct top_screen *s, int row, int col, int width, unsigned style);
/* A bar of 0 to 1000 thousandths. */
void top_bar(struct top_screen *s, int row, int col, int width, unsigned style, unsigned permille);

/* A row as UTF-8 without the blanks at its end: for tests.  Returns dst. */
char *top_row_text(const struct top_screen *s, int row, char *dst, size_t size);

#endif
