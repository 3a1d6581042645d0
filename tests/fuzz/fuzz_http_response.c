/* One stream, one reading: a response that comes in one piece, with whatever follows it, reads the
 * same as one that comes byte by byte. */
#include "fuzz.h"

#include "core/http_parse.h"

#include <stdlib.h>
#include <string.h>

/* Where a view begins, independent of the copy that it points into. */
static size_t offset(const struct http_text *t, const void *base) {
        return t->len ? (size_t)(t->at - (const char *)base) : 0;
}

static void same_text(const struct http_text *a, const void *in_a, const struct http_text *b,
                      const void *in_b) {
        if (a->len != b->len || offset(a, in_a) != offset(b, in_b))
                abort();
}

static void same_head(const struct http_head *a, const void *in_a, const struct http_head *b,
                      const void *in_b) {
        same_text(&a->reason, in_a, &b->reason, in_b);
        if (a->n_headers != b->n_headers || a->status != b->status || a->minor != b->minor ||
            a->body != b->body || a->length != b->length || a->keep_alive != b->keep_alive ||
            a->upgrade != b->upgrade)
                abort();
        for (size_t i = 0; i < a->n_headers; i++) {
                same_text(&a->headers[i].name, in_a, &b->headers[i].name, in_b);
                same_text(&a->headers[i].value, in_a, &b->headers[i].value, in_b);
                (void)http_hop_by_hop(a, &a->headers[i].name);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct http_head whole, pieces;
        size_t scanned = 0, len = 0;
        long want = http_parse_response((const char *)data, size, &scanned, false, &whole), got = 0;
        char *copy = NULL;

        scanned = 0;
        for (; got == 0 && len <= size; len++) {
                /* a block of its own size, so that a read behind its end is seen */
                free(copy);
                copy = malloc(len ? len : 1);
                if (!copy)
                        abort();
                if (len)
                        memcpy(copy, data, len);
                got = http_parse_response(copy, len, &scanned, false, &pieces);
        }
        if (got != want)
                abort();
        fuzz_took = got > 0;
        if (got > 0) {
                if ((size_t)got != len - 1)
                        abort();
                same_head(&whole, data, &pieces, copy);
        }
        free(copy);
        return 0;
}
