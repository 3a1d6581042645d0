#include "gateway/tls_server.h"

#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

/* What ECDHE with an AEAD leaves of TLS 1.2 (RFC 9325 4.2). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* RFC 7301 3.2: who asks by name for other protocols alone is told that there is none. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg) {
        static const unsigned char ours[] = "\x08http/1.1";
        unsigned char *chosen;

        (void)ssl;
        (void)arg;
        if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
            OPENSSL_NPN_NEGOTIATED)
                return SSL_TLSEXT_ERR_ALERT_FATAL;
        *out = chosen;
        return SSL_TLSEXT_ERR_OK;
}

/* Without it OpenSSL would ask on the terminal. */
static int no_password(char *data, int size, int writing, void *arg) {
        (void)data;
        (void)size;
        (void)writing;
        (void)arg;
        return -1;
}

static int load_files(SSL_CTX *ctx, const char *certificate, const char *key, struct fail *f) {
        if (access(certificate, R_OK) < 0)
                return fail(f, -errno, "cannot read the certificate %s: %s", certificate,
                            strerror(errno));
        if (access(key, R_OK) < 0)
                return fail(f, -errno, "cannot read the key %s: %s", key, strerror(errno));
        if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
                return fail(f, -EBADMSG, "%s holds no certificate: %s", certificate, tls_reason());
        if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
                return fail(f, -EBADMSG, "%s holds no key that belongs to the certificate: %s", key,
                            tls_reason());
        return 0;
}

static int make_context(const char *certificate, const char *key, SSL_CTX **ret, struct fail *f) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
        int r;

        ERR_clear_error();
        if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
            SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1) {
                SSL_CTX_free(ctx);
                return fail(f, -ENOMEM, "cannot set up TLS: %s", tls_reason());
        }
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                               SSL_OP_CIPHER_SERVER_PREFERENCE);
        (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
        /* a ticket resumes a session without the costly signature; nothing is kept for it here */
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_num_tickets(ctx, 1);
        SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
        SSL_CTX_set_default_passwd_cb(ctx, no_password);
        r = load_files(ctx, certificate, key, f);
        ERR_clear_error();
        if (r < 0) {
                SSL_CTX_free(ctx);
                return r;
        }
        *ret = ctx;
        return 0;
}

int tls_server_new(const char *certificate, const char *key, struct tls_server **ret,
                   struct fail *f) {
        struct tls_server *t = calloc(1, sizeof(*t));
        int r;

        if (t) {
                t->in = BIO_new(BIO_s_mem());
                t->out = BIO_new(BIO_s_mem());
        }
        if (!t || !t->in || !t->out) {
                tls_server_free(t);
                return fail(f, -ENOMEM, "out of memory");
        }
        /* an empty one is no end of the connection, but none of it so far */
        BIO_set_mem_eof_return(t->in, -1);
        BIO_set_mem_eof_return(t->out, -1);
        r = make_context(certificate, key, &t->ctx, f);
        if (r < 0) {
                tls_server_free(t);
                return r;
        }
        t->certificate = certificate;
        t->key = key;
        *ret = t;
        return 0;
}

int tls_server_reload(struct tls_server *t, struct fail *f) {
        SSL_CTX *ctx;
        int r = make_context(t->certificate, t->key, &ctx, f);

        if (r < 0)
                return r;
        SSL_CTX_free(t->ctx);
        t->ctx = ctx;
        return 0;
}

void tls_server_free(struct tls_server *t) {
        if (!t)
                return;
        BIO_free(t->in);
        BIO_free(t->out);
        SSL_CTX_free(t->ctx);
        free(t);
}
