/* pki_internal - what making and loading certificates share: files, and reading an identity. */
#ifndef BRAMBLE_IO_PKI_INTERNAL_H
#define BRAMBLE_IO_PKI_INTERNAL_H

#include "base/scope.h"
#include "io/pki.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum {
        PKI_FILE_BYTES = 64 * 1024, /* more is no PEM file of ours */
        PKI_PATH = 4096,
};

/* The organisational units that say what a certificate is for. */
#define PKI_OU_BOARD   "board"
#define PKI_OU_ADMIN   "admin"
#define PKI_OU_ENROL   "enrolment"
#define PKI_OU_GATEWAY "gateway"

static inline void pki_x509_free(X509 **x) {
        X509_free(*x);
}
static inline void pki_key_free(EVP_PKEY **k) {
        EVP_PKEY_free(*k);
}
static inline void pki_stack_free(STACK_OF(X509) * *s) {
        sk_X509_pop_free(*s, X509_free);
}
#define auto_x509  __attribute__((cleanup(pki_x509_free)))
#define auto_key   __attribute__((cleanup(pki_key_free)))
#define auto_stack __attribute__((cleanup(pki_stack_free)))

/* DIR/NAME.  -ENAMETOOLONG. */
int pki_path(char ret[static PKI_PATH], const char *dir, const char *name, struct fail *f);

/* The first certificate of a PEM file, and the others (NULL where nobody asks).  -ENOENT, other
 * errors of the disk, -EBADMSG where there is none. */
int pki_read_certs(const char *path, X509 **ret, STACK_OF(X509) * *ret_rest, struct fail *f);
/* -ENOENT, -EBADMSG (nothing in it, or it wants a password). */
int pki_read_key(const char *path, EVP_PKEY **ret, struct fail *f);

/* Builds the chain from 'leaf' over 'rest' to 'ca', the only one trusted.  -EKEYREJECTED. */
int pki_verify(X509 *ca, X509 *leaf, STACK_OF(X509) * rest, STACK_OF(X509) * *ret_chain,
               struct fail *f);
/* Who a verified chain (leaf first, authority last) stands for.  -EKEYREJECTED. */
int pki_identity(const STACK_OF(X509) * chain, struct pki_identity *ret, struct fail *f);
/* The node id in a board's certificate, unverified.  -EKEYREJECTED. */
int pki_leaf_node(const X509 *leaf, uint64_t *ret, struct fail *f);

#endif
