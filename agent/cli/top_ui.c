#include "cli/top_ui.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void top_ui_init(struct top_ui *ui) {
        memset(ui, 0, sizeof(*ui));
        for (int i = 0; i < TOP_PANES; i++)
                ui->panes[i].seen = 1;
}

void top_ui_say(struct top_ui *ui, bool bad, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void)vsnprintf(ui->said, sizeof(ui->said), format, args);
        va_end(args);
        ui->said_bad = bad;
}

void top_ui_line(struct top_ui *ui, const char *line) {
        if (ui->text.n == TOP_LINES) {
                memmove(ui->text.lines, ui->text.lines + 1,
                        sizeof(ui->text.lines[0]) * --ui->text.n);
                ui->text.first -= ui->text.first > 0;
        }
        (void)snprintf(ui->text.lines[ui->text.n++], TOP_LINE, "%s", line);
}

/* ---- where the selection is ---- */

void top_ui_settle(struct top_ui *ui, const struct top_model *m, enum top_pane pane,
                   struct top_view *view) {
        __typeof__(ui->panes[0]) *p = &ui->panes[pane];
        char key[TOP_KEY];
        unsigned seen = p->seen > 0 ? (unsigned)p->seen : 1;

        top_view(m, pane, &p->order, view);
        for (unsigned i = 0; i < view->n && p->selected[0]; i++) {
                top_key_of(m, pane, view->rows[i], key);
                if (str_eq(key, p->selected)) {
                        p->at = i;
                        break;
                }
        }
        if (p->at >= view->n)
                p->at = view->n ? view->n - 1 : 0;
        /* the newest event is a place, not a row: what comes above it stays in sight */
        if (view->n > 0 && !(pane == TOP_PANE_EVENTS && p->at == 0))
                top_key_of(m, pane, view->rows[p->at], p->selected);
        if (p->first > p->at)
                p->first = p->at;
        if (p->at >= p->first + seen)
                p->first = p->at - seen + 1;
        if (p->first + seen > view->n)
                p->first = view->n > seen ? view->n - seen : 0;
}

static void move_to(struct top_ui *ui, const struct top_model *m, long at) {
        __typeof__(ui->panes[0]) *p = &ui->panes[ui->pane];
        struct top_view view;

        top_view(m, ui->pane, &p->order, &view);
        p->at = at < 0 ? 0 : at >= (long)view.n ? view.n - (view.n > 0) : (unsigned)at;
        p->selected[0] = '\0';
        top_ui_settle(ui, m, ui->pane, &view);
}

/* Whom the selected row stands for. */
static bool target(struct top_ui *ui, const struct top_model *m, struct top_act *ret) {
        struct top_view view;
        unsigned row;

        top_ui_settle(ui, m, ui->pane, &view);
        if (view.n == 0 || ui->pane == TOP_PANE_EVENTS)
                return false;
        row = view.rows[ui->panes[ui->pane].at];
        memset(ret, 0, sizeof(*ret));
        if (ui->pane == TOP_PANE_BOARDS) {
                memcpy(ret->board, m->boards[row].name, sizeof(ret->board));
                return ret->board[0];
        }
        memcpy(ret->function, m->functions[row].name, sizeof(ret->function));
        memcpy(ret->namespace, m->functions[row].namespace, sizeof(ret->namespace));
        ret->replicas = m->functions[row].wanted;
        return true;
}

/* ---- doing something ---- */

static void go(struct top_ui *ui, struct top_act *ret) {
        char text[160];

        *ret = ui->act;
        ui->mode = TOP_LIST;
        if (ret->verb == TOP_LOGS) {
                ui->mode = TOP_READING;
                ui->text.n = ui->text.first = 0;
                ui->text.follow = true;
                return;
        }
        top_ui_say(ui, false, "%s ...", top_act_text(ret, text, sizeof(text)));
}

