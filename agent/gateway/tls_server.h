/* tls_server - TLS for the gateway's clients: a certificate and key from files, and the memory that
 * all its connections share while OpenSSL is at work. */
#ifndef BRAMBLE_GATEWAY_TLS_SERVER_H
#define BRAMBLE_GATEWAY_TLS_SERVER_H

#include "base/fail.h"
#include "gateway/sock.h"
#include "gateway/tls_library.h"

struct tls_server {
        struct tls_library lib;
        SSL_CTX *ctx;
        const char *certificate, *key; /* paths, borrowed */
        BIO *in, *out;                 /* empty between two calls: one connection at a time */
        char plain[SOCK_READ_BYTES];
};

/* TLS 1.2 and 1.3, HTTP/1.1 by ALPN.  -ENOENT and others of the disk, -EBADMSG (no certificate or
 * key in a file, or they do not belong together), -ENOMEM. */
int tls_server_new(const char *certificate, const char *key, struct tls_server **ret,
                   struct fail *f);
/* Reads the files again; connections that are there keep what they have.  The old certificate stays
 * in use where this fails. */
int tls_server_reload(struct tls_server *t, struct fail *f);
/* Only once its connections are gone; NULL is a no-op. */
void tls_server_free(struct tls_server *t);

#endif
