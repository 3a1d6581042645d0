/* top_draw - lays `agentctl top` out on a screen of any size.  Pure. */
#ifndef BRAMBLE_CLI_TOP_DRAW_H
#define BRAMBLE_CLI_TOP_DRAW_H

#include "cli/top_ui.h"

enum { TOP_LEAST_ROWS = 8, TOP_LEAST_COLS = 40, TOP_ALL_ROWS = 18 };

/* Where the panes are; a height of 0: it is not seen. */
struct top_layout {
        struct {
                int row, height; /* its title line and its headings included */
        } panes[TOP_PANES];
};
void top_layout(const struct top_model *m, const struct top_ui *ui, int rows,
                struct top_layout *ret);

/* Draws everything; 'ui' learns how many rows each pane has room for. */
void top_draw(struct top_screen *s, const struct top_model *m, struct top_ui *ui, usec_t now);
/* Parts of it: a box above the panes, where one is open; and the whole screen of a function's logs.
 */
void top_draw_box(struct top_screen *s, const struct top_model *m, const struct top_ui *ui);
void top_draw_reading(struct top_screen *s, const struct top_model *m, struct top_ui *ui);

#endif
