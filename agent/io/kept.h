/* kept - listening sockets that systemd keeps for this service while it is restarted: those who
 * connect meanwhile wait and are not refused (FileDescriptorStoreMax in the unit). */
#ifndef BRAMBLE_IO_KEPT_H
#define BRAMBLE_IO_KEPT_H

#include <sys/socket.h>

/* The socket kept as 'name', which the caller owns now; -ENOENT where there is none that listens at
 * exactly this address (IPv4 or IPv6): one at another address is given up. */
int kept_take(const char *name, const struct sockaddr_storage *at);

/* Has systemd keep a copy of 'fd' as 'name' from now on.  Nothing happens without a systemd. */
void kept_give(const char *name, int fd);

/* Gives up all that nobody has taken: connections to them would wait for ever. */
void kept_drop_rest(void);

#endif
