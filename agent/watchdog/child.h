/* child - the one child of mode http: started once, never again.  When it ends, so do we, with the
 * status that it had, for whoever restarts containers. */
#ifndef BRAMBLE_WATCHDOG_CHILD_H
#define BRAMBLE_WATCHDOG_CHILD_H

#include "base/fail.h"
#include "watchdog/watchdog.h"

/* Starts it and waits in the background until it serves.  Only -errno of the start. */
int child_start(struct watchdog *d, struct fail *f);
/* True: it was the child that was reaped. */
bool child_exited(struct watchdog *d, pid_t pid, int status);
void child_deadlines(struct watchdog *d);
/* SIGTERM, and SIGKILL to all of its group where it has not ended 'grace' later; 0: no limit. */
void child_stop(struct watchdog *d, usec_t grace);
/* What we exit with when it has ended: its status, or 128 and its signal as a shell says it. */
int child_exit_status(const struct watchdog *d);

#endif
