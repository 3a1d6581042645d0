/* top_terminal - the terminal of `agentctl top`: ncurses, and nothing that decides. */
#ifndef BRAMBLE_CLI_TOP_TERMINAL_H
#define BRAMBLE_CLI_TOP_TERMINAL_H

#include "base/fail.h"
#include "cli/top_screen.h"

/* Takes the terminal over.  -ENOTTY: it cannot move its cursor (dumb); -ENOENT: nobody knows it;
 * with a sentence. */
int top_terminal_open(struct fail *f);
/* Gives it back as it was.  Safe to call twice. */
void top_terminal_close(void);

bool top_terminal_utf8(void);
/* The size that the kernel says now. */
void top_terminal_size(int *ret_rows, int *ret_cols);
/* Draws what has changed; 'whole': all of it again. */
void top_terminal_show(const struct top_screen *s, bool whole);
/* The next key (cli/top_ui.h has those that are no character); false where there is none. */
bool top_terminal_key(uint32_t *ret);

#endif
