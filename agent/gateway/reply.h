/* reply - responses that the gateway makes itself. */
#ifndef BRAMBLE_GATEWAY_REPLY_H
#define BRAMBLE_GATEWAY_REPLY_H

#include <cjson/cJSON.h>
#include <stddef.h>

struct client;

/* A whole response.  'headers': more header lines, each with its CRLF, or "".  'type' may be NULL
 * where there is no body. Ends the exchange. */
void reply_send(struct client *c, unsigned status, const char *headers, const char *type,
                const char *body, size_t len);

/* One sentence as text/plain, marked as the gateway's own: X-OpenFaaS-Internal. */
void reply_error(struct client *c, unsigned status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The same with header lines of its own. */
void reply_error_with(struct client *c, unsigned status, const char *headers, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

/* Prints and frees 'o' (NULL: out of memory). */
void reply_json(struct client *c, unsigned status, cJSON *o);

#endif
