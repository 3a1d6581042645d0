#include "watchdog/answer.h"

#include "base/scope.h"

#include <assert.h>
#include <stdio.h>

static const char *reason(unsigned status) {
        static const struct {
                unsigned status;
                const char *reason;
        } reasons[] = {
                { 200, "OK" },
                { 400, "Bad Request" },
                { 404, "Not Found" },
                { 408, "Request Timeout" },
                { 429, "Too Many Requests" },
                { 431, "Request Header Fields Too Large" },
                { 500, "Internal Server Error" },
                { 501, "Not Implemented" },
                { 503, "Service Unavailable" },
                { 505, "HTTP Version Not Supported" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                if (reasons[i].status == status)
                        return reasons[i].reason;
        return "Unknown";
}

size_t answer_head(const struct answer *a, char ret[static ANSWER_HEAD]) {
        bool typed = a->type && a->type[0];
        int n = snprintf(ret, ANSWER_HEAD,
                         "HTTP/1.1 %u %s\r\n"
                         "%s%s%s"
                         "Content-Length: %zu\r\n"
                         "X-Duration-Seconds: %llu.%06llu\r\n"
                         "%s%s\r\n",
                         a->status, reason(a->status), typed ? "Content-Type: " : "",
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
