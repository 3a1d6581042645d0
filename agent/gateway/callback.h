/* callback - answers of asynchronous calls on their way to whoever wanted them: POSTs by libcurl,
 * which is loaded with the first one. */
#ifndef BRAMBLE_GATEWAY_CALLBACK_H
#define BRAMBLE_GATEWAY_CALLBACK_H

#include "base/buf.h"
#include "base/fail.h"

#include <stdint.h>
#include <uv.h>

struct callbacks;

/* 'gateway_port': where on 127.0.0.1 the hosts "gateway" and "gateway.openfaas" are found. */
int callbacks_open(uv_loop_t *loop, uint16_t gateway_port, struct callbacks **ret, struct fail *f);
/* Ends all of them without their 'done'; the loop must run on.  NULL is a no-op. */
void callbacks_close(struct callbacks *cs);

/* NULL: it was taken; else a sentence that says why not. */
typedef void (*callback_done)(void *arg, const char *error);

/* POSTs 'body' (taken over) with 'headers', lines that end with CRLF.  Tried a few times; 'done'
 * comes once, never before this returns, unless this fails: -ENOMEM. */
int callback_send(struct callbacks *cs, const char *url, const struct buf *headers,
                  struct buf *body, callback_done done, void *arg);

#endif
