#include "watchdog/watchdog.h"

#include "base/scope.h"

static const double bounds[] = { .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10 };

void metrics_count(struct metrics *m, unsigned status, double seconds) {
        m->total[status / 100 < 6 ? status / 100 : 0]++;
        m->count++;
        m->sum_sec += seconds;
        for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
                if (seconds > bounds[i])
                        continue;
                m->buckets[i]++;
                return;
        }
}

int metrics_print(const struct watchdog *d, struct buf *out) {
        static const char *const codes[] = { "000", "100", "200", "300", "400", "500" };
        const struct metrics *m = &d->metrics;
        unsigned long long sum = 0;
        int r;

        r = buf_add_text(out, "# HELP http_requests_total Calls answered, by status.\n"
                              "# TYPE http_requests_total counter\n");
        for (size_t i = 0; i < ARRAY_SIZE(codes) && r == 0; i++)
                if (m->total[i])
                        r = buf_printf(out,
                                       "http_requests_total{code=\"%s\",method=\"post\"} %llu\n",
                                       codes[i], (unsigned long long)m->total[i]);
        if (r == 0)
                r = buf_add_text(out, "# HELP http_request_duration_seconds Time of a call.\n"
                                      "# TYPE http_request_duration_seconds histogram\n");
        for (size_t i = 0; i < ARRAY_SIZE(bounds) && r == 0; i++) {
                sum += m->buckets[i];
                r = buf_printf(out, "http_request_duration_seconds_bucket{le=\"%g\"} %llu\n",
                               bounds[i], sum);
        }
        if (r == 0)
                r = buf_printf(out,
                               "http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
                               "http_request_duration_seconds_sum %g\n"
                               "http_request_duration_seconds_count %llu\n"
                               "# HELP http_requests_in_flight Calls that run now.\n"
                               "# TYPE http_requests_in_flight gauge\n"
                               "http_requests_in_flight %u\n",
                               (unsigned long long)m->count, m->sum_sec,
                               (unsigned long long)m->count, d->inflight);
        return r;
}
