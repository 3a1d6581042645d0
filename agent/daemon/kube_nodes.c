/* kube_nodes - looks after the Node objects: the first control plane whose API server answers gives
 * every board's node its pod network and role, and removes nodes of boards that are called
 * otherwise now or are gone. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/kube_metrics.h"
#include "daemon/kube_private.h"
#include "daemon/kube_snapshots.h"
#include "io/kube_node.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_USEC   (30 * USEC_PER_SEC)
#define SOON_USEC    (5 * USEC_PER_SEC) /* while a node is not as it should be */
#define WORK_USEC    (60 * USEC_PER_SEC)
#define METRICS_USEC (60 * USEC_PER_SEC)
#define ASK_USEC     (15 * USEC_PER_SEC)

#define NODE_LABEL "bramble.io/node" /* the board's node id; kubeadm_config gives it */

struct kube_nodes {
        usec_t nodes_at, work_at, metrics_at;
        bool listing, working, measuring;
        struct kube_metrics metrics; /* of the answer that comes in now */
};

bool kube_primary(const struct kube *k) {
        const struct agent *a = k->agent;
        const struct world_kube *w = &a->world.kube;

        if (!k->admin || k->seen.api != KUBE_HEALTH_GOOD || !w->founded || w->adopted ||
            k->seen.marker.epoch != w->epoch)
                return false;
        for (uint32_t i = 0; i < w->n_planes; i++) {
                const struct world_member *m = world_member(&a->world, w->planes[i]);

                if (w->planes[i] == a->board.node)
                        return true;
                if (m && m->up && m->api)
                        return false;
        }
        return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void on_changed(void *arg, int result, const char *why, unsigned status, const char *body,
                       size_t len) {
        struct kube *k = arg;

        (void)len;
        if (result == -ECANCELED)
                return;
        if ((result < 0 || status >= 300) && status != 404 && log_once("kube-node"))
                log_warning("kubernetes: a node could not be changed: %s",
                            result < 0 ? why : str_or(body, ""));
        k->nodes->nodes_at = usec_add(agent_now(), SOON_USEC);
}

static void change(struct kube *k, const char *method, const char *name, const char *patch) {
        char path[SIZE_NAME + 32];
        struct kube_api_ask ask = { .method = method,
                                    .path = path,
                                    .type = patch ? "application/merge-patch+json" : NULL,
                                    .body = patch,
                                    .len = patch ? strlen(patch) : 0,
                                    .timeout_usec = ASK_USEC };

        (void)snprintf(path, sizeof(path), "/api/v1/nodes/%s", name);
        (void)kube_api_request(k->admin, &ask, on_changed, k, NULL);
}

static const struct world_member *board_of(const struct agent *a, const char *id) {
        uint64_t node;

        return str_from_hex64(id, &node) == 0 ? world_member(&a->world, node) : NULL;
}

/* One node as the API server has it; only those that bramble made are touched. */
static void on_node(void *arg, const struct kube_node_info *node) {
        struct kube *k = arg;
        const struct world_member *m = board_of(k->agent, node->board);
        bool plane;
        char patch[256];

        if (!node->board[0])
                return;
        if (!m || !str_eq(m->name, node->name) || (m->up && !m->kube)) {
                log_notice("kubernetes: node %s is of a board that %s: it goes", node->name,
                           !m                             ? "left the bramble"
                           : !str_eq(m->name, node->name) ? "has another name now"
                                                          : "is no node any more");
                change(k, "DELETE", node->name, NULL);
                return;
        }
        plane = world_kube_carries(&k->agent->world.kube, m->node);
        if (node->pod_cidr[0] && (plane || node->worker_role))
                return;
        (void)snprintf(patch, sizeof(patch), "{\"metadata\":{\"labels\":{%s}}%s%s%s}",
                       plane ? "" : "\"node-role.kubernetes.io/worker\":\"\"",
                       node->pod_cidr[0] ? "" : ",\"spec\":{\"podCIDR\":\"",
                       node->pod_cidr[0] ? "" : kube_pod_cidr(m->subnet),
                       node->pod_cidr[0] ? "" : "\"}");
        change(k, "PATCH", node->name, patch);
}

static void on_nodes(void *arg, int result, const char *why, unsigned status, const char *body,
                     size_t len) {
        struct kube *k = arg;

        (void)why;
        k->nodes->listing = false;
        if (result == 0 && status == 200)
                (void)kube_nodes_parse(body, len, on_node, k);
}

/* ---- does somebody use it? ------------------------------------------------------------------- */

static void on_pods(void *arg, int result, const char *why, unsigned status, const char *body,
                    size_t len) {
        struct kube *k = arg;

        (void)why;
        k->nodes->working = false;
        if (result == 0 && status == 200)
                k->seen.work = !kube_list_is_empty(body, len);
}

/* ---- has something changed? ------------------------------------------------------------------ */

static void on_metrics_chunk(void *arg, unsigned status, const char *data, size_t len) {
        struct kube *k = arg;

        if (status == 200)
                kube_metrics_feed(&k->nodes->metrics, data, len);
}

static void on_metrics(void *arg, int result, const char *why, unsigned status, const char *body,
                       size_t len) {
        struct kube *k = arg;
        struct kube_metrics *m = &k->nodes->metrics;

        (void)why;
        (void)body;
        (void)len;
        k->nodes->measuring = false;
        if (result < 0 || status != 200)
                return;
        kube_metrics_end(m);
        if (m->series > 0)
                kube_snapshots_changed(k->agent, m->mutations);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool ask(struct kube *k, const char *path, kube_api_chunk_cb chunk, kube_api_cb done) {
        struct kube_api_ask q = { .method = "GET",
                                  .path = path,
                                  .timeout_usec = ASK_USEC,
                                  .chunk = chunk };

        return kube_api_request(k->admin, &q, done, k, NULL) == 0;
}

void kube_nodes_look(struct kube *k, usec_t now) {
        struct kube_nodes *n = k->nodes;

        if (!kube_primary(k)) {
                k->seen.work = false;
                return;
        }
        if (now >= n->nodes_at && !n->listing) {
                n->nodes_at = usec_add(now, NODES_USEC);
                n->listing = ask(k, "/api/v1/nodes", NULL, on_nodes);
        }
        if (now >= n->work_at && !n->working) {
                n->work_at = usec_add(now, WORK_USEC);
                n->working = ask(k, "/api/v1/pods?limit=1&fieldSelector=metadata.namespace!="
                                    "kube-system", NULL, on_pods);
        }
        if (now >= n->metrics_at && !n->measuring) {
                n->metrics_at = usec_add(now, METRICS_USEC);
                memset(&n->metrics, 0, sizeof(n->metrics));
                n->measuring = ask(k, "/metrics", on_metrics_chunk, on_metrics);
        }
}

void kube_nodes_again(struct kube *k) {
        k->nodes->nodes_at = 0;
}

int kube_nodes_open(struct kube *k) {
        k->nodes = calloc(1, sizeof(*k->nodes));
        return k->nodes ? 0 : -ENOMEM;
}
