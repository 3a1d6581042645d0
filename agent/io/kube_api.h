/* kube_api - requests to a Kubernetes API server, on the loop: TLS 1.2 or 1.3 against one
 * cluster's authority, a connection for each request. */
#ifndef BRAMBLE_IO_KUBE_API_H
#define BRAMBLE_IO_KUBE_API_H

#include "base/fail.h"
#include "base/time.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct kube_api;         /* a server that may be asked, and as whom */
struct kube_api_request; /* a request under way; the kube_api owns it */

enum {
        KUBE_API_REQUESTS = 8,                    /* under way at a time; more are -EBUSY */
        KUBE_API_SEND_BYTES = 1024 * 1024,        /* body of a request */
        KUBE_API_BODY_BYTES = 4 * 1024 * 1024,    /* body of an answer, collected */
        KUBE_API_STREAM_BYTES = 32 * 1024 * 1024, /* body of an answer, streamed */
};

/* Copied.  PEM texts as the kubeconfig has them. */
struct kube_api_server {
        const char *address; /* IPv4, to be dialled */
        uint16_t port;
        const char *name; /* what its certificate must say: a DNS name or an IP address */
        const char *ca;   /* one or more authorities */
        const char *cert; /* of who asks, with what it was signed by; NULL: nobody */
        const char *key;  /* NULL together with cert */
};

/* Connects to nobody yet.  -EINVAL: no address or name; -EBADMSG: no certificate or key;
 * -EKEYREJECTED: the key is another certificate's; -ENOMEM. */
int kube_api_new(uv_loop_t *loop, const struct kube_api_server *server, struct kube_api **ret,
                 struct fail *f);
/* What is under way ends with -ECANCELED before this returns; then no callback comes.  May be
 * called inside callbacks.  NULL is a no-op. */
void kube_api_free(struct kube_api *a);

/* A piece of a streamed answer's body, of an answer with this status. */
typedef void (*kube_api_chunk_cb)(void *arg, unsigned status, const char *data, size_t len);

struct kube_api_ask {
        const char *method; /* "GET" */
        const char *path;   /* "/api/v1/nodes?limit=8": escaped already */
        const char *type;   /* of the body: "application/json"; NULL: no body */
        const void *body;
        size_t len;
        usec_t timeout_usec;     /* from now to the last byte of the answer; never 0 */
        kube_api_chunk_cb chunk; /* takes the body in pieces; NULL: it is collected */
};

/* The end of a request; never called from inside kube_api_request().  'result' 0: an answer came,
 * of 'status', whatever that says; 'body' (a NUL behind it; "" where it was streamed) is the
 * kube_api's.  Else 'status' is 0, 'why' a sentence, and the result
 *   -ECONNREFUSED, -EHOSTUNREACH ...: what connecting said
 *   -ETIMEDOUT      no whole answer in time
 *   -EKEYREJECTED   a stranger, another name, or the server refused our certificate
 *   -EKEYEXPIRED    the server's certificate has expired, or is not valid yet
 *   -EPROTO         that is no TLS 1.2 or 1.3, or no HTTP
 *   -ECONNRESET     the connection ended inside the answer: nobody knows whether it was done
 *   -EMSGSIZE       the body is above the limit
 *   -ENOMEM, -ECANCELED. */
typedef void (*kube_api_cb)(void *arg, int result, const char *why, unsigned status,
                            const char *body, size_t len);

/* Copies what 'ask' points to.  'ret' (NULL where nobody asks) is valid until 'done' is called.
 * -EBUSY above KUBE_API_REQUESTS, -EMSGSIZE above KUBE_API_SEND_BYTES, -EINVAL: a method, path or
 * type that no request line can hold, -ECANCELED while the kube_api is freed, -ENOMEM, errors of
 * socket(). */
int kube_api_request(struct kube_api *a, const struct kube_api_ask *ask, kube_api_cb done,
                     void *arg, struct kube_api_request **ret);
/* Ends it: 'done' comes with -ECANCELED before this returns. */
void kube_api_cancel(struct kube_api_request *q);

#endif
