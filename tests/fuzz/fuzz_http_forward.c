/* What the gateway passes on is read by the next server as what it was: one head, the same framing
 * of the body, nothing smuggled in by a header. */
#include "fuzz.h"

#include "core/http_forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct http_forward call = {
        .id = "0", .start_ns = 1, .peer = "::1", .function = "f"
};

static void request(const char *data, size_t size) {
        struct http_head head, again;
        struct buf out = { 0 };
        size_t scanned = 0;
        long got;
        struct http_forward own = call;

        if (http_parse_request(data, size, &scanned, &head) <= 0 || head.path.len == 0)
                return;
        fuzz_took = true;
        own.rest = head.path;
        if (http_forward_request(&out, &head, &own, head.upgrade) < 0)
                abort();
        scanned = 0;
        got = http_parse_request(out.data, out.len, &scanned, &again);
        /* what is added may be too much for the limits; it is never something else */
        if (got != -E2BIG &&
            (got != (long)out.len || again.body != head.body || again.length != head.length ||
             again.upgrade != head.upgrade || again.expect_continue ||
             again.method.len != head.method.len || again.query.len != head.query.len))
                abort();
        buf_done(&out);
}

static void response(const char *data, size_t size) {
        struct http_head head, again;
        struct buf out = { 0 };
        size_t scanned = 0;
        long got;

        if (http_parse_response(data, size, &scanned, false, &head) <= 0)
                return;
        fuzz_took = true;
        if (http_forward_response(&out, &head, &call, "", true) < 0)
                abort();
        scanned = 0;
        got = http_parse_response(out.data, out.len, &scanned, false, &again);
        if (got != -E2BIG &&
            (got != (long)out.len || again.body != head.body || again.status != head.status ||
             (again.body == HTTP_BODY_LENGTH && again.length != head.length)))
                abort();
        buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        request((const char *)data, size);
        response((const char *)data, size);
        return 0;
}
