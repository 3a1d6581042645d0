/* One stream, one reading: the requests of a connection, with their bodies, are the same in one
 * piece and in many; and what the gateway makes of them for a function reads as the same requests.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "core/http_body.h"
#include "core/http_forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What was read: "METHOD TARGET body-kind\n" and the body's bytes of each request, one behind the
 * other; and the stream that would be sent on. */
struct reading {
        struct buf requests, forwarded;
        int error; /* that ended it */
        size_t used;
};

static void must(int r) {
        if (r < 0)
                abort();
}

static void note_head(struct reading *to, const struct http_head *head, bool forward) {
        struct http_forward own = {
                .id = "0", .start_ns = 1, .peer = "::1", .function = "f", .rest = head->path
        };

        must(buf_printf(&to->requests, "%.*s %.*s?%.*s %d\n", (int)head->method.len,
                        head->method.at, (int)head->path.len, head->path.at, (int)head->query.len,
                        head->query.at, head->body));
        if (forward)
                must(http_forward_request(&to->forwarded, head, &own, false));
}

/* Takes what it can of 'at'; bytes used. */
static size_t take(struct reading *to, const char *at, size_t len, bool forward, bool *in_body,
                   struct http_body_reader *body, size_t *scanned) {
        struct http_text left = { at, len };
        const char *before = at;
        long n;

        if (!*in_body) {
                struct http_head head;

                n = http_parse_request(at, len, scanned, &head);
                if (n == 0 && len >= HTTP_HEAD_BYTES)
                        abort();
                if (n > 0 && head.path.len == 0)
                        n = -EBADMSG; /* no path of ours: never passed on */
                if (n <= 0) {
                        to->error = (int)n;
                        return 0;
                }
                note_head(to, &head, forward);
                http_body_begin(body, &head);
                *scanned = 0;
                *in_body = true;
                return (size_t)n;
        }
        n = http_body_next(body, &left);
        if (n < 0) {
                to->error = (int)n;
                return 0;
        }
        if (n > 0) {
                must(buf_add(&to->requests, left.at, (size_t)n));
                http_body_take(body, &left, (size_t)n);
        }
        if (forward) /* chunks keep their framing */
                must(buf_add(&to->forwarded, before, (size_t)(left.at - before)));
        *in_body = !body->done;
        return (size_t)(left.at - before);
}

/* 'step' bytes more come each time. */
static void read_stream(struct reading *to, const char *data, size_t size, size_t step,
                        bool forward) {
        struct http_body_reader body;
        bool in_body = false;
        size_t scanned = 0;

        memset(to, 0, sizeof(*to));
        for (size_t have = step < size ? step : size;;
             have = size - have < step ? size : have + step) {
                size_t used;

                do {
                        bool was_in_body = in_body;

                        used = take(to, data + to->used, have - to->used, forward, &in_body, &body,
                                    &scanned);
                        to->used += used;
                        if (was_in_body != in_body)
                                used = 1; /* nothing was left to take of an empty body */
                } while (used > 0 && to->error == 0);
                if (to->error < 0 || have == size)
                        return;
        }
}

static void same(const struct buf *a, const struct buf *b) {
        if (a->len != b->len || (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const size_t steps[] = { 1, 2, 7, 61 };
        struct reading whole, pieces, again;

        read_stream(&whole, (const char *)data, size, size, true);
        fuzz_took = whole.error == 0 && whole.used == size;
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                read_stream(&pieces, (const char *)data, size, steps[i], true);
                if (pieces.error != whole.error)
                        abort();
                same(&whole.requests, &pieces.requests);
                /* of a body that goes wrong, more or less was sent on before that was seen */
                if (whole.error == 0)
                        same(&whole.forwarded, &pieces.forwarded);
                buf_done(&pieces.requests);
                buf_done(&pieces.forwarded);
        }
        read_stream(&again, whole.forwarded.data, whole.forwarded.len, whole.forwarded.len, false);
        /* what is added to a head may be too much for the limits; it is never something else */
        if (again.error != 0 && again.error != -E2BIG)
                abort();
        if (again.error == 0 && whole.error == 0)
                same(&whole.requests, &again.requests);
        else if (again.requests.len > whole.requests.len ||
                 (again.requests.len > 0 &&
                  memcmp(again.requests.data, whole.requests.data, again.requests.len) != 0))
                abort();
        buf_done(&again.requests);
        buf_done(&whole.requests);
        buf_done(&whole.forwarded);
        return 0;
}
