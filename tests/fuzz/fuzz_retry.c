/* Annotations about retries, as people write them, and Retry-After, as functions send it. */
#include "core/retry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const keys[] = {
                "com.openfaas.retry.attempts",
                "com.openfaas.retry.codes",
                "com.openfaas.retry.min_wait",
                "com.openfaas.retry.max_wait",
        };
        struct http_text text = { (const char *)data, size };
        struct retry_policy p = retry_default();
        struct retry_answer a = { .status = 503, .retry_after_usec = retry_after(&text) };
        char *copy = malloc(size + 1);
        usec_t wait;

        memcpy(copy, data, size);
        copy[size] = '\0';
        for (size_t i = 0; i < 4; i++)
                (void)retry_annotation(&p, keys[i], copy, NULL);
        if (p.attempts == 0 || p.n_codes > RETRY_CODES || p.min_wait_usec > RETRY_MOST_USEC ||
            a.retry_after_usec > RETRY_MOST_USEC)
                abort();
        for (uint32_t made = 1; made < 100; made++)
                if (retry_again(&p, made, &a, &wait) && wait > RETRY_MOST_USEC)
                        abort();
        free(copy);
        return 0;
}
