#define NCURSES_WIDECHAR 1
#include "cli/top_terminal.h"

#include "base/str.h"
#include "cli/top_ui.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

enum { PAIR_GOOD = 1, PAIR_WARN, PAIR_BAD, ESCAPE_MS = 50 };

static SCREEN *screen;
static bool colours;

int top_terminal_open(struct fail *f) {
        const char *term = str_or(getenv("TERM"), ""), *no_colour = getenv("NO_COLOR");
        int found = 0;

        (void)setlocale(LC_CTYPE, "");
        if (!term[0] || setupterm(NULL, STDOUT_FILENO, &found) != OK)
                return fail(f, -ENOENT,
                            "the terminal '%.40s' (TERM) is not known here: try "
                            "TERM=xterm agentctl top",
                            term);
        if (!tigetstr("cup") || tigetstr("cup") == (char *)-1)
                return fail(f, -ENOTTY, "the terminal '%.40s' (TERM) cannot move its cursor", term);
        screen = newterm(NULL, stdout, stdin);
        if (!screen)
                return fail(f, -ENOENT, "the terminal '%.40s' (TERM) cannot be used", term);
        (void)set_term(screen);
        (void)cbreak();
        (void)noecho();
        (void)nonl();
        (void)nodelay(stdscr, TRUE);
        (void)keypad(stdscr, TRUE);
        (void)set_escdelay(ESCAPE_MS);
        (void)curs_set(0);
        /* no-color.org: set and not empty */
        colours = has_colors() && !(no_colour && no_colour[0]);
        if (colours && start_color() == OK) {
                (void)use_default_colors();
                (void)init_pair(PAIR_GOOD, COLOR_GREEN, -1);
                (void)init_pair(PAIR_WARN, COLOR_YELLOW, -1);
                (void)init_pair(PAIR_BAD, COLOR_RED, -1);
        }
        return 0;
}

void top_terminal_close(void) {
        if (!screen)
                return;
        /* where there is no other screen, the shell goes on in the last line */
        (void)move(LINES - 1, 0);
        (void)clrtoeol();
        (void)refresh();
        (void)endwin();
        delscreen(screen);
        screen = NULL;
}

bool top_terminal_utf8(void) {
        return str_eq(nl_langinfo(CODESET), "UTF-8");
}

void top_terminal_size(int *ret_rows, int *ret_cols) {
        struct winsize w = { 0 };

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_row == 0 || w.ws_col == 0) {
                w.ws_row = 24;
                w.ws_col = 80;
        }
        if (w.ws_row != LINES || w.ws_col != COLS)
                (void)resizeterm(w.ws_row, w.ws_col);
        *ret_rows = w.ws_row;
        *ret_cols = w.ws_col;
}

static void put(int row, int col, const struct top_cell *cell) {
        const wchar_t text[2] = { (wchar_t)cell->ch, 0 };
        attr_t attributes = A_NORMAL;
        short pair = 0;
        cchar_t c;

        attributes |= cell->style & TOP_BOLD ? A_BOLD : 0;
        attributes |= cell->style & TOP_DIM ? A_DIM : 0;
        attributes |= cell->style & TOP_REVERSE ? A_REVERSE : 0;
        if (colours)
                pair = cell->style & TOP_BAD    ? PAIR_BAD
                       : cell->style & TOP_WARN ? PAIR_WARN
                       : cell->style & TOP_GOOD ? PAIR_GOOD
                                                : 0;
        if (setcchar(&c, text, attributes, pair, NULL) == OK)
                (void)mvadd_wch(row, col, &c);
}

void top_terminal_show(const struct top_screen *s, bool whole) {
        if (whole)
                (void)clear(); /* and everything is sent again */
        for (int row = 0; row < s->rows; row++)
                for (int col = 0; col < s->cols; col++)
                        put(row, col, &s->cells[row * s->cols + col]);
        (void)refresh();
}

bool top_terminal_key(uint32_t *ret) {
        static const struct {
                wint_t code;
                uint32_t key;
        } keys[] = { { KEY_UP, TOP_KEY_UP },         { KEY_DOWN, TOP_KEY_DOWN },
                     { KEY_PPAGE, TOP_KEY_PAGE_UP }, { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
                     { KEY_HOME, TOP_KEY_HOME },     { KEY_END, TOP_KEY_END },
                     { KEY_BTAB, TOP_KEY_BACK_TAB }, { KEY_BACKSPACE, TOP_KEY_BACKSPACE },
                     { KEY_ENTER, TOP_KEY_ENTER } };
        wint_t c = 0;
        int r = get_wch(&c);

        *ret = 0;
        if (r == ERR)
                return false;
        if (r == KEY_CODE_YES) {
                for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                        if (keys[i].code == c)
                                *ret = keys[i].key;
                return true;
        }
        *ret = c == '\r' || c == '\n' ? TOP_KEY_ENTER
               : c == 27              ? TOP_KEY_ESCAPE
               : c == 127 || c == 8   ? TOP_KEY_BACKSPACE
                                      : (uint32_t)c;
        return true;
}
