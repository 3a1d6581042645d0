/* kube_api_internal - what the two files of kube_api share: kube_api.c (requests) and
 * kube_api_tls.c (who is trusted, and what went wrong as a sentence). */
#ifndef BRAMBLE_IO_KUBE_API_INTERNAL_H
#define BRAMBLE_IO_KUBE_API_INTERNAL_H

#include "io/kube_api.h"

#include <openssl/ssl.h>

enum { SIZE_PEER = 24 }; /* "255.255.255.255:65535" */

/* A context that trusts 'ca' alone and shows 'cert'.  The errors of kube_api_new(). */
int kube_api_context(const struct kube_api_server *s, SSL_CTX **ret, struct fail *f);
/* The server must be 'name'.  -ENOMEM, -EINVAL. */
int kube_api_expect(SSL *ssl, const char *name);
/* Why the TLS that says 'error' ended ('f' holds io/tls's sentence), for the server at 'peer'.
 * The result for the caller, with a sentence in 'ret'. */
int kube_api_explain(const SSL *ssl, int error, const char *peer, const char *name,
                     const struct fail *f, struct fail *ret);

#endif
