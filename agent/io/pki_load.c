#include "io/pki_internal.h"

#include "base/str.h"
#include "io/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Leaf and intermediate below the authority. */
enum { PKI_CHAIN_MOST = 3 };

int pki_path(char ret[static PKI_PATH], const char *dir, const char *name, struct fail *f) {
        int n = snprintf(ret, PKI_PATH, "%s/%s", dir, name);

        if (n < 0 || n >= PKI_PATH)
                return fail(f, -ENAMETOOLONG, "the path of %s is too long", name);
        return 0;
}

/* ---- files --------------------------------------------------------------------------------- */

static int read_file(const char *path, BIO **ret, struct fail *f) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        char data[4096];
        size_t total = 0;
        ssize_t n;
        BIO *bio;

        if (fd < 0)
                return fail(f, -errno, "cannot read %s: %s", path, strerror(errno));
        bio = BIO_new(BIO_s_mem());
        if (!bio)
                return -ENOMEM;
        while ((n = read(fd, data, sizeof(data))) > 0) {
                total += (size_t)n;
                if (total > PKI_FILE_BYTES || BIO_write(bio, data, (int)n) != n)
                        break;
        }
        OPENSSL_cleanse(data, sizeof(data)); /* it may be a key */
        if (n == 0) {
                *ret = bio;
                return 0;
        }
        BIO_free(bio);
        if (n < 0)
                return fail(f, -errno, "cannot read %s: %s", path, strerror(errno));
        return fail(f, -EBADMSG, "%s is too large for a certificate or key", path);
}