/* 'ui->act' has the names already. */
static void choose(struct top_ui *ui, const struct top_model *m, enum top_verb verb,
                   struct top_act *ret) {
        ui->act.verb = verb;
        if (m->link != TOP_THERE) {
                top_ui_say(ui, true, "the agent is not there: nothing can be done until it is");
                ui->mode = TOP_LIST;
        } else if (verb == TOP_SCALE) {
                (void)snprintf(ui->input, sizeof(ui->input), "%u", ui->act.replicas);
                ui->mode = TOP_NUMBER;
        } else if (top_verb_text(verb)->warning) {
                ui->mode = TOP_CONFIRM;
        } else {
                go(ui, ret);
        }
}

static enum top_verb verb_of_key(enum top_pane pane, uint32_t key) {
        for (int v = TOP_NOTHING + 1; v < TOP_VERBS; v++)
                if (top_verb_text((enum top_verb)v)->key == key &&
                    top_verb_text((enum top_verb)v)->pane == pane)
                        return (enum top_verb)v;
        return TOP_NOTHING;
}

/* ---- a line that is typed: true where it has changed ---- */

static bool edit(struct top_ui *ui, uint32_t key, bool digits) {
        size_t len = strlen(ui->input);

        if (key == TOP_KEY_BACKSPACE && len > 0) {
                ui->input[len - 1] = '\0';
                return true;
        }
        if (key < 0x20 || key > 0x7e || (digits && (key < '0' || key > '9')) ||
            len + 1 >= sizeof(ui->input))
                return false;
        ui->input[len] = (char)key;
        ui->input[len + 1] = '\0';
        return true;
}

static void key_filtering(struct top_ui *ui, const struct top_model *m, uint32_t key) {
        struct top_order *order = &ui->panes[ui->pane].order;

        if (key == TOP_KEY_ENTER || key == TOP_KEY_ESCAPE) {
                if (key == TOP_KEY_ESCAPE)
                        order->filter[0] = '\0';
                ui->mode = TOP_LIST;
        } else if (edit(ui, key, false)) {
                memcpy(order->filter, ui->input, sizeof(order->filter));
        }
        move_to(ui, m, (long)ui->panes[ui->pane].at);
}

static void key_number(struct top_ui *ui, uint32_t key) {
        uint64_t n;

        if (key == TOP_KEY_ESCAPE) {
                ui->mode = TOP_LIST;
                top_ui_say(ui, false, "nothing was done");
        } else if (key != TOP_KEY_ENTER) {
                (void)edit(ui, key, true);
        } else if (str_to_u64(ui->input, LIMIT_REPLICAS, &n) < 0) {
                top_ui_say(ui, true, "'%s' is no number of replicas: 0 to %d", ui->input,
                           LIMIT_REPLICAS);
                ui->mode = TOP_LIST;
        } else {
                ui->act.replicas = (unsigned)n;
                ui->mode = TOP_CONFIRM;
        }
}

static void key_reading(struct top_ui *ui, uint32_t key) {
        unsigned seen = ui->text.seen > 0 ? (unsigned)ui->text.seen : 1;
        unsigned last = ui->text.n > seen ? ui->text.n - seen : 0;
        long first = ui->text.follow ? last : ui->text.first;

        if (key == 'q' || key == TOP_KEY_ESCAPE) {
                ui->mode = TOP_LIST;
                ui->act.verb = TOP_NOTHING;
                return;
        }
        if (key == TOP_KEY_UP || key == 'k')
                first--;
        else if (key == TOP_KEY_DOWN || key == 'j')
                first++;
        else if (key == TOP_KEY_PAGE_UP)
                first -= seen;
        else if (key == TOP_KEY_PAGE_DOWN || key == ' ')
                first += seen;
        else if (key == TOP_KEY_HOME)
                first = 0;
        else if (key == TOP_KEY_END)
                first = last;
        ui->text.first = first < 0 ? 0 : first > (long)last ? last : (unsigned)first;
        ui->text.follow = ui->text.first >= last;
}

