/* heads - rewrites the heads of calls: the client's for the function, the function's for the
 * client.  No I/O. */
#ifndef BRAMBLE_GATEWAY_HEADS_H
#define BRAMBLE_GATEWAY_HEADS_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

/* What a call adds to its heads. */
struct heads_call {
        const char *id;        /* X-Call-Id */
        uint64_t start_ns;     /* X-Start-Time: Unix nanoseconds */
        const char *peer;      /* the client's plain IP */
        const char *function;  /* for a client that named no host */
        struct http_text rest; /* the path that the function sees; "/" where it is empty */
};

enum { HEADS_ID_MAX = 128 }; /* most bytes of an X-Call-Id that a client may choose */

/* The client's own X-Call-Id; NULL where it sent none or an unusable one. */
const struct http_text *heads_call_id(const struct http_head *request);

/* Appends the request's head as the function gets it: path cut, hop-by-hop headers and Expect
 * dropped, X-Forwarded-* and X-Call-Id and X-Start-Time set, the body's framing kept.  'upgrade':
 * asks for a change of protocol as the client did.  -ENOMEM. */
int heads_to_function(struct buf *out, const struct http_head *request,
                      const struct heads_call *call, bool upgrade);

/* Appends the response's head as the client gets it.  'connection': its own Connection line or "".
 * 'chunked': whether a chunked body keeps its framing.  -ENOMEM. */
int heads_to_client(struct buf *out, const struct http_head *response,
                    const struct heads_call *call, const char *connection, bool chunked);

#endif
