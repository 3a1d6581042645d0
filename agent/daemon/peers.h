/* peers - other agents: where they are, and one control connection to each that matters. */
#ifndef BRAMBLE_DAEMON_PEERS_H
#define BRAMBLE_DAEMON_PEERS_H

#include "core/formation.h"
#include "core/message.h"
#include "daemon/agent.h"

int peers_open(struct agent *a);

/* mDNS says that a board is at an address: a hint. */
void peers_seen(struct agent *a, uint64_t node, const char *address, uint16_t port);
/* Memory or the leader says where a board is; port 0: the one it had, else our own. */
void peers_known(struct agent *a, uint64_t node, const char *address, uint16_t port);
/* A hint of which only the address is known. */
void peers_hint(struct agent *a, const char *address, uint16_t port);

/* The open control connection to a board, NULL where there is none. */
struct link *peers_link(const struct agent *a, uint64_t node);
/* Any board with an open connection that belongs to 'bramble'; 0: none. */
uint64_t peers_in_bramble(const struct agent *a, uint64_t bramble);
/* Where a board was connected last, else where it was seen; NULL: never seen. */
const char *peers_address(const struct agent *a, uint64_t node, uint16_t *ret_port);

/* Sends this board's view to every connected peer. */
void peers_tell(struct agent *a);

/* A new connection to a board, for another purpose: 'open' of 'ops' must call peers_hello().
 * -EHOSTUNREACH where nobody knows its address. */
int peers_dial(struct agent *a, uint64_t node, const struct link_ops *ops, void *arg,
               struct link **ret);
int peers_hello(struct agent *a, struct link *l, enum message_purpose purpose);

/* A connection that another agent dialed and whose hello asks for control: answers, keeps it. */
void peers_accept(struct agent *a, struct link *l, const struct message_hello *m);

/* Ends a connection that nobody cares for any more, whatever its ops were. */
void peers_discard(struct link *l);

/* Who to keep a connection to may have changed (leader, membership): look again now. */
void peers_review(struct agent *a);

/* For each board that was connected: used to remember them on disk. */
void peers_each(const struct agent *a,
                void (*each)(void *arg, uint64_t node, const char *address, uint16_t port),
                void *arg);

#endif
