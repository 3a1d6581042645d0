/* watch - shows the same answer again and again: in place on a terminal, one below the other
 * elsewhere.  Ctrl-C leaves the terminal as it was. */
#ifndef BRAMBLE_CLI_WATCH_H
#define BRAMBLE_CLI_WATCH_H

#include "cli/cli.h"

enum { WATCH_SECONDS = 2, WATCH_SECONDS_MOST = 3600 };

/* Runs 'show' every so many seconds until a signal ends the program, or writing fails.  What it
 * prints to stdout is a page; a page that could not be had (its error is on stderr) is tried again.
 */
int watch_run(const struct cli *c, unsigned seconds, int (*show)(const struct cli *c));

#endif
