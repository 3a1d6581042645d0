/* api_metrics - this board and its bramble as Prometheus' text, for the gateway, which may look
 * into nothing itself. */
#include "base/scope.h"
#include "core/bramble_metrics.h"
#include "daemon/api.h"
#include "daemon/kube.h"
#include "daemon/membership.h"
#include "daemon/reporter.h"
#include "io/node_metrics.h"

#include <fcntl.h>

enum { TEXT_BYTES = LIMIT_FRAME_BYTES / 2 }; /* as JSON its quotes and line ends count twice */

static void print(const struct agent *a, struct buf *out) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct bramble_metrics m = { .name = a->name,
                                     .board = &a->board,
                                     .sensors = reporter_sensors(a),
                                     .world = &a->world,
                                     .leader = a->bramble ? membership_leader(a) : 0 };
        struct report_kube kube;

        kube_report(a, &kube);
        m.kubernetes = kube.phase;
        bramble_metrics_print(&m, out);
        if (root >= 0)
                (void)node_metrics(root, out);
}

void verb_metrics(struct request *q) {
        auto_buf struct buf text = { .limit = TEXT_BYTES };
        cJSON *o = cJSON_CreateObject();

        print(q->agent, &text);
        (void)cJSON_AddStringToObject(o, "version", BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(o, "commit", BRAMBLE_COMMIT);
        (void)cJSON_AddStringToObject(o, "text", text.data ? text.data : "");
        request_reply(q, o);
}
