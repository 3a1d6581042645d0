#include "gateway/sock_tls.h"

#include <errno.h>
#include <string.h>

/* A head and a short body are one record (RFC 8446 5.1: at most 2^14 bytes). */
enum { SOCK_TLS_RECORD = 16 * 1024 };

SSL *sock_tls_new(struct tls_server *t) {
        SSL *ssl = t->lib.SSL_new(t->ctx);

        if (!ssl)
                return NULL;
        (void)t->lib.BIO_up_ref(t->in);
        (void)t->lib.BIO_up_ref(t->out);
        t->lib.SSL_set_bio(ssl, t->in, t->out);
        t->lib.SSL_set_accept_state(ssl);
        return ssl;
}

int sock_tls_feed(struct tls_server *t, const char *data, size_t len) {
        return t->lib.BIO_write(t->in, data, (int)len) == (int)len ? 0 : -ENOMEM;
}

long sock_tls_read(SSL *ssl, struct tls_server *t) {
        int n;

        t->lib.ERR_clear_error();
        n = t->lib.SSL_read(ssl, t->plain, sizeof(t->plain));
        if (n > 0)
                return n;
        switch (t->lib.SSL_get_error(ssl, n)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
                return 0;
        case SSL_ERROR_ZERO_RETURN:
                return -EPIPE;
        default:
                t->lib.ERR_clear_error();
                return -EPROTO;
        }
}

void sock_tls_forget(struct tls_server *t) {
        (void)t->lib.BIO_ctrl(t->in, BIO_CTRL_RESET, 0, NULL);
}

static int encrypt(const struct tls_server *t, SSL *ssl, const char *data, size_t len) {
        if (len == 0)
                return 0;
        /* memory takes all of it */
        return t->lib.SSL_write(ssl, data, (int)len) == (int)len ? 0 : -EPROTO;
}

int sock_tls_write(SSL *ssl, struct tls_server *t, const uv_buf_t *bufs, unsigned n) {
        char together[SOCK_TLS_RECORD];
        size_t at = 0;
        int r = 0;

        if (!t->lib.SSL_is_init_finished(ssl))
                return -ENOTCONN;
        t->lib.ERR_clear_error();
        for (unsigned i = 0; i < n && r == 0; i++) {
                if (at + bufs[i].len > sizeof(together)) {
                        r = encrypt(t, ssl, together, at);
                        at = 0;
                }
                if (r == 0 && bufs[i].len > sizeof(together)) {
                        r = encrypt(t, ssl, bufs[i].base, bufs[i].len);
                } else if (bufs[i].len > 0) {
                        memcpy(together + at, bufs[i].base, bufs[i].len);
                        at += bufs[i].len;
                }
        }
        return r < 0 ? r : encrypt(t, ssl, together, at);
}

void sock_tls_end(SSL *ssl, struct tls_server *t) {
        t->lib.ERR_clear_error();
        if (t->lib.SSL_is_init_finished(ssl))
                (void)t->lib.SSL_shutdown(ssl);
        t->lib.ERR_clear_error();
}

uv_buf_t sock_tls_output(struct tls_server *t) {
        char *data = NULL;
        long len = t->lib.BIO_ctrl(t->out, BIO_CTRL_INFO, 0, &data);

        return uv_buf_init(data, len > 0 ? (unsigned)len : 0);
}

void sock_tls_sent(struct tls_server *t) {
        (void)t->lib.BIO_ctrl(t->out, BIO_CTRL_RESET, 0, NULL);
}

void sock_tls_free(SSL *ssl, struct tls_server *t) {
        t->lib.SSL_free(ssl);
}
