/* kube_certs - what certificates of kubeadm say: whose, until when, the hash of the authority. */
#ifndef BRAMBLE_IO_KUBE_CERTS_H
#define BRAMBLE_IO_KUBE_CERTS_H

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kube_cert {
        bool authority;
        int64_t begins, expires;   /* Unix seconds */
        char node_name[SIZE_NAME]; /* of "system:node:NAME"; "": it is no node's */
        char hash[SIZE_DIGEST];    /* "sha256:" and the SHA-256 of the public key (SPKI, DER) */
};

/* The first certificate of a PEM text, which may hold a key too.  -EBADMSG. */
int kube_cert_parse(const char *pem, size_t len, struct kube_cert *ret);
/* The same in base64, as kubeconfigs embed it. */
int kube_cert_parse_base64(const char *data, size_t len, struct kube_cert *ret);

#endif
