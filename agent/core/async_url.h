/* async_url - the addresses that asynchronous calls come with: where the answer goes, and where the
 * queue is.  Pure. */
#ifndef BRAMBLE_CORE_ASYNC_URL_H
#define BRAMBLE_CORE_ASYNC_URL_H

#include "base/fail.h"
#include "core/http_parse.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        ASYNC_CALLBACK_BYTES = 2048, /* the longest X-Callback-Url */
        ASYNC_QUEUE_BYTES = 256,     /* the longest 'queue =' */
};

/* Is it an http:// or https:// URL with a host, of printable ASCII without blanks? */
bool async_callback_valid(const struct http_text *url);

struct async_queue_url {
        bool nats;                           /* else a file of this board */
        bool has_credentials;                /* a user or a token stands in it */
        char server[ASYNC_QUEUE_BYTES];      /* for the NATS library: nats:// or tls://, no query */
        char path[ASYNC_QUEUE_BYTES];        /* the file; "" the default one */
        char stream[SIZE_NAME];              /* ?stream=, BRAMBLE where it says nothing */
        char credentials[ASYNC_QUEUE_BYTES]; /* ?creds=FILE, "" */
        char ca[ASYNC_QUEUE_BYTES];          /* ?ca=FILE: whom to trust, "" the system's */
        uint32_t replicas;                   /* ?replicas=1 to 5: servers that keep each call */
};

/* "sqlite", "/a/file", "nats://HOST[:PORT][?...]" or "tls://...".  -EINVAL and a sentence, which
 * never repeats a password. */
int async_queue_parse(const char *text, struct async_queue_url *ret, struct fail *f);

#endif
