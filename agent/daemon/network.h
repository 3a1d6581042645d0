/* network - the LAN of this board, and the function network as the world wants it. */
#ifndef BRAMBLE_DAEMON_NETWORK_H
#define BRAMBLE_DAEMON_NETWORK_H

#include "daemon/agent.h"

int network_open(struct agent *a, struct fail *f);
/* The world changed: own subnet, routes to the other boards' functions. */
void network_follow(struct agent *a);
/* Whether the boards carry pods: routes to theirs too. */
void network_pods(struct agent *a, bool on);

#endif
