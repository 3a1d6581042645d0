/* pki - a cluster's certificate authority, enrolment, and the TLS contexts made from them.
 *
 * A cluster's folder (agentctl pki init NAME) holds
 *         ca.key ca.crt          the authority; its CN is the cluster's name.  ca.key stays at home
 *         enrol.key enrol.crt    an intermediate authority (pathlen 0) that goes on every card
 *         admin.key admin.crt    a person's certificate (OU=admin) for agentctl --host
 * A board has <pki>/ca.crt and, before its first start, <pki>/enrol.{key,crt}.  It makes its own
 * key, signs board.crt (CN = node id as 16 hex digits, OU = board; the chain holds enrol.crt) with
 * the enrolment key, keeps both in its state folder, and deletes enrol.key.
 * P-256 keys; valid from 1970 to 9999, because boards have no clock. */
#ifndef BRAMBLE_IO_PKI_H
#define BRAMBLE_IO_PKI_H

#include "base/fail.h"
#include "core/limits.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum pki_role { PKI_BOARD = 1, PKI_ADMIN };

struct pki_identity {
        enum pki_role role;
        uint64_t node;              /* PKI_BOARD: never 0 */
        char cluster[SIZE_CLUSTER]; /* the authority's CN */
        uint64_t cluster_id;        /* first 8 bytes of SHA-256 over ca.crt's DER */
};

/* Makes a cluster's folder 'dir' (created 0700; must be absent or empty) with the six files, keys
 * 0600.  'name' is a DNS label.  Negative errno with a sentence. */
int pki_init_cluster(const char *dir, const char *name, struct fail *f);

/* First start: makes state_dir/board.{key,crt} from pki_dir and removes pki_dir/enrol.key.  Safe
 * to run again after a power cut at any point.  0; -EALREADY where board.crt is there and is this
 * node's; -EKEYREJECTED where board.crt was made on another board (a cloned card) and there is no
 * enrolment key to make a new one with - where there is one, it enrols anew; -ENOKEY where the
 * card carries no cluster at all. */
int pki_enrol(const char *pki_dir, const char *state_dir, uint64_t node, struct fail *f);

/* Contexts for both ends, TLS 1.3 only, both sides verified against ca.crt, no session tickets,
 * small buffers (SSL_MODE_RELEASE_BUFFERS).  'cert' and 'key' are paths.  '*ret_self' says who
 * the own certificate is. */
struct pki {
        SSL_CTX *server;
        SSL_CTX *client;
        struct pki_identity self;
};
int pki_load(const char *ca, const char *cert, const char *key, struct pki *ret, struct fail *f);
void pki_done(struct pki *p);

/* Who is at the other end of a verified handshake.  -EKEYREJECTED with a sentence. */
int pki_peer(const SSL *ssl, struct pki_identity *ret, struct fail *f);

#endif
