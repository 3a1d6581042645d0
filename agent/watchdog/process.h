/* process - starts the function's command for one call. */
#ifndef BRAMBLE_WATCHDOG_PROCESS_H
#define BRAMBLE_WATCHDOG_PROCESS_H

#include "core/http_parse.h"
#include "watchdog/options.h"

#include <sys/types.h>

struct process {
        pid_t pid;   /* also the id of its process group */
        int in, out; /* our ends of its stdin and stdout: non-blocking, owned by the caller */
};

/* Starts it in a process group of its own, with default signals and the request's environment.
 * -errno, of exec too. */
int process_start(const struct options *o, const struct http_head *head, struct process *ret);

/* Ends it and all of its group at once.  Only before it was reaped: later the number may be
 * somebody else's. */
void process_kill(pid_t pid);

/* A pipe takes 64 KB before its writer waits; this makes it 256 KB, where that is allowed. */
void process_widen(int pipe);

#endif
