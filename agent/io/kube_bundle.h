/* kube_bundle - what a control plane is rebuilt from, as one compressed stream: the cluster's keys
 * and certificates, and a snapshot of etcd.
 *
 * zlib over: magic 4 | for each file: name's length u8, name, size u64, bytes | 0 u8.  The names
 * are those of kube_bundle_files and no others, each once, in that order. */
#ifndef BRAMBLE_IO_KUBE_BUNDLE_H
#define BRAMBLE_IO_KUBE_BUNDLE_H

#include "io/seal.h"

#include <stddef.h>
#include <stdint.h>

enum { KUBE_BUNDLE_FILES = 9 };
#define KUBE_BUNDLE_KEY_BYTES      ((uint64_t)64 * 1024)         /* most of a key or certificate */
#define KUBE_BUNDLE_SNAPSHOT_BYTES ((uint64_t)256 * 1024 * 1024) /* etcd's quota on a board */
/* Most that one becomes once it is sealed: what does not compress grows by less than this. */
#define KUBE_BUNDLE_SEALED_BYTES (KUBE_BUNDLE_SNAPSHOT_BYTES + ((uint64_t)4 * 1024 * 1024))

struct kube_bundle_file {
        const char *name; /* "pki/ca.crt" (below /etc/kubernetes), "snapshot.db" */
        uint64_t limit_bytes;
};
/* The last one is the snapshot. */
extern const struct kube_bundle_file kube_bundle_files[KUBE_BUNDLE_FILES];

/* ---- making: for each file begin, its bytes, then the end ----------------------------------- */

struct kube_bundle;
int kube_bundle_new(seal_sink sink, void *arg, struct kube_bundle **ret);
/* The next file of the list.  -EFBIG above its limit. */
int kube_bundle_begin(struct kube_bundle *b, uint64_t size);
/* -EINVAL where it is more than was said. */
int kube_bundle_write(struct kube_bundle *b, const void *data, size_t len);
/* -EINVAL unless all files are there, whole. */
int kube_bundle_end(struct kube_bundle *b);
void kube_bundle_free(struct kube_bundle *b);

/* ---- opening ------------------------------------------------------------------------------- */

/* The bytes of kube_bundle_files[file]; once with len 0 as each file begins. */
typedef int (*kube_bundle_take)(void *arg, size_t file, const void *data, size_t len);

struct kube_unbundle;
int kube_unbundle_new(kube_bundle_take take, void *arg, struct kube_unbundle **ret);
/* -EBADMSG: it is none of ours, -EFBIG: a file above its limit, and what 'take' says.  An error
 * stays. */
int kube_unbundle_write(struct kube_unbundle *u, const void *data, size_t len);
/* The input ends: -EBADMSG unless every file was there, whole. */
int kube_unbundle_end(struct kube_unbundle *u);
void kube_unbundle_free(struct kube_unbundle *u);

#endif
