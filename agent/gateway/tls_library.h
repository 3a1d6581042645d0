/* tls_library - OpenSSL, loaded where TLS is wanted: a gateway without it is 1.7 MB smaller. */
#ifndef BRAMBLE_GATEWAY_TLS_LIBRARY_H
#define BRAMBLE_GATEWAY_TLS_LIBRARY_H

#include "base/fail.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* Functions; what OpenSSL has as macros goes through the two _ctrl ones. */
#define TLS_LIBRARY_CALLS(X)                  \
        X(TLS_server_method)                  \
        X(SSL_CTX_new)                        \
        X(SSL_CTX_free)                       \
        X(SSL_CTX_ctrl)                       \
        X(SSL_CTX_set_options)                \
        X(SSL_CTX_set_cipher_list)            \
        X(SSL_CTX_set_num_tickets)            \
        X(SSL_CTX_set_alpn_select_cb)         \
        X(SSL_CTX_set_default_passwd_cb)      \
        X(SSL_CTX_use_certificate_chain_file) \
        X(SSL_CTX_use_PrivateKey_file)        \
        X(SSL_select_next_proto)              \
        X(SSL_new)                            \
        X(SSL_free)                           \
        X(SSL_set_bio)                        \
        X(SSL_set_accept_state)               \
        X(SSL_is_init_finished)               \
        X(SSL_read)                           \
        X(SSL_write)                          \
        X(SSL_shutdown)                       \
        X(SSL_get_error)                      \
        X(BIO_new)                            \
        X(BIO_free)                           \
        X(BIO_s_mem)                          \
        X(BIO_up_ref)                         \
        X(BIO_write)                          \
        X(BIO_ctrl)                           \
        X(ERR_clear_error)                    \
        X(ERR_get_error)                      \
        X(ERR_reason_error_string)

struct tls_library {
#define TLS_LIBRARY_CALL(name) __typeof__(name) *name;
        TLS_LIBRARY_CALLS(TLS_LIBRARY_CALL)
#undef TLS_LIBRARY_CALL
};

/* Loads it; it stays for the life of the process.  -ELIBACC. */
int tls_library_load(struct tls_library *ret, struct fail *f);

/* The first error since ERR_clear_error() as words. */
const char *tls_library_reason(const struct tls_library *lib);

#endif
