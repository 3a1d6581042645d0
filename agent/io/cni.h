/* cni - the pod network's file for containerd: a bridge and this board's own addresses, in place
 * of flannel; the plug-ins that it names. */
#ifndef BRAMBLE_IO_CNI_H
#define BRAMBLE_IO_CNI_H

#include "io/fnet.h"

#define CNI_CONFIG "/etc/cni/net.d/10-bramble.conflist"

/* Where Debian's package and Kubernetes' own put the plug-ins; containerd is told (bin_dir). */
#define CNI_PLUGINS_DEBIAN "/usr/lib/cni"
#define CNI_PLUGINS_OTHER  "/opt/cni/bin"

/* The folder that has all plug-ins that we need: one of those two, a constant.  -ENOENT with a
 * sentence that says what is missing and what to install. */
int cni_find_plugins(int root_fd, const char **ret_dir, struct fail *f);

/* Writes CNI_CONFIG: bridge cni0 with 10.244.SUBNET.1/24, pods from .2 up, host ports.  1 when it
 * was written, 0 where it was so already; containerd watches the folder.  -ERANGE unless 'subnet'
 * is 1 to 250. */
int cni_configure(int root_fd, unsigned subnet, struct fail *f);

/* Once no pod runs: removes the bridge with its cables, what the plug-ins remember of our pods, and
 * CNI_CONFIG last; nothing at all where that is not there: cni0 may well be flannel's.  1 when it
 * removed something, 0 otherwise. */
int cni_teardown(int root_fd, struct fnet *n, struct fail *f);

#endif
