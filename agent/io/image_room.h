/* image_room - is there room for an image on the card?  Unpacking a hostile (or just too large)
 * layer would fill it, and with it the log that this board votes with. */
#ifndef BRAMBLE_IO_IMAGE_ROOM_H
#define BRAMBLE_IO_IMAGE_ROOM_H

#include "io/image_call.h"

/* Asks containerd, once a connection, where it keeps its data.  'done' always says 0: without an
 * answer nothing is checked. */
void image_room_find(struct image_caller *k, grpc_reply_cb done, void *arg);

/* -ENOSPC and a sentence where 'bytes' more would leave less than 64 MB (on small disks: a
 * twentieth) on containerd's disk; -EROFS where it cannot be written to. */
int image_room_check(const struct image_caller *k, uint64_t bytes, struct fail *f);

/* Keeps looking every ROOM_LOOK_MS while one call of 'k' is open, and ends that with -ENOSPC. */
enum { ROOM_LOOK_MS = 250 };
void image_room_watch(struct image_caller *k);
void image_room_unwatch(struct image_caller *k);

#endif
