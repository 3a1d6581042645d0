/* bramble_metrics - what a board knows of itself and its bramble, as Prometheus' text: all that
 * neither OpenFaaS nor node_exporter has a name for.  Pure. */
#ifndef BRAMBLE_CORE_BRAMBLE_METRICS_H
#define BRAMBLE_CORE_BRAMBLE_METRICS_H

#include "core/report.h"
#include "core/world.h"

struct buf;

struct bramble_metrics {
        const char *name; /* of this board, "" for a fresh one */
        const struct board *board;
        const struct sensors *sensors;
        const struct world *world; /* the newest picture */
        uint64_t leader;           /* as this board knows, 0: nobody */
        enum kube_phase kubernetes;
};

void bramble_metrics_print(const struct bramble_metrics *m, struct buf *out);

#endif
