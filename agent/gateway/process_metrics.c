/* process_metrics - the gateway itself: what it uses, and who is connected. */
#include "gateway/metrics.h"

#include "core/metrics_text.h"
#include "gateway/gateway.h"
#include "gateway/server.h"

#include <sys/resource.h>
#include <unistd.h>

static double seconds(const struct timeval *t) {
        return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

void process_metrics(struct gateway *g, struct buf *out) {
        struct rusage usage = { 0 };
        size_t rss = 0;

        if (getrusage(RUSAGE_SELF, &usage) == 0)
                metrics_text_one(out, "process_cpu_seconds_total", "counter",
                                 "Total user and system CPU time spent in seconds.",
                                 seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
        if (uv_resident_set_memory(&rss) == 0)
                metrics_text_one(out, "process_resident_memory_bytes", "gauge",
                                 "Resident memory size in bytes.", (double)rss);
        metrics_text_one(out, "bramble_gateway_connections", "gauge", "Clients that are connected.",
                         g->server->n_clients);
        metrics_text_one(out, "bramble_gateway_connections_max", "gauge",
                         "Clients that may be connected at a time.", g->server->most_clients);
}
