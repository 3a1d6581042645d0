/* top_box - what `agentctl top` shows over its panes: help, the menu, questions; and a function's
 * logs. */
#include "base/str.h"
#include "cli/top_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BOX_LINES = 24, BOX_COLS = 76 };

struct box {
        int n;
        char lines[BOX_LINES][BOX_COLS * 4];
};

__attribute__((format(printf, 2, 3))) static void add(struct box *b, const char *format, ...) {
        va_list args;

        if (b->n == BOX_LINES)
                return;
        va_start(args, format);
        (void)vsnprintf(b->lines[b->n++], sizeof(b->lines[0]), format, args);
        va_end(args);
}

static void draw(struct top_screen *s, const struct box *b) {
        int width = 0, height = b->n + 2, row, col, inner;
        bool utf8 = s->utf8;

        for (int i = 0; i < b->n; i++)
                if ((int)strlen(b->lines[i]) > width)
                        width = (int)strlen(b->lines[i]);
        width = width + 4 < s->cols ? width + 4 : s->cols;
        height = height < s->rows ? height : s->rows;
        row = (s->rows - height) / 2;
        col = (s->cols - width) / 2;
        inner = width - 4;
        for (int i = 0; i < height; i++) {
                bool top = i == 0, bottom = i == height - 1;

                top_fill(s, row + i, col, width, 0,
                         top || bottom ? (utf8 ? 0x2500 : '-') : (uint32_t)' ');
                top_fill(s, row + i, col, 1, 0,
                         top      ? (utf8 ? 0x250c : '+')
                         : bottom ? (utf8 ? 0x2514 : '+')
                                  : (utf8 ? 0x2502 : '|'));
                top_fill(s, row + i, col + width - 1, 1, 0,
                         top      ? (utf8 ? 0x2510 : '+')
                         : bottom ? (utf8 ? 0x2518 : '+')
                                  : (utf8 ? 0x2502 : '|'));
                if (!top && !bottom)
                        (void)top_put(s, row + i, col + 2, inner, i == 1 ? TOP_BOLD : 0,
                                      b->lines[i - 1]);
        }
}

static void add_verbs(struct box *b, enum top_pane pane) {
        for (int v = TOP_NOTHING + 1; v < TOP_VERBS; v++) {
                const struct top_verb_text *t = top_verb_text((enum top_verb)v);

                if (t->pane == pane)
                        add(b, "  %c  %-9s %s", (int)t->key, t->name, t->help);
        }
}

static void help(struct box *b) {
        add(b, "agentctl top: the bramble, live");
        add(b, "  Tab 1 2 3   the next pane, or that one");
        add(b, "  arrows j k  the next row; PgUp PgDn Home End");
        add(b, "  s  r        sort by the next column; reverse");
        add(b, "  /           only rows with this text; Esc: all rows");
        add(b, "  Enter a     more about a row, and what can be done with it");
        add(b, "  q           quit");
        add(b, "A board:");
        add_verbs(b, TOP_PANE_BOARDS);
        add(b, "A function:");
        add_verbs(b, TOP_PANE_FUNCTIONS);
        add(b, "* leads; ! needs a look; 61/80 C: the board slows down at 80");
}

static void menu_of_board(struct box *b, const struct top_board *o) {
        char up[16], used[16], total[16];

        add(b, "%s: %s", o->name, o->model[0] ? o->model : "model not known");
        add(b, "%s, %s, %s", o->state, o->role, o->address[0] ? o->address : "no address");
        add(b, "%u cores at %u MHz, %s of %s RAM used, up %s", o->cores, o->clock_mhz,
            str_size(used, o->ram_used), str_size(total, o->ram_total),
            str_duration(up, o->uptime));
        if (o->throttle)
                add(b, "slows down at %d C, hard limit %d C", o->throttle, o->hard);
        add(b, "power: %s", o->power[0] ? o->power : "not known");
        add(b, "network: at most %u Mbit/s; kubernetes: %s", o->mbps,
            o->kubernetes[0] ? o->kubernetes : "none");
        if (o->problems[0])
                add(b, "! %s", o->problems);
}

static void menu_of_function(struct box *b, const struct top_function *o) {
        add(b, "%s.%s", o->name, o->namespace);
        add(b, "image %s", o->image);
        add(b, "%u of %u replicas are ready: %s", o->ready, o->wanted,
            o->where[0] ? o->where : "nowhere");
        if (o->reason[0])
                add(b, "! %s", o->reason);
}

static void menu(struct box *b, const struct top_model *m, const struct top_ui *ui) {
        bool found = false;

        for (unsigned i = 0; i < m->n_boards && ui->pane == TOP_PANE_BOARDS && !found; i++) {
                found = str_eq(m->boards[i].name, ui->act.board);
                if (found)
                        menu_of_board(b, &m->boards[i]);
        }
        for (unsigned i = 0; i < m->n_functions && ui->pane == TOP_PANE_FUNCTIONS && !found; i++) {
                found = str_eq(m->functions[i].name, ui->act.function) &&
                        str_eq(m->functions[i].namespace, ui->act.namespace);
                if (found)
                        menu_of_function(b, &m->functions[i]);
        }
        if (!found)
                add(b, "it is gone");
        add(b, "%s", "");
        add_verbs(b, ui->pane);
        add(b, "any other key: back");
}

void top_draw_box(struct top_screen *s, const struct top_model *m, const struct top_ui *ui) {
        struct box b = { 0 };
        char text[160];

        switch (ui->mode) {
        case TOP_HELP:
                help(&b);
                break;
        case TOP_MENU:
                menu(&b, m, ui);
                break;
        case TOP_CONFIRM:
                add(&b, "%s?", top_act_text(&ui->act, text, sizeof(text)));
                add(&b, "%s", top_verb_text(ui->act.verb)->warning);
                add(&b, "y: do it   n: leave it");
                break;
        case TOP_NUMBER:
                add(&b, "%s: how many replicas? %s_", ui->act.function, ui->input);
                add(&b, "Enter: go on   Esc: leave it");
                break;
        case TOP_LIST:
        case TOP_FILTERING:
        case TOP_READING:
                return;
        }
        draw(s, &b);
}

void top_draw_reading(struct top_screen *s, const struct top_model *m, struct top_ui *ui) {
        unsigned seen = (unsigned)s->rows - 2, last;

        ui->text.seen = (int)seen;
        last = ui->text.n > seen ? ui->text.n - seen : 0;
        if (ui->text.follow)
                ui->text.first = last;
        top_fill(s, 0, 0, s->cols, TOP_REVERSE | TOP_BOLD, ' ');
        (void)top_putf(s, 0, 0, s->cols, TOP_REVERSE | TOP_BOLD, "logs of %s.%s%s%s",
                       ui->act.function, ui->act.namespace, ui->text.n == 0 ? ": nothing yet" : "",
                       m->link == TOP_LOST ? "  (the agent is not there)" : "");
        for (unsigned i = 0; i < seen && ui->text.first + i < ui->text.n; i++)
                (void)top_put(s, (int)i + 1, 0, s->cols, 0, ui->text.lines[ui->text.first + i]);
        (void)top_putf(s, s->rows - 1, 0, s->cols, ui->said[0] ? TOP_BOLD : TOP_DIM, "%s",
                       ui->said[0] ? ui->said : "arrows PgUp PgDn End: move   q: back");
}
