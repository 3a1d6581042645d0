/* raft_links - the connections that carry libraft's messages between boards. */
#ifndef BRAMBLE_DAEMON_RAFT_LINKS_H
#define BRAMBLE_DAEMON_RAFT_LINKS_H

#include "daemon/agent.h"

/* Opens one to 'node' and hands it to consensus_dialed() with 'dial', or NULL where that fails. */
void raft_links_dial(struct agent *a, uint64_t node, void *dial);
/* Another board opened one. */
void raft_links_accepted(struct agent *a, struct link *l);
/* A board is back: what is left of the connection to it leads nowhere. */
void raft_links_renew(struct agent *a, uint64_t node);

#endif
