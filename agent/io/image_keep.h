/* image_keep - holds an index as a whole: the manifests in it that are for other kinds of boards
 * too, as far as they are in the store, so that those boards can fetch them from here. */
#ifndef BRAMBLE_IO_IMAGE_KEEP_H
#define BRAMBLE_IO_IMAGE_KEEP_H

#include "io/image_call.h"
#include "io/image_json.h"

struct image_keeper;

typedef void (*image_kept_cb)(void *arg, int result, const char *why,
                              const struct image_blob *index);

/* 'k' must hold a lease and have no other call open.  NULL: no memory.  Frees itself before 'done'.
 */
struct image_keeper *image_keep(struct image_caller *k, const char *index, image_kept_cb done,
                                void *arg);
/* As image_resolver_free(). */
void image_keeper_free(struct image_keeper *g);

#endif
