#include "watchdog/answer.h"

#include "core/http_status.h"

#include <assert.h>
#include <stdio.h>

size_t answer_head(const struct answer *a, char ret[static ANSWER_HEAD]) {
        bool typed = a->type && a->type[0];
        int n = snprintf(ret, ANSWER_HEAD,
                         "HTTP/1.1 %u %s\r\n"
                         "%s%s%s"
                         "Content-Length: %zu\r\n"
                         "X-Duration-Seconds: %llu.%06llu\r\n"
                         "%s%s\r\n",
                         a->status, http_reason(a->status), typed ? "Content-Type: " : "",
                         typed ? a->type : "", typed ? "\r\n" : "", a->length,
                         (unsigned long long)(a->took / USEC_PER_SEC),
                         (unsigned long long)(a->took % USEC_PER_SEC),
                         a->own ? "X-OpenFaaS-Internal: fwatchdog\r\n" : "",
                         !a->keep_alive  ? "Connection: close\r\n"
                         : a->old_client ? "Connection: keep-alive\r\n"
                                         : "");

        assert(n > 0 && n < ANSWER_HEAD);
        return (size_t)n;
}

int answer_stream_head(unsigned status, const char *type, const char *lines, struct buf *out) {
        bool typed = type && type[0];

        return buf_printf(out, "HTTP/1.1 %u %s\r\n%s%s%s%s\r\n", status, http_reason(status),
                          typed ? "Content-Type: " : "", typed ? type : "", typed ? "\r\n" : "",
                          lines);
}
