/* tls - OpenSSL over a non-blocking socket, its results as errno and sentences.
 *
 * Reads and writes the socket itself, so that nothing is buffered between TLS and the kernel and a
 * reader that stops reading stops the sender.  A peer that is gone never raises SIGPIPE. */
#ifndef BRAMBLE_IO_TLS_H
#define BRAMBLE_IO_TLS_H

#include "base/fail.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A connection over 'fd', which stays the caller's.  SSL_free() it.  -ENOMEM. */
int tls_new(SSL_CTX *ctx, int fd, bool server, SSL **ret);

/* 0: done, the peer is verified.  -EAGAIN: call again when the socket is ready (tls_wants_write()
 * says for what).  -EKEYREJECTED: a certificate was refused, by us or by the peer; -EPROTO: that
 * was not TLS 1.3; other errors are the socket's. */
int tls_handshake(SSL *ssl, struct fail *f);

/* Bytes read (at most one record), 0 for an orderly end by the peer.  -EAGAIN; -ECONNRESET where
 * the connection was cut; -EKEYREJECTED where the peer refused our certificate only now (TLS 1.3
 * tells the dialling side after its own handshake is done). */
ssize_t tls_read(SSL *ssl, void *data, size_t len, struct fail *f);

/* Bytes taken.  After -EAGAIN the same bytes must be offered again; more may follow them. */
ssize_t tls_write(SSL *ssl, const void *data, size_t len, struct fail *f);

/* Says close_notify.  0, -EAGAIN, or an error that changes nothing: the connection ends. */
int tls_close(SSL *ssl);

/* What -EAGAIN waits for: true until the socket is writable, false until it is readable. */
bool tls_wants_write(const SSL *ssl);

/* The first OpenSSL error of the last call as words, "unknown" where there is none. */
const char *tls_reason(void);

#endif
