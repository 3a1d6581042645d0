#include "watchdog/metrics.h"

#include "base/scope.h"

#include <assert.h>

/* Those of Prometheus' own client for Go; any other is "unknown", so that nobody can make series.
 */
static const char *const methods[] = { "get",  "post",    "put",     "delete", "patch",
                                       "head", "options", "connect", "trace",  "unknown" };
static const struct {
        usec_t most;
        const char *text;
} bounds[] = { { 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" }, { 50000, "0.05" },
               { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },  { 1000000, "1" },
               { 2500000, "2.5" }, { 5000000, "5" },   { 10000000, "10" } };
static_assert(ARRAY_SIZE(bounds) == METRICS_BUCKETS, "a bucket for each bound");

uint8_t metrics_method(const struct http_text *method) {
        uint8_t i = 0;

        while (i < ARRAY_SIZE(methods) - 1 && !http_text_is_nocase(method, methods[i]))
                i++;
        return i;
}

void metrics_count(struct metrics *m, unsigned code, uint8_t method, usec_t took) {
        unsigned i = 0;

        while (i < m->n && (m->series[i].code != code || m->series[i].method != method))
                i++;
        if (i == METRICS_SERIES)
                i--;
        if (i == m->n) {
                m->series[i].code = (uint16_t)code;
                m->series[i].method = method;
                m->n++;
        }
        m->series[i].total++;
        m->count++;
        m->sum_usec += took;
        for (i = 0; i < METRICS_BUCKETS; i++) {
                if (took > bounds[i].most)
                        continue;
                m->buckets[i]++;
                return;
        }
}

static int print_durations(const struct metrics *m, struct buf *out) {
        uint64_t sum = 0;
        int r = buf_add_text(out, "# HELP http_request_duration_seconds How long calls took.\n"
                                  "# TYPE http_request_duration_seconds histogram\n");

        for (unsigned i = 0; i < METRICS_BUCKETS && r == 0; i++) {
                sum += m->buckets[i];
                r = buf_printf(out, "http_request_duration_seconds_bucket{le=\"%s\"} %llu\n",
                               bounds[i].text, (unsigned long long)sum);
        }
        if (r < 0)
                return r;
        return buf_printf(
                out,
                "http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
                "http_request_duration_seconds_sum %llu.%06llu\n"
                "http_request_duration_seconds_count %llu\n",
                (unsigned long long)m->count, (unsigned long long)(m->sum_usec / USEC_PER_SEC),
                (unsigned long long)(m->sum_usec % USEC_PER_SEC), (unsigned long long)m->count);
}

int metrics_print(const struct metrics *m, unsigned in_flight, struct buf *out) {
        int r = buf_add_text(out, "# HELP http_requests_total Calls that were answered.\n"
                                  "# TYPE http_requests_total counter\n");

        for (unsigned i = 0; i < m->n && r == 0; i++)
                r = buf_printf(out, "http_requests_total{code=\"%u\",method=\"%s\"} %llu\n",
                               m->series[i].code, methods[m->series[i].method],
                               (unsigned long long)m->series[i].total);
        if (r == 0)
                r = print_durations(m, out);
        if (r < 0)
                return r;
        return buf_printf(out,
                          "# HELP http_requests_in_flight Calls that run now.\n"
                          "# TYPE http_requests_in_flight gauge\n"
                          "http_requests_in_flight %u\n",
                          in_flight);
}
