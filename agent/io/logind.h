/* logind - switches this board off or restarts it through systemd-logind, and delays every
 * power-off, whoever asked for it, until this process is ready for it. */
#ifndef BRAMBLE_IO_LOGIND_H
#define BRAMBLE_IO_LOGIND_H

#include <stdbool.h>
#include <uv.h>

struct logind;

/* The board is about to go off ('yes'): call logind_ready() soon, within logind's
 * InhibitDelayMaxSec. Or, after all, it is not. */
typedef void (*logind_stopping_cb)(void *arg, bool yes);

/* Connects when the system bus is there, and again after it was away: without it nothing is
 * delayed.  -ENOMEM. */
int logind_open(uv_loop_t *loop, logind_stopping_cb stopping, void *arg, struct logind **ret);
/* The power-off may go on. */
void logind_ready(struct logind *l);
/* Is this board's power-off delayed for us, should it come? */
bool logind_delays(const struct logind *l);

/* PowerOff or Reboot; where logind does not do it, systemd is asked itself.  'done' comes once,
 * later: 0 once it has begun; or negative errno and a sentence.  One at a time: -EBUSY. */
typedef void (*logind_cb)(void *arg, int result, const char *why);
int logind_off(struct logind *l, bool reboot, logind_cb done, void *arg);

#endif
