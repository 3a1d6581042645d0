/* twin - two boards with one serial number: a copied card, or a bad batch.  Who is there stays, the
 * other one is refused, and both say so: in the journal and in their doctor. */
#ifndef BRAMBLE_DAEMON_TWIN_H
#define BRAMBLE_DAEMON_TWIN_H

#include "daemon/agent.h"

struct link;

/* 'other' came on a connection of its own with the serial of the board behind 'first', to which
 * this one is connected: says so here and to both.  'other' is to be closed. */
void twin_refused(struct agent *a, uint64_t node, struct link *first, struct link *other);

/* Somebody has this board's own serial.  By mDNS anybody can say so: nothing follows from it but
 * words. */
void twin_seen(struct agent *a, const char *address);

#endif
