/* oci_config - what an image's configuration says about the process that it is made for.  Bytes
 * in, a bounded struct out; no I/O. */
#ifndef BRAMBLE_IO_OCI_CONFIG_H
#define BRAMBLE_IO_OCI_CONFIG_H

#include "base/fail.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum {
        OCI_CONFIG_BYTES = 1024 * 1024, /* the document */
        OCI_STRINGS_MAX = 512,          /* in one list */
};

struct oci_config {
        char **entrypoint; /* these three end with NULL and are never NULL themselves */
        char **cmd;
        char **env;
        char *user;                 /* "", "1000", "app:group" */
        char *working_dir;          /* absolute, "/" where the image names none */
        char architecture[16];      /* Go's word: "arm64"; "" where the image does not say */
        bool exposes_http;          /* "8080/tcp" or "8080" */
        char chain_id[SIZE_DIGEST]; /* the snapshot of all layers; "" for an image without any */
};

/* oci_config_done() also after a failure.  -EBADMSG for what is no such document, with a sentence
 * that has no subject ("is no JSON"), -EMSGSIZE above a limit, -ENOMEM. */
int oci_config_parse(const void *data, size_t len, struct oci_config *ret, struct fail *f);
void oci_config_done(struct oci_config *c);

#endif
