#include "io/kube_api_internal.h"

#include "base/scope.h"
#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { PEM_CERTS = 8 }; /* authorities, or a chain */

static void free_certs(STACK_OF(X509) * *certs) {
        sk_X509_pop_free(*certs, X509_free);
}
static void free_key(EVP_PKEY **key) {
        EVP_PKEY_free(*key);
}
static void free_context(SSL_CTX **ctx) {
        SSL_CTX_free(*ctx);
}
#define auto_certs   __attribute__((cleanup(free_certs)))
#define auto_pkey    __attribute__((cleanup(free_key)))
#define auto_context __attribute__((cleanup(free_context)))

/* ---- PEM ----------------------------------------------------------------------------------- */

/* All certificates of a text, which may hold a key too.  -EBADMSG where there is none. */
static int read_certs(const char *pem, STACK_OF(X509) * *ret) {
        auto_certs STACK_OF(X509) *certs = sk_X509_new_null();
        BIO *bio = BIO_new_mem_buf(pem, -1);
        X509 *x;

        while (certs && bio && sk_X509_num(certs) < PEM_CERTS &&
               (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
                if (!sk_X509_push(certs, x))
                        X509_free(x);
        BIO_free(bio);
        ERR_clear_error(); /* the end of the text is an error there */
        if (!certs || !bio)
                return -ENOMEM;
        if (sk_X509_num(certs) == 0)
                return -EBADMSG;
        *ret = take_ptr(certs);
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

static int use_cert(SSL_CTX *ctx, const char *cert, const char *key_text, struct fail *f) {
        auto_certs STACK_OF(X509) *chain = NULL;
        auto_pkey EVP_PKEY *key = NULL;
        X509 *leaf;
        BIO *bio;
        int r = read_certs(cert, &chain);

        if (r < 0)
                return fail(f, r, "the client certificate is none");
        bio = BIO_new_mem_buf(key_text, -1);
        key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
        BIO_free(bio);
        ERR_clear_error();
        if (!key)
                return fail(f, -EBADMSG,
                            "the client key is none that can be used without a password");
        leaf = sk_X509_shift(chain);
        r = SSL_CTX_use_cert_and_key(ctx, leaf, key, chain, 1) == 1 &&
                            SSL_CTX_check_private_key(ctx) == 1
                    ? 0
                    : -EKEYREJECTED;
        X509_free(leaf);
        ERR_clear_error();
        return r < 0 ? fail(f, r, "the client key is not the key of the client certificate") : 0;
}

static int trust(SSL_CTX *ctx, const char *ca, struct fail *f) {
        auto_certs STACK_OF(X509) *certs = NULL;
        X509_STORE *store = SSL_CTX_get_cert_store(ctx);
        int r = read_certs(ca, &certs);

        if (r < 0)
                return fail(f, r, "the cluster's CA holds no certificate");
        for (int i = 0; i < sk_X509_num(certs); i++)
                if (X509_STORE_add_cert(store, sk_X509_value(certs, i)) != 1)
                        r = -ENOMEM;
        /* kubeadm's CA may have been signed by another one that is nowhere here */
        (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        ERR_clear_error();
        return r;
}

int kube_api_context(const struct kube_api_server *s, SSL_CTX **ret, struct fail *f) {
        static const unsigned char alpn[] = "\x08http/1.1";
        auto_context SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        int r;

        if (!ctx)
                return -ENOMEM;
        if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
            /* a Pi before the 5 has no AES instructions */
            SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
                                          "TLS_AES_256_GCM_SHA384") != 1 ||
            SSL_CTX_set_cipher_list(ctx, "ECDHE+CHACHA20:ECDHE+AESGCM") != 1 ||
            SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) != 0)
                return fail(f, -ENOMEM, "cannot set up TLS: %s", tls_reason());
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                               SSL_OP_NO_COMPRESSION);
        (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                            SSL_MODE_NO_AUTO_CHAIN);
        r = trust(ctx, s->ca, f);
        if (r == 0 && s->cert)
                r = use_cert(ctx, s->cert, s->key, f);
        if (r == 0)
                *ret = take_ptr(ctx);
        return r;
}

/* ---- the server's name --------------------------------------------------------------------- */

int kube_api_expect(SSL *ssl, const char *name) {
        X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
        int r;

        /* the subject's CN is no name since RFC 6125; Go does not look at it either */
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        r = X509_VERIFY_PARAM_set1_ip_asc(param, name);
        if (r != 1)
                r = X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
                    SSL_set_tlsext_host_name(ssl, name) == 1;
        ERR_clear_error();
        return r == 1 ? 0 : -EINVAL;
}

/* ---- sentences ----------------------------------------------------------------------------- */

static int explain_certificate(long why, const char *peer, const char *name, struct fail *ret) {
        switch (why) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
                return fail(ret, -EKEYEXPIRED, "%s: its certificate has expired", peer);
        case X509_V_ERR_CERT_NOT_YET_VALID:
                return fail(ret, -EKEYEXPIRED,
                            "%s: its certificate is not yet valid: a clock is wrong, this board's "
                            "or that of the board which made it",
                            peer);
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
                return fail(ret, -EKEYREJECTED, "%s: its certificate is not for the name %.100s",
                            peer, name);
        /* two clusters' authorities have one name, "kubernetes": then the signature tells */
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
                return fail(ret, -EKEYREJECTED,
                            "a stranger answers on %s: its certificate is not from this cluster's "
                            "CA",
                            peer);
        default:
                return fail(ret, -EKEYREJECTED, "%s: its certificate is refused: %s", peer,
                            X509_verify_cert_error_string(why));
        }
}

int kube_api_explain(const SSL *ssl, int error, const char *peer, const char *name,
                     const struct fail *f, struct fail *ret) {
        const long why = SSL_get_verify_result(ssl);

        if (error == -EKEYREJECTED && why != X509_V_OK)
                return explain_certificate(why, peer, name, ret);
        if (error == -EKEYREJECTED)
                return fail(ret, error, "%s refused our certificate: %s", peer, tls_reason());
        if (error == -EPROTO)
                return fail(ret, error, "no TLS 1.2 or 1.3 with what answers on %s: %s", peer,
                            tls_reason());
        return fail(ret, error, "%s: %s", peer, fail_text(f));
}