int pki_read_certs(const char *path, X509 **ret, STACK_OF(X509) * *ret_rest, struct fail *f) {
        auto_stack STACK_OF(X509) *rest = sk_X509_new_null();
        auto_x509 X509 *leaf = NULL;
        BIO *bio = NULL;
        X509 *next;
        int r;

        if (!rest)
                return -ENOMEM;
        r = read_file(path, &bio, f);
        if (r < 0)
                return r;
        leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        while (leaf && sk_X509_num(rest) < PKI_CHAIN_MOST &&
               (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
                if (!sk_X509_push(rest, next))
                        X509_free(next);
        BIO_free(bio);
        ERR_clear_error(); /* the end of the file is an error there */
        if (!leaf)
                return fail(f, -EBADMSG, "%s holds no certificate", path);
        *ret = take_ptr(leaf);
        if (ret_rest)
                *ret_rest = take_ptr(rest);
        return 0;
}

/* Without it OpenSSL would ask on the terminal. */
static int no_password(char *data, int size, int writing, void *arg) {
        (void)data;
        (void)size;
        (void)writing;
        (void)arg;
        return -1;
}

int pki_read_key(const char *path, EVP_PKEY **ret, struct fail *f) {
        BIO *bio = NULL;
        EVP_PKEY *key;
        int r;

        r = read_file(path, &bio, f);
        if (r < 0)
                return r;
        key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        BIO_free(bio);
        ERR_clear_error();
        if (!key)
                return fail(f, -EBADMSG, "%s holds no key that can be used without a password",
                            path);
        *ret = key;
        return 0;
}

/* ---- who a certificate stands for ---------------------------------------------------------- */

/* The one value of a kind in a name: a second one could be read by nobody and is refused. */
static int one_value(const X509_NAME *name, int nid, char *dst, size_t size) {
        int i = X509_NAME_get_index_by_NID(name, nid, -1);
        const ASN1_STRING *s;

        if (i < 0 || X509_NAME_get_index_by_NID(name, nid, i) >= 0)
                return -EKEYREJECTED;
        s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
        /* we write UTF8String; a type of two bytes a character is never ours */
        if (ASN1_STRING_type(s) != V_ASN1_UTF8STRING &&
            ASN1_STRING_type(s) != V_ASN1_PRINTABLESTRING)
                return -EKEYREJECTED;
        if (str_copy_n(dst, size, (const char *)ASN1_STRING_get0_data(s),
                       (size_t)ASN1_STRING_length(s)) < 0)
                return -EKEYREJECTED;
        return 0;
}

int pki_leaf_node(const X509 *leaf, uint64_t *ret, struct fail *f) {
        char text[SIZE_NAME], again[17];
        uint64_t node;

        if (one_value(X509_get_subject_name(leaf), NID_commonName, text, sizeof(text)) < 0 ||
            str_from_hex64(text, &node) < 0 || node == 0)
                return fail(f, -EKEYREJECTED, "the certificate names no board");
        str_hex64(node, again);
        if (!str_eq(text, again)) /* one board, one spelling */
                return fail(f, -EKEYREJECTED, "the certificate names no board");
        *ret = node;
        return 0;
}

static int cluster_of(X509 *ca, struct pki_identity *ret, struct fail *f) {
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;

        if (one_value(X509_get_subject_name(ca), NID_commonName, ret->cluster,
                      sizeof(ret->cluster)) < 0)
                return fail(f, -EKEYREJECTED, "the authority's certificate names no cluster");
        if (X509_digest(ca, EVP_sha256(), digest, &len) != 1 || len < 8)
                return -ENOMEM;
        ret->cluster_id = 0;
        for (unsigned i = 0; i < 8; i++)
                ret->cluster_id = ret->cluster_id << 8 | digest[i];
        return 0;
}

int pki_identity(const STACK_OF(X509) * chain, struct pki_identity *ret, struct fail *f) {
        struct pki_identity id = { 0 };
        char unit[SIZE_NAME];
        int n = sk_X509_num(chain), r;
        X509 *leaf;

        if (n < 2 || n > PKI_CHAIN_MOST)
                return fail(f, -EKEYREJECTED, "a chain of %d certificates is none of ours", n);
        leaf = sk_X509_value(chain, 0);
        if (X509_check_ca(leaf) != 0)
                return fail(f, -EKEYREJECTED, "an authority's certificate is not a board's");
        if (one_value(X509_get_subject_name(leaf), NID_organizationalUnitName, unit, sizeof(unit)) <
            0)
                return fail(f, -EKEYREJECTED, "the certificate does not say what it is for");
        if (str_eq(unit, PKI_OU_ADMIN)) {
                /* every card carries the enrolment key: it must never make an admin */
                if (n != 2)
                        return fail(
                                f, -EKEYREJECTED,
                                "an admin's certificate must be signed by the authority itself");
                id.role = PKI_ADMIN;
        } else if (str_eq(unit, PKI_OU_BOARD)) {
                r = pki_leaf_node(leaf, &id.node, f);
                if (r < 0)
                        return r;
                id.role = PKI_BOARD;
        } else {
                return fail(f, -EKEYREJECTED,
                            "the certificate is neither a board's nor an admin's");
        }
        r = cluster_of(sk_X509_value(chain, n - 1), &id, f);
        if (r < 0)
                return r;
        *ret = id;
        return 0;
}

int pki_peer(const SSL *ssl, struct pki_identity *ret, struct fail *f) {
        const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

        if (!chain || SSL_get_verify_result(ssl) != X509_V_OK)
                return fail(f, -EKEYREJECTED, "the other side is not verified");
        return pki_identity(chain, ret, f);
}

int pki_verify(X509 *ca, X509 *leaf, STACK_OF(X509) * rest, STACK_OF(X509) * *ret_chain,
               struct fail *f) {
        X509_STORE *store = X509_STORE_new();
        X509_STORE_CTX *ctx = X509_STORE_CTX_new();
        STACK_OF(X509) *chain = NULL;
        int r = -ENOMEM;

        if (store && ctx && X509_STORE_add_cert(store, ca) == 1 &&
            X509_STORE_CTX_init(ctx, store, leaf, rest) == 1) {
                if (X509_verify_cert(ctx) == 1) {
                        chain = X509_STORE_CTX_get1_chain(ctx);
                        r = chain ? 0 : -ENOMEM;
                } else {
                        r = fail(f, -EKEYREJECTED, "the certificate is not of this cluster: %s",
                                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
                }
        }
        X509_STORE_CTX_free(ctx);
        X509_STORE_free(store);
        ERR_clear_error();
        if (r == 0)
                *ret_chain = chain;
        return r;
}

/* ---- contexts ------------------------------------------------------------------------------ */

/* The chain, and what it stands for, while the peer can still be told by an alert. */
static int verify_peer(X509_STORE_CTX *ctx, void *arg) {
        struct pki_identity id;

        (void)arg;
        if (X509_verify_cert(ctx) != 1)
                return 0;
        if (pki_identity(X509_STORE_CTX_get0_chain(ctx), &id, NULL) == 0)
                return 1;
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_REJECTED);
        return 0;
}

static int context_new(const SSL_METHOD *method, X509 *ca, X509 *leaf, STACK_OF(X509) * rest,
                       EVP_PKEY *key, SSL_CTX **ret) {
        SSL_CTX *ctx = SSL_CTX_new(method);
        bool good;

        if (!ctx)
                return -ENOMEM;
        good = SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
               SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
               /* a Pi before the 5 has no AES instructions: ChaCha20 is several times faster there,
                * and fast enough everywhere */
               SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256:"
                                             "TLS_AES_128_GCM_SHA256") == 1 &&
               /* OpenSSL keeps the exchanged keys as long as the connection: X25519's are 3 KB
                * smaller than those of P-256 */
               SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
               SSL_CTX_use_cert_and_key(ctx, leaf, key, rest, 1) == 1 &&
               X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
               SSL_CTX_set_num_tickets(ctx, 0) == 1;
        if (!good) {
                SSL_CTX_free(ctx);
                return -EKEYREJECTED;
        }
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, verify_peer, NULL);
        SSL_CTX_set_verify_depth(ctx, PKI_CHAIN_MOST);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                               SSL_OP_NO_COMPRESSION);
        (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                            SSL_MODE_NO_AUTO_CHAIN);
        /* one read a record in place of two */
        SSL_CTX_set_read_ahead(ctx, 1);
        /* strangers may send certificates before they are verified: ours take 2 KB */
        (void)SSL_CTX_set_max_cert_list(ctx, 8 * 1024);
        *ret = ctx;
        return 0;
}

