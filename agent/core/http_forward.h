/* http_forward - rewrites heads as a proxy does: the client's for the function, the function's for
 * the client.  Pure. */
#ifndef BRAMBLE_CORE_HTTP_FORWARD_H
#define BRAMBLE_CORE_HTTP_FORWARD_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

/* What a call adds to its heads. */
struct http_forward {
        const char *id;       /* X-Call-Id; NULL: nothing is added, and what was sent of it stays */
        uint64_t start_ns;    /* X-Start-Time: Unix nanoseconds */
        const char *peer;     /* the client's plain IP */
        const char *function; /* for a client that named no host */
        struct http_text rest; /* the path that the function sees; "/" where it is empty */
        bool sandbox;          /* the answer may not act as the dashboard, whose origin it shares */
};

/* The cookies of the dashboard begin so: a function never gets to see them, and sets none. */
#define HTTP_FORWARD_OWN_COOKIES "bramble_"

enum { HTTP_FORWARD_ID_MAX = 128 }; /* most bytes of an X-Call-Id that a client may choose */

/* The client's own X-Call-Id; NULL where it sent none or an unusable one. */
const struct http_text *http_forward_id(const struct http_head *request);

/* Appends the request's head as the function gets it: path cut, hop-by-hop headers and Expect
 * and what is the dashboard's dropped, X-Forwarded-* and X-Call-Id and X-Start-Time set, the body's
 * framing kept.  'upgrade': asks for a change of protocol as the client did.  -ENOMEM. */
int http_forward_request(struct buf *out, const struct http_head *request,
                         const struct http_forward *call, bool upgrade);

/* Appends the response's head as the client gets it, without what would log it out of the
 * dashboard: such a Set-Cookie, and Clear-Site-Data of a function.  'connection': its own
 * Connection line or "". 'chunked': whether a chunked body keeps its framing.  -ENOMEM. */
int http_forward_response(struct buf *out, const struct http_head *response,
                          const struct http_forward *call, const char *connection, bool chunked);

#endif
