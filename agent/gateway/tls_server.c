#include "gateway/tls_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What ECDHE with an AEAD leaves of TLS 1.2 (RFC 9325 4.2). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* RFC 7301 3.2: who asks by name for other protocols alone is told that there is none. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg) {
        static const unsigned char ours[] = "\x08http/1.1";
        const struct tls_server *t = arg;
        unsigned char *chosen;

        (void)ssl;
        if (t->lib.SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
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

static int load_files(const struct tls_server *t, SSL_CTX *ctx, struct fail *f) {
        const struct tls_library *lib = &t->lib;
        const char *certificate = t->certificate, *key = t->key;

        if (access(certificate, R_OK) < 0)
                return fail(f, -errno, "cannot read the certificate %s: %s", certificate,
                            strerror(errno));
        if (access(key, R_OK) < 0)
                return fail(f, -errno, "cannot read the key %s: %s", key, strerror(errno));
        if (lib->SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
                return fail(f, -EBADMSG, "%s holds no certificate: %s", certificate,
                            tls_library_reason(lib));
        if (lib->SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
                return fail(f, -EBADMSG, "%s holds no key that belongs to the certificate: %s", key,
                            tls_library_reason(lib));
        return 0;
}

static int make_context(struct tls_server *t, SSL_CTX **ret, struct fail *f) {
        const struct tls_library *lib = &t->lib;
        SSL_CTX *ctx = lib->SSL_CTX_new(lib->TLS_server_method());
        int r;

        lib->ERR_clear_error();
        if (!ctx ||
            lib->SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL) != 1 ||
            lib->SSL_CTX_set_cipher_list(ctx, CIPHERS) != 1) {
                lib->SSL_CTX_free(ctx);
                return fail(f, -ENOMEM, "cannot set up TLS: %s", tls_library_reason(lib));
        }
        (void)lib->SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
        (void)lib->SSL_CTX_ctrl(ctx, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, NULL);
        /* a ticket resumes a session without the costly signature; nothing is kept for it here */
        (void)lib->SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
        (void)lib->SSL_CTX_set_num_tickets(ctx, 1);
        lib->SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, t);
        lib->SSL_CTX_set_default_passwd_cb(ctx, no_password);
        r = load_files(t, ctx, f);
        lib->ERR_clear_error();
        if (r < 0) {
                lib->SSL_CTX_free(ctx);
                return r;
        }
        *ret = ctx;
        return 0;
}

int tls_server_new(const char *certificate, const char *key, struct tls_server **ret,
                   struct fail *f) {
        struct tls_server *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return fail(f, -ENOMEM, "out of memory");
        r = tls_library_load(&t->lib, f);
        if (r < 0) {
                free(t);
                return r;
        }
        t->certificate = certificate;
        t->key = key;
        t->in = t->lib.BIO_new(t->lib.BIO_s_mem());
        t->out = t->lib.BIO_new(t->lib.BIO_s_mem());
        if (t->in && t->out) {
                /* an empty one is no end of the connection, but none of it so far */
                (void)t->lib.BIO_ctrl(t->in, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, NULL);
                (void)t->lib.BIO_ctrl(t->out, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, NULL);
                r = make_context(t, &t->ctx, f);
        } else {
                r = fail(f, -ENOMEM, "out of memory");
        }
        if (r < 0) {
                tls_server_free(t);
                return r;
        }
        *ret = t;
        return 0;
}

int tls_server_reload(struct tls_server *t, struct fail *f) {
        SSL_CTX *ctx;
        int r = make_context(t, &ctx, f);

        if (r < 0)
                return r;
        t->lib.SSL_CTX_free(t->ctx);
        t->ctx = ctx;
        return 0;
}

void tls_server_free(struct tls_server *t) {
        if (!t)
                return;
        t->lib.BIO_free(t->in);
        t->lib.BIO_free(t->out);
        t->lib.SSL_CTX_free(t->ctx);
        free(t);
}
