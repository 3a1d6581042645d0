/* top_view - the rows of a pane of `agentctl top`: which, in which order, and what each column of
 * them shows.  Pure. */
#ifndef BRAMBLE_CLI_TOP_VIEW_H
#define BRAMBLE_CLI_TOP_VIEW_H

#include "cli/top_model.h"
#include "cli/top_screen.h"

enum top_pane { TOP_PANE_BOARDS, TOP_PANE_FUNCTIONS, TOP_PANE_EVENTS, TOP_PANES };

enum {
        TOP_VIEW = 256,   /* rows, and not fewer than the longest list */
        TOP_COLUMNS = 12, /* of a pane */
        TOP_FILTER = 64,
        TOP_KEY = 2 * SIZE_NAME + 2, /* what a row is known by */
};
_Static_assert((int)TOP_VIEW >= (int)TOP_BOARDS && (int)TOP_VIEW >= (int)TOP_FUNCTIONS &&
                       (int)TOP_VIEW >= (int)TOP_EVENTS,
               "a view has room for every row");

struct top_column {
        const char *title;
        int width;  /* at least */
        int most;   /* what it grows to where there is room */
        int rank;   /* where room is short, the highest goes first; 0 never goes */
        bool right; /* where the title stands */
        void (*draw)(struct top_screen *s, int row, int col, int width, unsigned style,
                     const void *item, usec_t now);
        int (*compare)(const void *a, const void *b); /* NULL: nobody sorts by it */
};

/* The columns of a pane; '*ret_n' of them. */
const struct top_column *top_columns(enum top_pane pane, unsigned *ret_n);

struct top_order {
        unsigned column;
        bool reverse;
        char filter[TOP_FILTER]; /* part of what a row says, in any case; "": all rows */
};

struct top_view {
        unsigned n, of; /* rows that are shown, of how many */
        unsigned rows[TOP_VIEW];
};
/* The order is stable: equal rows stand by name; events by age, the newest first. */
void top_view(const struct top_model *m, enum top_pane pane, const struct top_order *order,
              struct top_view *ret);
/* The row itself: struct top_board, top_function or top_event. */
const void *top_item(const struct top_model *m, enum top_pane pane, unsigned row);
/* What stays the same as it moves: a board's id, a function's name.namespace, an event's number. */
void top_key_of(const struct top_model *m, enum top_pane pane, unsigned row,
                char ret[static TOP_KEY]);

/* Which columns fit into 'cols', and how wide each is (0: it is left out). */
void top_fit(enum top_pane pane, int cols, int widths[static TOP_COLUMNS]);

/* A board's temperature beside its limits in a word: "", "warm", "hot" (slowed down), "HOT!". */
const char *top_heat(const struct top_board *b);

#endif
