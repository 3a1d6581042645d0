/* files - mode static: the files below one folder. */
#ifndef BRAMBLE_WATCHDOG_FILES_H
#define BRAMBLE_WATCHDOG_FILES_H

#include "base/fail.h"
#include "watchdog/watchdog.h"

/* Opens the folder; no-op in other modes.  -errno and a sentence. */
int files_start(struct watchdog *d, struct fail *f);

#endif
