/* sock_tls - TLS between a socket's bytes and its owner's, for sock.c alone.  Between two calls
 * nothing of it lies in shared memory: each takes all input, and what is to be sent is taken at
 * once. */
#ifndef BRAMBLE_GATEWAY_SOCK_TLS_H
#define BRAMBLE_GATEWAY_SOCK_TLS_H

#include "gateway/tls_server.h"

/* A connection that begins.  NULL: no memory. */
SSL *sock_tls_new(struct tls_server *t);

/* Gives what came from the peer: call sock_tls_read() until it returns no more.  -ENOMEM. */
int sock_tls_feed(struct tls_server *t, const char *data, size_t len);
/* Bytes put at the front of t->plain.  0: no more until the next feed; -EPIPE: the peer says that
 * this is the end; -EPROTO: that was no TLS, or none that is taken here. */
long sock_tls_read(SSL *ssl, struct tls_server *t);
/* After a reader that stopped in between. */
void sock_tls_forget(struct tls_server *t);

/* Encrypts.  -ENOTCONN before the handshake is over, -EPROTO. */
int sock_tls_write(SSL *ssl, struct tls_server *t, const uv_buf_t *bufs, unsigned n);
/* Says that no more is sent. */
void sock_tls_end(SSL *ssl, struct tls_server *t);
void sock_tls_free(SSL *ssl, struct tls_server *t);

/* What is to be sent to the peer, maybe nothing; valid until sock_tls_sent(), which must follow. */
uv_buf_t sock_tls_output(struct tls_server *t);
void sock_tls_sent(struct tls_server *t);

#endif
