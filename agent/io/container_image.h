/* container_image - what containers need to know of an image, read from containerd's content store
 * and remembered by digest. */
#ifndef BRAMBLE_IO_CONTAINER_IMAGE_H
#define BRAMBLE_IO_CONTAINER_IMAGE_H

#include "io/container_internal.h"
#include "io/oci_config.h"
#include "io/oci_user.h"

/* Shared between the cache and those who hold it. */
struct image_facts {
        struct list link; /* containers.facts */
        unsigned refs;
        char digest[SIZE_DIGEST]; /* of the image's target */
        struct oci_config config;
        struct oci_user user;
        bool user_known; /* 'user' is filled: container_start does where it needs the layers */
};

/* 'facts' with result 0: give them back by image_facts_unref(). */
typedef void (*image_facts_cb)(void *arg, int result, const char *why, struct image_facts *facts);

/* Looks the reference up (normalised) and reads what is not known yet.  Immediate errors as
 * grpc_unary, and then 'done' does not come. */
int image_facts_get(struct containers *c, const char *image, image_facts_cb done, void *arg);
void image_facts_unref(struct image_facts *facts);
/* Forgets all; those in use live on. */
void image_facts_forget(struct containers *c);

#endif
