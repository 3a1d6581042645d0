/* proxy - calls of functions: a client's request on its way to a replica, and the answer back. */
#ifndef BRAMBLE_GATEWAY_PROXY_H
#define BRAMBLE_GATEWAY_PROXY_H

#include "core/http_parse.h"

struct client;
struct gateway;

/* Answers a request to /function/'rest'. */
void proxy_start(struct gateway *g, struct client *client, const struct http_head *head,
                 const struct http_text *rest);

#endif