/* ---- the list ---- */

static void sort_by_next(struct top_ui *ui) {
        struct top_order *order = &ui->panes[ui->pane].order;
        const struct top_column *columns;
        unsigned n;

        columns = top_columns(ui->pane, &n);
        do
                order->column = (order->column + 1) % n;
        while (!columns[order->column].compare);
        order->reverse = false;
}

static bool key_moves(struct top_ui *ui, const struct top_model *m, uint32_t key) {
        long at = ui->panes[ui->pane].at, page = ui->panes[ui->pane].seen;

        switch (key) {
        case TOP_KEY_UP:
        case 'k':
                at--;
                break;
        case TOP_KEY_DOWN:
        case 'j':
                at++;
                break;
        case TOP_KEY_PAGE_UP:
                at -= page;
                break;
        case TOP_KEY_PAGE_DOWN:
                at += page;
                break;
        case TOP_KEY_HOME:
                at = 0;
                break;
        case TOP_KEY_END:
                at = TOP_VIEW;
                break;
        default:
                return false;
        }
        move_to(ui, m, at);
        return true;
}

static void key_list(struct top_ui *ui, const struct top_model *m, uint32_t key,
                     struct top_act *ret) {
        enum top_verb verb = verb_of_key(ui->pane, key);

        ui->said[0] = '\0';
        if (verb != TOP_NOTHING) {
                if (target(ui, m, &ui->act))
                        choose(ui, m, verb, ret);
                return;
        }
        if (key_moves(ui, m, key))
                return;
        switch (key) {
        case 'q':
                ui->quit = true;
                break;
        case '?':
        case 'h':
                ui->mode = TOP_HELP;
                break;
        case TOP_KEY_TAB:
                ui->pane = (ui->pane + 1) % TOP_PANES;
                break;
        case TOP_KEY_BACK_TAB:
                ui->pane = (ui->pane + TOP_PANES - 1) % TOP_PANES;
                break;
        case '1':
        case '2':
        case '3':
                ui->pane = (enum top_pane)(key - '1');
                break;
        case 's':
                sort_by_next(ui);
                break;
        case 'r':
                ui->panes[ui->pane].order.reverse = !ui->panes[ui->pane].order.reverse;
                break;
        case '/':
                memcpy(ui->input, ui->panes[ui->pane].order.filter, sizeof(ui->input));
                ui->mode = TOP_FILTERING;
                break;
        case TOP_KEY_ESCAPE:
                ui->panes[ui->pane].order.filter[0] = '\0';
                break;
        case TOP_KEY_ENTER:
        case 'a':
                if (target(ui, m, &ui->act))
                        ui->mode = TOP_MENU;
                break;
        default:
                break;
        }
}

void top_ui_key(struct top_ui *ui, const struct top_model *m, uint32_t key, struct top_act *ret) {
        memset(ret, 0, sizeof(*ret));
        switch (ui->mode) {
        case TOP_LIST:
                key_list(ui, m, key, ret);
                break;
        case TOP_FILTERING:
                key_filtering(ui, m, key);
                break;
        case TOP_NUMBER:
                key_number(ui, key);
                break;
        case TOP_MENU:
                ui->mode = TOP_LIST;
                if (verb_of_key(ui->pane, key) != TOP_NOTHING)
                        choose(ui, m, verb_of_key(ui->pane, key), ret);
                break;
        case TOP_CONFIRM:
                if (key == 'y') {
                        go(ui, ret);
                } else if (key == 'n' || key == 'q' || key == TOP_KEY_ESCAPE) {
                        ui->mode = TOP_LIST;
                        top_ui_say(ui, false, "nothing was done");
                }
                break;
        case TOP_HELP:
                ui->mode = TOP_LIST;
                break;
        case TOP_READING:
                key_reading(ui, key);
                break;
        }
}
