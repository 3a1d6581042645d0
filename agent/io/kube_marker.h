/* kube_marker - what bramble itself did with Kubernetes on this board, over a reboot. */
#ifndef BRAMBLE_IO_KUBE_MARKER_H
#define BRAMBLE_IO_KUBE_MARKER_H

#include "base/fail.h"
#include "core/kube_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KUBE_MARKER_BYTES = 1024 };

struct kube_marker {
        uint64_t bramble;     /* whose cluster it is; never 0 */
        uint32_t epoch;       /* the cluster's life: a master rebuilt or a reset begins a new one */
        enum kube_role role;  /* never NONE */
        bool done;            /* false: init or join began and nobody saw its end */
        char name[SIZE_NAME]; /* the node's */
};

/* Reads STATE_DIR/kube.json.  1; 0 where there is none: what is in /etc/kubernetes, if anything,
 * is not ours.  -EBADMSG for a damaged one (whose work it is, is not known then), -errno where it
 * cannot be read.  'ret' is filled only for 1. */
int kube_marker_read(const char *state_dir, struct kube_marker *ret, struct fail *f);
/* Writes it whole (temporary file, fsync, rename) if it differs from what is there. */
int kube_marker_write(const char *state_dir, const struct kube_marker *m, struct fail *f);
/* Nothing of ours is there any more.  0 also where there was none. */
int kube_marker_remove(const char *state_dir, struct fail *f);

/* What kube_marker_read() does with the file's bytes.  -EBADMSG. */
int kube_marker_parse(const char *text, size_t len, struct kube_marker *ret, struct fail *f);

#endif
