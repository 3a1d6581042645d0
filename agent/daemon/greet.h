/* greet - connections that others open to this agent: waits for the hello and hands them over. */
#ifndef BRAMBLE_DAEMON_GREET_H
#define BRAMBLE_DAEMON_GREET_H

#include "daemon/agent.h"

/* Listens for agents and admins on the configured port.  -errno with a sentence. */
int greet_open(struct agent *a, struct fail *f);

#endif
