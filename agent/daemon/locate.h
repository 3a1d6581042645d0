/* locate - a person looks for one board among many: its LED blinks. */
#ifndef BRAMBLE_DAEMON_LOCATE_H
#define BRAMBLE_DAEMON_LOCATE_H

#include "daemon/agent.h"

/* Gives back an LED that an earlier life of the agent left blinking. */
int locate_open(struct agent *a);
void locate_close(struct agent *a);

#endif
