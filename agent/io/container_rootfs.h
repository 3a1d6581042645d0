/* container_rootfs - looks into the layers of a snapshot without mounting it. */
#ifndef BRAMBLE_IO_CONTAINER_ROOTFS_H
#define BRAMBLE_IO_CONTAINER_ROOTFS_H

#include "base/buf.h"
#include "base/fail.h"
#include "io/containerd_api.h"
#include "io/oci_user.h"

/* The folders that an overlay or bind mount is made of, topmost first: called for each until
 * 'each' says true. */
void container_rootfs_layers(const Ctr__SnapshotMountsResponse *mounts,
                             bool (*each)(void *arg, const char *folder), void *arg);

/* Looks USER up in the image's /etc/passwd and /etc/group (at most 256 KB each; a symbolic link
 * cannot lead out of the layer).  Errors as oci_user_find(). */
int container_rootfs_user(const Ctr__SnapshotMountsResponse *mounts, const char *user,
                          struct oci_user *ret, struct fail *f);

#endif
