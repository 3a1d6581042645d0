/* async - calls that are accepted now and made later: stored, made through the gateway's own data
 * path, made again where that is wanted, their answers sent on. */
#ifndef BRAMBLE_GATEWAY_ASYNC_H
#define BRAMBLE_GATEWAY_ASYNC_H

#include "base/buf.h"
#include "base/fail.h"
#include "core/async_url.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

struct api_request;
struct async;
struct client;
struct gateway;

struct async_options {
        struct async_queue_url queue;
        uint32_t workers;    /* calls under way for one queue, from this board */
        uint32_t calls;      /* most that wait; with NATS: in the whole stream */
        uint64_t bytes;      /* the same, in bytes */
        uint64_t body_bytes; /* most of one call's body */
};

/* Opens what is there from before; an absent file is made with the first call.  'o' is copied. */
int async_open(struct gateway *g, const struct async_options *o, struct async **ret,
               struct fail *f);
/* Begins no more calls; 'stopped' comes once those under way are over and their ends are stored. */
void async_stop(struct async *a, void (*stopped)(void *arg), void *arg);
/* What is still under way is left to the next start, which marks it with X-Retry. */
void async_abort(struct async *a);
/* Only with the loop done; NULL is a no-op. */
void async_free(struct async *a);

/* Answers POST /async-function/'rest'. */
void async_accept(struct gateway *g, struct client *client, const struct http_head *head,
                  const struct http_text *rest);
/* Answers DELETE /async-function/CALLID. */
void async_cancel(struct api_request *q);

/* Prometheus text: how much waits and for how long, what failed, what was made again. */
void async_metrics(struct gateway *g, struct buf *out);

#endif
