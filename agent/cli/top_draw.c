#include "cli/top_draw.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HEAD = 2, FOOT = 1, STALE_SEC = 3, PANE_LEAST = 3, NOTICE_GAP = 3 };

#define TURN_USEC (4 * USEC_PER_SEC) /* what has no room beside the other is shown for so long */

static const char *const names[TOP_PANES] = { "BOARDS", "FUNCTIONS", "EVENTS" };

/* A title line, and headings where there are columns to sort by. */
static int overhead(enum top_pane pane) {
        return pane == TOP_PANE_EVENTS ? 1 : 2;
}

void top_layout(const struct top_model *m, const struct top_ui *ui, int rows,
                struct top_layout *ret) {
        int want[TOP_PANES] = { (int)m->n_boards, (int)m->n_functions, TOP_EVENTS };
        int free_rows = rows - HEAD - FOOT, row = HEAD;
        const enum top_pane order[] = { ui->pane, TOP_PANE_BOARDS, TOP_PANE_FUNCTIONS,
                                        TOP_PANE_EVENTS };

        memset(ret, 0, sizeof(*ret));
        if (rows < TOP_ALL_ROWS) { /* one at a time */
                ret->panes[ui->pane].row = row;
                ret->panes[ui->pane].height = free_rows;
                return;
        }
        for (int i = 0; i < TOP_PANES; i++) {
                if (want[i] < 1)
                        want[i] = 1;
                ret->panes[i].height =
                        overhead((enum top_pane)i) + (want[i] < PANE_LEAST ? want[i] : PANE_LEAST);
                free_rows -= ret->panes[i].height;
        }
        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
                int more = overhead(order[i]) + want[order[i]] - ret->panes[order[i]].height;

                more = more < free_rows ? more : free_rows;
                ret->panes[order[i]].height += more;
                free_rows -= more;
        }
        for (int i = 0; i < TOP_PANES; i++) {
                ret->panes[i].row = row;
                row += ret->panes[i].height;
        }
}

/* ---- the head ---- */

static void draw_head(struct top_screen *s, const struct top_model *m) {
        int col;

        col = top_putf(s, 0, 0, s->cols, TOP_BOLD, "%s", m->cluster[0] ? m->cluster : "bramble");
        col += top_putf(s, 0, col, s->cols - col, 0, ": %u of %u boards up", m->up, m->n_boards);
        if (m->master[0])
                col += top_putf(s, 0, col, s->cols - col, 0, ", master %s", m->master);
        col += m->leader[0] ? top_putf(s, 0, col, s->cols - col, 0, ", leader %s", m->leader)
                            : top_put(s, 0, col, s->cols - col, TOP_BAD | TOP_BOLD, ", no leader");
        if (m->voters_up != TOP_NONE)
                (void)top_putf(s, 0, col, s->cols - col,
                               (unsigned)m->voters_up < m->voters ? TOP_WARN : 0,
                               ", %d of %u voters", m->voters_up, m->voters);
}

/* The worst alert, and what the boards wait for: side by side, or in turn where that is too wide.
 */
static void draw_news(struct top_screen *s, const struct top_model *m, usec_t now) {
        const struct top_event *worst = NULL;
        char alert[2 * SIZE_REASON], safe[2][4 * sizeof(alert)];
        unsigned style;
        bool both, turn = now / TURN_USEC % 2;
        int col = 0;

        for (unsigned i = 0; i < m->n_alerts; i++)
                if (!worst || m->alerts[i].severity > worst->severity)
                        worst = &m->alerts[i];
        if (!worst) {
                (void)top_put(s, 1, 0, s->cols, TOP_WARN, m->note);
                return;
        }
        style = worst->severity == TOP_ERROR ? TOP_BAD | TOP_BOLD : TOP_WARN;
        (void)snprintf(alert, sizeof(alert), "! %s%s%s%s", worst->board,
                       worst->board[0] ? ": " : "", worst->text,
                       m->n_alerts > 1 ? "  (and more)" : "");
        both = strlen(top_safe(safe[0], sizeof(safe[0]), alert)) + NOTICE_GAP +
                       strlen(top_safe(safe[1], sizeof(safe[1]), m->note)) <=
               (size_t)s->cols;
        if (both || !m->note[0] || !turn)
                col = top_put(s, 1, 0, s->cols, style, alert) + NOTICE_GAP;
        if (both || turn)
                (void)top_put(s, 1, col, s->cols - col, TOP_WARN, m->note);
}

/* The most urgent of what a person should know: one line. */
static void draw_notice(struct top_screen *s, const struct top_model *m, usec_t now) {
        uint64_t age = usec_sub(now, m->good_at) / USEC_PER_SEC;
        char text[16];

        if (m->link == TOP_ASKING) {
                (void)top_put(s, 1, 0, s->cols, 0, "asking the agent ...");
        } else if (m->link == TOP_LOST && m->good_at) {
                (void)top_putf(s, 1, 0, s->cols, TOP_BAD | TOP_BOLD | TOP_REVERSE,
                               "! this is %s old; the agent is not there, trying again: %s",
                               str_duration(text, age), m->why);
        } else if (m->link == TOP_LOST) {
                (void)top_putf(s, 1, 0, s->cols, TOP_BAD | TOP_BOLD | TOP_REVERSE,
                               "! the agent is not there, trying again: %s", m->why);
        } else if (age >= STALE_SEC) {
                (void)top_putf(s, 1, 0, s->cols, TOP_WARN | TOP_BOLD,
                               "! this is %s old; the agent is slow", str_duration(text, age));
        } else {
                draw_news(s, m, now);
        }
}

/* ---- a pane ---- */