int pki_load(const char *ca_path, const char *cert_path, const char *key_path, struct pki *ret,
             struct fail *f) {
        auto_stack STACK_OF(X509) *rest = NULL;
        auto_stack STACK_OF(X509) *chain = NULL;
        auto_x509 X509 *ca = NULL;
        auto_x509 X509 *leaf = NULL;
        auto_key EVP_PKEY *key = NULL;
        struct pki p = { 0 };
        int r;

        r = pki_read_certs(ca_path, &ca, NULL, f);
        if (r == 0)
                r = pki_read_certs(cert_path, &leaf, &rest, f);
        if (r == 0)
                r = pki_read_key(key_path, &key, f);
        if (r == 0)
                r = pki_verify(ca, leaf, rest, &chain, f);
        if (r == 0)
                r = pki_identity(chain, &p.self, f);
        if (r == 0 && X509_check_private_key(leaf, key) != 1) {
                ERR_clear_error();
                r = fail(f, -EKEYREJECTED, "%s is not the key of %s", key_path, cert_path);
        }
        if (r == 0)
                r = context_new(TLS_server_method(), ca, leaf, rest, key, &p.server);
        if (r == 0)
                r = context_new(TLS_client_method(), ca, leaf, rest, key, &p.client);
        if (r < 0) {
                pki_done(&p);
                return fail(f, r, "cannot use %s with %s: %s", cert_path, ca_path, tls_reason());
        }
        *ret = p;
        return 0;
}

void pki_done(struct pki *p) {
        SSL_CTX_free(p->server);
        SSL_CTX_free(p->client);
        *p = (struct pki){ 0 };
}
