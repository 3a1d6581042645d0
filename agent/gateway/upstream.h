/* upstream - connections to replicas: opened, kept for the next call, and what comes back on them
 * read as HTTP. */
#ifndef BRAMBLE_GATEWAY_UPSTREAM_H
#define BRAMBLE_GATEWAY_UPSTREAM_H

#include "core/http_parse.h"
#include "gateway/functions.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct gateway;
struct upstream; /* a connection that serves one call */

/* The call's side.  Any of these may give the connection back; nothing is called after that. */
struct upstream_ops {
        /* Connected: write now.  Not called where upstream_open() said so itself. */
        void (*ready)(void *arg);
        /* A head: an interim one (1xx, any number of them), or the final one, once. */
        void (*head)(void *arg, const struct http_head *head);
        /* Bytes of the body, without the framing of chunks where upstream_decode() asked so;
         * after a 101: whatever comes. */
        void (*body)(void *arg, const char *data, size_t len);
        /* The response is whole.  'reusable': the connection can serve another call. */
        void (*end)(void *arg, bool reusable);
        /* What came at once has been handed out: the time to send what was collected. */
        void (*flush)(void *arg);
        void (*drained)(void *arg);
        /* No whole response will come.  'error' as errno; -ECONNRESET where the function had not
         * taken the whole request, 0 where it had, and closed. */
        void (*failed)(void *arg, int error);
};

/* A kept connection, or a new one that is being made. 1: write now; 0: 'ready' or 'failed' will
 * come; negative errno. The replica is referenced as long as the connection lives. */
int upstream_open(struct gateway *g, struct replica *r, const struct upstream_ops *ops, void *arg,
                  struct upstream **ret);

/* The call is over: the connection is kept for the next one, or closed. */
void upstream_release(struct upstream *u, bool reusable);

/* As sock_write(). */
int upstream_write(struct upstream *u, const uv_buf_t *bufs, unsigned n);
/* Says that the next response is one to a HEAD request. */
void upstream_expect_no_body(struct upstream *u);
/* From here on chunked bodies are handed out without their framing. */
void upstream_decode(struct upstream *u);
/* Was it kept from an earlier call?  Then its peer may have closed it for that reason alone. */
bool upstream_was_kept(const struct upstream *u);
/* Did a byte of a response come? */
bool upstream_answered(const struct upstream *u);
void upstream_pause(struct upstream *u);
void upstream_resume(struct upstream *u);
/* The other side of a tunnel sends no more. */
void upstream_shutdown(struct upstream *u);

/* Closes the unused connections to a replica. */
void upstream_drop_idle(struct replica *r);

#endif
