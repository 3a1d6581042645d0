/* snapshot_store - a folder of sealed snapshots of etcd, named by epoch and number: the newest two
 * are kept. */
#ifndef BRAMBLE_IO_SNAPSHOT_STORE_H
#define BRAMBLE_IO_SNAPSHOT_STORE_H

#include "base/fail.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { SNAPSHOT_STORE_KEEP = 2, SNAPSHOT_STORE_MOST = 64 };

/* What must stay free on the card beside one that comes in. */
#define SNAPSHOT_STORE_SPARE_BYTES ((uint64_t)64 * 1024 * 1024)

struct snapshot_store;
/* Makes the folder (0700) and those above it, drops what a power cut left half-done, and looks what
 * is there.  Ids: core/kube_snapshot.h. */
int snapshot_store_open(uv_loop_t *loop, const char *dir, struct snapshot_store **ret,
                        struct fail *f);
/* What comes in is dropped.  NULL is a no-op. */
void snapshot_store_free(struct snapshot_store *s);

/* Looks again: somebody has put a file there under snapshot_store_path(). */
void snapshot_store_look(struct snapshot_store *s);
/* 0: none. */
uint64_t snapshot_store_newest(const struct snapshot_store *s);
bool snapshot_store_has(const struct snapshot_store *s, uint64_t id);
/* Newest first; how many. */
size_t snapshot_store_list(const struct snapshot_store *s, const uint64_t **ret_ids);
/* -ENAMETOOLONG. */
int snapshot_store_path(const struct snapshot_store *s, uint64_t id, char ret[static PATH_MAX]);
/* A descriptor that the caller closes.  -ENOENT. */
int snapshot_store_read(const struct snapshot_store *s, uint64_t id, uint64_t *ret_size);
/* Removes all but the newest SNAPSHOT_STORE_KEEP. */
void snapshot_store_prune(struct snapshot_store *s);

/* ---- one that comes in ---------------------------------------------------------------------- */

struct snapshot_in;
/* It is on the card under its name, and older ones were pruned; or -errno and a sentence. */
typedef void (*snapshot_in_cb)(void *arg, int result, const char *why);

/* One at a time: -EBUSY.  It takes the place of one with the same id.  -ENOSPC where 'size' and
 * some room would not be there, -EFBIG (or nothing) for what no snapshot can be. */
int snapshot_in_begin(struct snapshot_store *s, uint64_t id, uint64_t size,
                      struct snapshot_in **ret, struct fail *f);
/* The file's next bytes.  -EMSGSIZE above 'size', -EBADMSG: its header is another one's. After an
 * error: snapshot_in_abort(). */
int snapshot_in_write(struct snapshot_in *in, const void *data, size_t len);
/* All bytes have come: syncs and names it, off the loop.  'done' comes exactly once, never from
 * inside this call, and 'in' is gone then.  -EBADMSG where bytes are missing: snapshot_in_abort().
 */
int snapshot_in_end(struct snapshot_in *in, snapshot_in_cb done, void *arg);
/* Not after a snapshot_in_end() that said 0.  NULL is a no-op. */
void snapshot_in_abort(struct snapshot_in *in);

#endif
