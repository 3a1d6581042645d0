/* retry - whether a call that failed is made again, and when.  Pure. */
#ifndef BRAMBLE_CORE_RETRY_H
#define BRAMBLE_CORE_RETRY_H

#include "base/fail.h"
#include "base/time.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        RETRY_CODES = 16,    /* statuses that one function may name */
        RETRY_ATTEMPTS = 10, /* where a function says nothing */
        RETRY_MOST_ATTEMPTS = 1000,
};
#define RETRY_MIN_WAIT_USEC (1 * USEC_PER_SEC)   /* where a function says nothing: doubled ... */
#define RETRY_MAX_WAIT_USEC (1 * USEC_PER_MIN)   /* ... up to this */
#define RETRY_MOST_USEC     (24 * USEC_PER_HOUR) /* no wait is longer, whoever asks for it */

struct retry_policy {
        uint32_t attempts; /* in all, with the first one */
        usec_t min_wait_usec, max_wait_usec;
        size_t n_codes;
        uint16_t codes[RETRY_CODES];
};

/* 408, 429, 500, 502, 503 and 504, with the numbers above. */
struct retry_policy retry_default(void);

/* Takes one annotation of a function: com.openfaas.retry.attempts (1 to 1000), .codes ("429,503"),
 * .min_wait, .max_wait ("500ms", "1m30s"; a bare number is seconds).  0; -ENOENT: the key is none
 * of these; -EINVAL and a sentence for a wrong value, which changes nothing. */
int retry_annotation(struct retry_policy *p, const char *key, const char *value, struct fail *f);

struct retry_answer {
        uint16_t status;
        bool own;                /* made by bramble: the function did not answer at all */
        usec_t retry_after_usec; /* its Retry-After; 0: none */
};

/* After 'made' attempts (1 or more), of which the last one was answered so: is there another one?
 * Then '*ret_wait' is how long to wait before it. */
bool retry_again(const struct retry_policy *p, uint32_t made, const struct retry_answer *a,
                 usec_t *ret_wait);

/* A Retry-After header in seconds.  0 where 't' is NULL, zero or no number: an HTTP date would need
 * a clock that boards do not have. */
usec_t retry_after(const struct http_text *t);

#endif
