/* container_message - parts of containerd's messages that several calls need. */
#ifndef BRAMBLE_IO_CONTAINER_MESSAGE_H
#define BRAMBLE_IO_CONTAINER_MESSAGE_H

#include "io/container_internal.h"

enum { CONTAINER_OPTIONS_BYTES = 128 };

/* Labels (name, value, ..., NULL) as containerd's map: one block that the caller frees; the texts
 * stay the caller's.  NULL: no memory. */
Ctr__Label **container_labels(const char *const *labels, size_t *ret_n);

/* Which runtime the shim is to run.  'packed' and 'any' are the caller's memory; NULL where
 * containerd decides. */
Ctr__Any *container_options(const struct container_host *host,
                            uint8_t packed[static CONTAINER_OPTIONS_BYTES], Ctr__Any *any);

/* A copy that is freed by ctr__snapshot_mounts_response__free_unpacked().  NULL: no memory. */
Ctr__SnapshotMountsResponse *container_mounts_copy(const Ctr__SnapshotMountsResponse *mounts);

#endif
