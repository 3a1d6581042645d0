/* pki - a cluster's certificate authority, enrolment, and the TLS contexts made from them.
 *
 * A cluster's folder (agentctl pki init NAME) holds
 *         ca.key ca.crt          the authority; its CN is the cluster's name.  ca.key stays at home
 *         enrol.key enrol.crt    an intermediate authority (pathlen 0) that goes on every card
 *         admin.key admin.crt    a person's certificate (OU=admin) for agentctl --host
 *         gateway.key gateway.crt   once made (agentctl pki gateway): the TLS of a board's gateway,
 * which is good for nothing else A board has <pki>/ca.crt and, before its first start,
 * <pki>/enrol.{key,crt}.  It makes its own key, signs board.crt (CN = node id as 16 hex digits, OU
 * = board; the chain holds enrol.crt) with the enrolment key, keeps both in its state folder, and
 * deletes enrol.key. P-256 keys; valid from 1970 to 9999, because boards have no clock.
 *
 * Known limit: who steals an enrolment key (a card that never started) can enrol as any node id,
 * that of a living board too.  He cannot become an admin: that takes ca.key. */
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
 * 0600.  'name' is a DNS label: a-z, 0-9 and inner hyphens, 1 to 63.  Negative errno with a
 * sentence: -EINVAL for the name, -ENOTEMPTY; nothing is left of what failed half-way. */
int pki_init_cluster(const char *dir, const char *name, struct fail *f);

enum { PKI_NAMES = 32 };

/* Makes gateway.{key,crt} in a cluster's folder, anew where they are there: for servers alone,
 * under these host names and IP addresses (1 to PKI_NAMES).  -EINVAL names the one that is none;
 * -ENOENT where ca.key or ca.crt is not there. */
int pki_make_gateway(const char *dir, const char *const *names, size_t n, struct fail *f);

/* First start: makes state_dir/board.{key,crt} from pki_dir and removes pki_dir/enrol.key.  Safe
 * to run again after a power cut at any point; run it at every start.
 *   0  enrolled just now.
 *   1  enrolled, now or earlier, but enrol.key could not be removed (a read-only card): 'f' has
 *      the sentence and the errno, to be logged as a warning.
 *   -EALREADY      board.crt is there and is this node's.
 *   -EKEYREJECTED  board.crt was made on another board (a cloned card) or for another cluster, and
 *                  there is no enrolment key to make a new one with - where there is one, it enrols
 *                  anew; or the files of pki_dir do not belong together.
 *   -ENOKEY        the card carries no cluster, or neither a certificate nor an enrolment key.
 * Other errors are the disk's. */
int pki_enrol(const char *pki_dir, const char *state_dir, uint64_t node, struct fail *f);

/* Contexts for both ends, TLS 1.3 only, both sides verified against ca.crt, no session tickets,
 * small buffers (SSL_MODE_RELEASE_BUFFERS).  'cert' and 'key' are paths.  'ret->self' says who
 * the own certificate is.  -ENOENT, -EBADMSG (no certificate or key in a file), -EKEYREJECTED (not
 * of this authority, or key and certificate do not match). */
struct pki {
        SSL_CTX *server;
        SSL_CTX *client;
        struct pki_identity self;
};
int pki_load(const char *ca, const char *cert, const char *key, struct pki *ret, struct fail *f);
void pki_done(struct pki *p);

/* Who is at the other end of a verified handshake.  An admin is only who the authority signed
 * itself; a board may be signed by the enrolment key.  -EKEYREJECTED with a sentence. */
int pki_peer(const SSL *ssl, struct pki_identity *ret, struct fail *f);

#endif
