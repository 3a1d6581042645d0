/* node_metrics - a board in the words of Prometheus' node_exporter: the same names, labels and
 * units, read from /proc and /sys below a root, so that every dashboard made for it works. */
#ifndef BRAMBLE_IO_NODE_METRICS_H
#define BRAMBLE_IO_NODE_METRICS_H

#include "base/buf.h"

/* Adds all that can be read; what cannot is left out.  Looks only at file systems of local devices,
 * so that nothing here waits for a network.  -ENOMEM. */
int node_metrics(int root_fd, struct buf *out);

#endif
