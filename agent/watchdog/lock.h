/* lock - the file that is there while the function is healthy. */
#ifndef BRAMBLE_WATCHDOG_LOCK_H
#define BRAMBLE_WATCHDOG_LOCK_H

#include "watchdog/options.h"

/* Says so in the log where it cannot. */
void lock_write(const struct options *o);
void lock_remove(const struct options *o);

#endif
