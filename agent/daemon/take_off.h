/* take_off - ends what runs on without an agent: the functions of this board, before it is switched
 * off, and all of bramble's network, before bramble is removed. */
#ifndef BRAMBLE_DAEMON_TAKE_OFF_H
#define BRAMBLE_DAEMON_TAKE_OFF_H

#include "base/fail.h"
#include "io/config.h"

/* SIGTERM for all function containers at once, after 5 s SIGKILL; then containerd forgets them.
 * Waits for it, 15 s at most: -ETIMEDOUT, also where containerd does not answer; -EIO: some are
 * left.  Else how many there were.  No agent may run. */
int take_off_functions(const struct config *config, struct fail *f);

/* The same, then the function network (bridge, namespaces, routes, nftables table) and our names in
 * /etc/hosts.  Goes on after a failure and reports the first one. */
int take_off_all(const struct config *config, struct fail *f);

#endif