static void draw_title(struct top_screen *s, const struct top_ui *ui, enum top_pane pane, int row,
                       const struct top_view *view) {
        const struct top_order *order = &ui->panes[pane].order;
        const struct top_column *columns;
        bool on = ui->pane == pane;
        unsigned n;
        int col;

        columns = top_columns(pane, &n);
        top_fill(s, row, 0, s->cols, TOP_REVERSE | (on ? TOP_BOLD : TOP_DIM), ' ');
        col = top_putf(s, row, 0, s->cols, TOP_REVERSE | (on ? TOP_BOLD : TOP_DIM), "%s%d %s  %u",
                       on ? "> " : "  ", pane + 1, names[pane], view->n);
        if (view->n < view->of)
                col += top_putf(s, row, col, s->cols - col, TOP_REVERSE, " of %u", view->of);
        col += top_putf(s, row, col, s->cols - col, TOP_REVERSE, "  by %s%s",
                        columns[order->column].title, order->reverse ? ", reversed" : "");
        if (order->filter[0])
                (void)top_putf(s, row, col, s->cols - col, TOP_REVERSE, "  only '%s'",
                               order->filter);
}

static void draw_headings(struct top_screen *s, const struct top_ui *ui, enum top_pane pane,
                          int row, const int *widths) {
        const struct top_column *columns;
        unsigned n;

        columns = top_columns(pane, &n);
        for (unsigned i = 0, col = 0; i < n; i++) {
                unsigned style =
                        TOP_BOLD | (ui->panes[pane].order.column == i ? TOP_REVERSE : TOP_PLAIN);

                if (!widths[i])
                        continue;
                if (columns[i].right)
                        top_put_right(s, row, (int)col, widths[i], style, columns[i].title);
                else
                        (void)top_put(s, row, (int)col, widths[i], style, columns[i].title);
                col += (unsigned)widths[i] + 1;
        }
}

static const char *nothing(const struct top_model *m, enum top_pane pane,
                           const struct top_view *view) {
        if (view->of > 0)
                return "no row has the filter's text: Esc shows all";
        if (pane == TOP_PANE_EVENTS && m->events_link == TOP_EVENTS_UNKNOWN)
                return "no events from this agent: is it an older one?";
        if (pane == TOP_PANE_EVENTS && m->events_link == TOP_EVENTS_FOLLOWED)
                return "nothing has happened yet";
        if (m->link != TOP_THERE)
                return "not known yet";
        return pane == TOP_PANE_FUNCTIONS ? "no functions yet: agentctl store deploy figlet"
               : pane == TOP_PANE_EVENTS  ? "asking for events ..."
                                          : "no boards";
}

static void draw_pane(struct top_screen *s, const struct top_model *m, struct top_ui *ui,
                      enum top_pane pane, int row, int height, usec_t now) {
        const struct top_column *columns;
        int widths[TOP_COLUMNS];
        struct top_view view;
        unsigned n, dim = m->link == TOP_LOST ? TOP_DIM : 0;

        columns = top_columns(pane, &n);
        ui->panes[pane].seen = height - overhead(pane) > 0 ? height - overhead(pane) : 1;
        top_ui_settle(ui, m, pane, &view);
        draw_title(s, ui, pane, row, &view);
        top_fit(pane, s->cols, widths);
        if (overhead(pane) > 1)
                draw_headings(s, ui, pane, row + 1, widths);
        row += overhead(pane);
        if (view.n == 0)
                (void)top_put(s, row, 0, s->cols, dim, nothing(m, pane, &view));
        for (int i = 0; i < ui->panes[pane].seen; i++, row++) {
                unsigned at = ui->panes[pane].first + (unsigned)i;
                int col = 0;

                if (at >= view.n)
                        break;
                for (unsigned c = 0; c < n; c++) {
                        if (!widths[c])
                                continue;
                        columns[c].draw(s, row, col, widths[c], dim,
                                        top_item(m, pane, view.rows[at]), now);
                        col += widths[c] + 1;
                }
                if (pane == ui->pane && at == ui->panes[pane].at)
                        top_style(s, row, 0, s->cols, TOP_REVERSE);
        }
}

static void draw_foot(struct top_screen *s, const struct top_ui *ui) {
        int row = s->rows - 1;

        if (ui->mode == TOP_FILTERING)
                (void)top_putf(s, row, 0, s->cols, TOP_BOLD,
                               "filter: %s_   Enter keeps it, Esc shows all", ui->input);
        else if (ui->said[0])
                (void)top_put(s, row, 0, s->cols, ui->said_bad ? TOP_BAD | TOP_BOLD : TOP_BOLD,
                              ui->said);
        else
                (void)top_put(s, row, 0, s->cols, TOP_DIM,
                              "Tab pane  Enter act  / filter  s sort  r reverse  ? help  q quit");
}

void top_draw(struct top_screen *s, const struct top_model *m, struct top_ui *ui, usec_t now) {
        struct top_layout layout;

        top_screen_clear(s);
        if (s->rows < TOP_LEAST_ROWS || s->cols < TOP_LEAST_COLS) {
                (void)top_putf(s, 0, 0, s->cols, 0, "%dx%d is too small:", s->cols, s->rows);
                (void)top_putf(s, 1, 0, s->cols, 0, "%dx%d at least; q quits", TOP_LEAST_COLS,
                               TOP_LEAST_ROWS);
                return;
        }
        if (ui->mode == TOP_READING) {
                top_draw_reading(s, m, ui);
                return;
        }
        draw_head(s, m);
        draw_notice(s, m, now);
        top_layout(m, ui, s->rows, &layout);
        for (int i = 0; i < TOP_PANES; i++)
                if (layout.panes[i].height > 0)
                        draw_pane(s, m, ui, (enum top_pane)i, layout.panes[i].row,
                                  layout.panes[i].height, now);
        draw_foot(s, ui);
        top_draw_box(s, m, ui);
}
