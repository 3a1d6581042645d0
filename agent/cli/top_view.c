#include "cli/top_view.h"

#include "base/str.h"
#include "core/drain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const void *top_item(const struct top_model *m, enum top_pane pane, unsigned row) {
        switch (pane) {
        case TOP_PANE_BOARDS:
                return &m->boards[row];
        case TOP_PANE_FUNCTIONS:
                return &m->functions[row];
        case TOP_PANE_EVENTS:
        case TOP_PANES:
                break;
        }
        return &m->events[row];
}

static unsigned count(const struct top_model *m, enum top_pane pane) {
        return pane == TOP_PANE_BOARDS      ? m->n_boards
               : pane == TOP_PANE_FUNCTIONS ? m->n_functions
                                            : m->n_events;
}

void top_key_of(const struct top_model *m, enum top_pane pane, unsigned row,
                char ret[static TOP_KEY]) {
        const struct top_board *b = &m->boards[row % TOP_BOARDS];
        const struct top_function *f = &m->functions[row % TOP_FUNCTIONS];

        if (pane == TOP_PANE_BOARDS)
                (void)snprintf(ret, TOP_KEY, "%s", b->id[0] ? b->id : b->name);
        else if (pane == TOP_PANE_FUNCTIONS)
                (void)snprintf(ret, TOP_KEY, "%s.%s", f->name, f->namespace);
        else
                (void)snprintf(ret, TOP_KEY, "%" PRIu64, m->events[row % TOP_EVENTS].id);
}

static bool in(const char *text, const char *filter) {
        return strcasestr(text, filter) != NULL;
}

static bool passes(const struct top_model *m, enum top_pane pane, unsigned row,
                   const char *filter) {
        const struct top_board *b = &m->boards[row % TOP_BOARDS];
        const struct top_function *f = &m->functions[row % TOP_FUNCTIONS];
        const struct top_event *e = &m->events[row % TOP_EVENTS];

        if (!filter[0])
                return true;
        if (pane == TOP_PANE_BOARDS)
                return in(b->name, filter) || in(b->role, filter) || in(b->state, filter) ||
                       in(b->model, filter) || in(b->address, filter) || in(b->power, filter) ||
                       in(b->kubernetes, filter) || in(drain_word(b->cordoned, b->drained), filter);
        if (pane == TOP_PANE_FUNCTIONS)
                return in(f->name, filter) || in(f->namespace, filter) || in(f->image, filter) ||
                       in(f->where, filter) || in(f->reason, filter);
        return in(e->text, filter) || in(e->kind, filter) || in(e->board, filter) ||
               in(e->function, filter);
}

struct sorting {
        const struct top_model *m;
        enum top_pane pane;
        int (*compare)(const void *a, const void *b);
        bool reverse;
};

static int name_order(const struct sorting *s, unsigned a, unsigned b) {
        int r;

        if (s->pane == TOP_PANE_BOARDS)
                return strverscmp(s->m->boards[a].name, s->m->boards[b].name);
        if (s->pane == TOP_PANE_EVENTS)
                return a < b ? 1 : -1; /* they came in their order */
        r = strverscmp(s->m->functions[a].name, s->m->functions[b].name);
        return r ? r : strcmp(s->m->functions[a].namespace, s->m->functions[b].namespace);
}

static int by_order(const void *a, const void *b, void *arg) {
        const struct sorting *s = arg;
        unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
        int r = s->compare ? s->compare(top_item(s->m, s->pane, x), top_item(s->m, s->pane, y)) : 0;

        if (s->reverse)
                r = -r;
        if (r == 0)
                r = name_order(s, x, y);
        return r ? r : (x > y) - (x < y);
}

void top_view(const struct top_model *m, enum top_pane pane, const struct top_order *order,
              struct top_view *ret) {
        struct sorting s = { .m = m, .pane = pane, .reverse = order->reverse };
        const struct top_column *columns;
        unsigned n_columns;

        columns = top_columns(pane, &n_columns);
        if (order->column < n_columns)
                s.compare = columns[order->column].compare;
        ret->n = 0;
        ret->of = count(m, pane);
        for (unsigned i = 0; i < ret->of; i++)
                if (passes(m, pane, i, order->filter))
                        ret->rows[ret->n++] = i;
        if (ret->n > 1)
                qsort_r(ret->rows, ret->n, sizeof(ret->rows[0]), by_order, &s);
}

void top_fit(enum top_pane pane, int cols, int widths[static TOP_COLUMNS]) {
        const struct top_column *columns;
        unsigned n;
        int used = -1; /* a blank between two */

        columns = top_columns(pane, &n);
        for (unsigned i = 0; i < n; i++) {
                widths[i] = columns[i].width;
                used += widths[i] + 1;
        }
        while (used > cols) {
                unsigned worst = 0;

                for (unsigned i = 0; i < n; i++)
                        if (widths[i] && columns[i].rank > columns[worst].rank)
                                worst = i;
                        else if (!widths[worst])
                                worst = i;
                if (columns[worst].rank == 0 || !widths[worst])
                        break;
                used -= widths[worst] + 1;
                widths[worst] = 0;
        }
        for (unsigned i = 0; i < n; i++) {
                int more = columns[i].most - columns[i].width;

                if (!widths[i] || more <= 0 || used >= cols)
                        continue;
                more = more < cols - used ? more : cols - used;
                widths[i] += more;
                used += more;
        }
}
