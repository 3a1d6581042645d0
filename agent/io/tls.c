#include "io/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>

/* OpenSSL's own socket BIO uses write(), which raises SIGPIPE when the peer is gone. */

static int bio_fd(BIO *b) {
        return (int)(intptr_t)BIO_get_data(b);
}

static int bio_read(BIO *b, char *data, int len) {
        ssize_t n;

        BIO_clear_retry_flags(b);
        do
                n = recv(bio_fd(b), data, (size_t)len, 0);
        while (n < 0 && errno == EINTR);
        if (n == 0)
                BIO_set_flags(b, BIO_FLAGS_IN_EOF);
        if (n < 0 && errno == EAGAIN)
                BIO_set_retry_read(b);
        return (int)n;
}

static int bio_write(BIO *b, const char *data, int len) {
        ssize_t n;

        BIO_clear_retry_flags(b);
        do
                n = send(bio_fd(b), data, (size_t)len, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
                BIO_set_retry_write(b);
        return (int)n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr) {
        (void)num;
        (void)ptr;
        if (cmd == BIO_CTRL_FLUSH)
                return 1;
        if (cmd == BIO_CTRL_EOF)
                return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
        return 0;
}

/* A constant that OpenSSL only lets us build at run time; made once, never changed or freed. */
static const BIO_METHOD *bio_method(void) {
        static BIO_METHOD *method;
        BIO_METHOD *m;

        if (method)
                return method;
        m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bramble socket");
        if (!m)
                return NULL;
        (void)BIO_meth_set_read(m, bio_read);
        (void)BIO_meth_set_write(m, bio_write);
        (void)BIO_meth_set_ctrl(m, bio_ctrl);
        method = m;
        return method;
}

int tls_new(SSL_CTX *ctx, int fd, bool server, SSL **ret) {
        const BIO_METHOD *method = bio_method();
        BIO *bio = method ? BIO_new(method) : NULL;
        SSL *ssl;

        if (!bio)
                return -ENOMEM;
        BIO_set_data(bio, (void *)(intptr_t)fd);
        BIO_set_init(bio, 1);
        ssl = SSL_new(ctx);
        if (!ssl) {
                (void)BIO_free(bio);
                return -ENOMEM;
        }
        SSL_set_bio(ssl, bio, bio);
        if (server)
                SSL_set_accept_state(ssl);
        else
                SSL_set_connect_state(ssl);
        *ret = ssl;
        return 0;
}

const char *tls_reason(void) {
        const char *text = ERR_reason_error_string(ERR_peek_error());

        return text ? text : "unknown";
}

/* An alert of the peer that is about our certificate. */
static bool alert_refuses(int reason) {
        static const int reasons[] = {
                SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,       SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
                SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,   SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
                SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,   SSL_R_TLSV1_ALERT_UNKNOWN_CA,
                SSL_R_TLSV1_ALERT_ACCESS_DENIED,         SSL_R_TLSV1_ALERT_DECRYPT_ERROR,
                SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
        };

        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
                if (reason == reasons[i])
                        return true;
        return false;
}

static int tls_protocol_error(const SSL *ssl, struct fail *f) {
        int reason = ERR_GET_REASON(ERR_peek_error());

        if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
                return fail(f, -ECONNRESET, "the connection was cut");
        if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
                return fail(f, -EKEYREJECTED, "the other side has no certificate");
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
                return fail(f, -EKEYREJECTED,
                            "the other side's certificate is not of this cluster: %s",
                            X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
        if (alert_refuses(reason))
                return fail(f, -EKEYREJECTED, "the other side refused our certificate: %s",
                            tls_reason());
        if (reason == ERR_R_MALLOC_FAILURE)
                return -ENOMEM;
        return fail(f, -EPROTO, "the other side does not speak our TLS 1.3: %s", tls_reason());
}

/* 'r' is what an SSL_ function returned, 'error' the errno right after it. */
static int tls_error(const SSL *ssl, int r, int error, struct fail *f) {
        switch (SSL_get_error(ssl, r)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
                return -EAGAIN;
        case SSL_ERROR_ZERO_RETURN:
                return 0;
        case SSL_ERROR_SYSCALL:
                if (error == 0)
                        return fail(f, -ECONNRESET, "the connection was cut");
                return fail(f, -error, "%s", strerror(error));
        default:
                return tls_protocol_error(ssl, f);
        }
}

static void tls_begin(void) {
        ERR_clear_error();
        errno = 0;
}

int tls_handshake(SSL *ssl, struct fail *f) {
        int r;

        tls_begin();
        r = SSL_do_handshake(ssl);
        if (r == 1)
                return 0;
        r = tls_error(ssl, r, errno, f);
        return r == 0 ? fail(f, -ECONNRESET, "the other side ended the handshake") : r;
}

ssize_t tls_read(SSL *ssl, void *data, size_t len, struct fail *f) {
        int n;

        tls_begin();
        n = SSL_read(ssl, data, len > INT_MAX ? INT_MAX : (int)len);
        return n > 0 ? n : tls_error(ssl, n, errno, f);
}

ssize_t tls_write(SSL *ssl, const void *data, size_t len, struct fail *f) {
        int n;

        tls_begin();
        n = SSL_write(ssl, data, len > INT_MAX ? INT_MAX : (int)len);
        if (n > 0)
                return n;
        n = tls_error(ssl, n, errno, f);
        return n == 0 ? fail(f, -EPIPE, "the other side ended the connection") : n;
}

int tls_close(SSL *ssl) {
        int r;

        tls_begin();
        r = SSL_shutdown(ssl);
        return r >= 0 ? 0 : tls_error(ssl, r, errno, NULL);
}

bool tls_wants_write(const SSL *ssl) {
        return SSL_want_write(ssl);
}
