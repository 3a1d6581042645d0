/* calls_file - how often this board's gateway called each function, in a file: on tmpfs for an
 * agent that starts anew, on the card for a board that does. */
#ifndef BRAMBLE_DAEMON_CALLS_FILE_H
#define BRAMBLE_DAEMON_CALLS_FILE_H

#include "core/report.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes DIR/calls whole (temporary file, rename); 'sync': it must be on the card.  -errno. */
int calls_file_write(const char *dir, uint64_t bramble, const struct report_calls *calls,
                     uint32_t n, bool sync);

/* Takes DIR/calls into 'calls', which holds '*n' of at most LIMIT_FUNCTIONS: where both know a
 * function the higher count wins.  A file that is missing, damaged or another bramble's says
 * nothing. */
void calls_file_read(const char *dir, uint64_t bramble, struct report_calls *calls, uint32_t *n);

#endif
