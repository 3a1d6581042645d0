/* image_resolve - finds, in what the content store holds, the manifest of each image that this
 * board should run: walks indexes, compares platforms. */
#ifndef BRAMBLE_IO_IMAGE_RESOLVE_H
#define BRAMBLE_IO_IMAGE_RESOLVE_H

#include "io/image_call.h"
#include "io/image_json.h"

struct image_choice {
        char name[SIZE_IMAGE];    /* of the member it was found under */
        char digest[SIZE_DIGEST]; /* of the manifest */
        char config[SIZE_DIGEST];
        char index[SIZE_DIGEST]; /* of the index it was found in, which is for other machines too;
                                    "" none */
        unsigned rank;
};

typedef void (*image_resolved_cb)(void *arg, int result, const char *why,
                                  const struct image_choice *choices, size_t n);

struct image_resolver;

/* One choice for each name of 'members' (of which "" is one).  'k' must have no other call open.
 * -ENOENT: a part is not in the store; -ENOEXEC: it is for other machines; -EBADMSG.
 * NULL: no memory.  Frees itself before 'done'. */
struct image_resolver *image_resolve(struct image_caller *k, const struct image_member *members,
                                     size_t n, image_resolved_cb done, void *arg);
/* Stops it without 'done'; the caller's call is cancelled by image_caller_done().  NULL is a
 * no-op. */
void image_resolver_free(struct image_resolver *r);

/* uname's word for this board, and how well an image for 'p' runs on it (0: not at all). */
const char *image_machine(void);
unsigned image_rank(const struct image_platform *p);

#endif
