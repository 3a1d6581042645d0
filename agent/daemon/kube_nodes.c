/* kube_nodes - looks after the Node objects: the first control plane whose API server answers gives
 * every board's node its pod network and role, and removes nodes of boards that are called
 * otherwise now or are gone. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/kube_metrics.h"
#include "daemon/kube_private.h"
#include "daemon/kube_snapshots.h"
#include "io/json.h"
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
        unsigned expected;           /* boards that are nodes, as of the last look */
        unsigned known;              /* nodes of ours that the list of now has so far */
        char leaving[SIZE_NAME];     /* the node whose member of etcd is being removed; "": none */
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
        char path[SIZE_KUBE_PATH];
        struct kube_api_ask ask = { .method = method,
                                    .path = path,
                                    .type = patch ? KUBE_MERGE_PATCH : NULL,
                                    .body = patch,
                                    .len = patch ? strlen(patch) : 0,
                                    .timeout_usec = ASK_USEC };

        if (kube_node_path(name, path) == 0)
                (void)kube_api_request(k->admin, &ask, on_changed, k, NULL);
}

/* The board of a node that bramble made: kubeadm_config gives the label.  False for others'. */
static bool board_of(const struct agent *a, const struct kube_node *node,
                     const struct world_member **ret) {
        const char *label = kube_node_label(node, NODE_LABEL);
        uint64_t id;

        if (!label || str_from_hex64(label, &id) < 0)
                return false;
        *ret = world_member(&a->world, id);
        return true;
}

static void give(struct kube *k, const struct kube_node *node, const struct world_member *m) {
        bool plane = world_kube_carries(&k->agent->world.kube, m->node);
        /* one that a person cordoned has no such label, and stays as it is */
        bool again = !m->cordoned && kube_node_label(node, KUBE_CORDON_LABEL);
        static const struct kube_label labels[] = { { "node-role.kubernetes.io/worker", "" },
                                                    { KUBE_CORDON_LABEL, NULL } };
        char pods[24], *patch = NULL;
        struct kube_node_want want = { .labels = plane ? labels + 1 : labels,
                                       .n_labels = (plane ? 0 : 1) + again,
                                       .pod_cidr = pods,
                                       .schedulable = again };

        (void)snprintf(pods, sizeof(pods), "10.244.%u.0/24", m->subnet);
        if (kube_node_patch(node, &want, &patch) == 1)
                change(k, "PATCH", node->name, patch);
        free(patch);
}

/* A board that carried the control plane and does no more: etcd must not count on it. */
static bool was_plane(const struct kube *k, const struct kube_node *node,
                      const struct world_member *m) {
        return m && !world_kube_carries(&k->agent->world.kube, m->node) &&
               (kube_node_label(node, "node-role.kubernetes.io/master") ||
                kube_node_label(node, "node-role.kubernetes.io/control-plane"));
}

/* kubeadm asks each pod of etcd's that the API knows whether it is well, before it adds a member:
 * one of a board that is gone would be waited for, for minutes. */
void kube_nodes_forget_etcd(struct kube *k, const char *node) {
        char path[SIZE_NAME + 96];
        struct kube_api_ask ask = { .method = "DELETE", .path = path, .timeout_usec = ASK_USEC };

        (void)snprintf(path, sizeof(path),
                       "/api/v1/namespaces/kube-system/pods/etcd-%s?gracePeriodSeconds=0", node);
        (void)kube_api_request(k->admin, &ask, on_changed, k, NULL);
}

static void on_member_gone(void *arg, const char *error) {
        struct kube *k = arg;
        struct kube_nodes *n = k->nodes;

        if (error[0]) {
                log_warning("kubernetes: %s could not be taken out of etcd: %s", n->leaving, error);
        } else if (k->admin) {
                kube_nodes_forget_etcd(k, n->leaving);
                change(k, "DELETE", n->leaving, NULL);
        }
        n->leaving[0] = '\0';
}

static void take_out(struct kube *k, const struct kube_node *node) {
        struct kube_nodes *n = k->nodes;

        if (n->leaving[0])
                return; /* one at a time */
        if (str_copy(n->leaving, sizeof(n->leaving), node->name) < 0)
                return; /* no board has such a name */
        log_notice("kubernetes: %s no longer carries the control plane: its node goes", n->leaving);
        if (kube_snapshots_remove_member(k->agent, n->leaving, on_member_gone, k) < 0)
                n->leaving[0] = '\0';
}

/* One node as the API server has it; only those that bramble made are touched. */
static void on_node(void *arg, const struct kube_node *node) {
        struct kube *k = arg;
        const struct world_member *m;

        if (!board_of(k->agent, node, &m))
                return;
        if (was_plane(k, node, m)) {
                take_out(k, node);
                return;
        }
        if (m && str_eq(m->name, node->name) && (!m->up || m->kube)) {
                k->nodes->known++;
                give(k, node, m);
                return;
        }
        log_notice("kubernetes: node %s is of a board that %s: it goes", node->name,
                   !m                             ? "left the bramble"
                   : !str_eq(m->name, node->name) ? "has another name now"
                                                  : "is no node any more");
        change(k, "DELETE", node->name, NULL);
}

static void list(struct kube *k, const char *word);

/* Boards that are nodes, or joining. */
static unsigned expected(const struct agent *a) {
        unsigned n = 0;

        for (uint32_t i = 0; i < a->world.n_members; i++)
                n += a->world.members[i].up && a->world.members[i].kube;
        return n;
}

static void on_nodes(void *arg, int result, const char *why, unsigned status, const char *body,
                     size_t len) {
        struct kube *k = arg;
        char more[SIZE_KUBE_CONTINUE];

        (void)why;
        k->nodes->listing = false;
        if (result < 0 || status != 200 || !kube_primary(k) ||
            kube_nodes_parse(body, len, on_node, k, more, NULL) < 0)
                return;
        if (more[0])
                list(k, more);
        else if (k->nodes->known < expected(k->agent)) /* one is about to come */
                k->nodes->nodes_at = usec_add(agent_now(), SOON_USEC);
}

/* ---- does somebody use it? ------------------------------------------------------------------- */

static bool list_has_items(const char *body, size_t len) {
        auto_json cJSON *o = NULL;

        return json_parse_object(body, len, &o, NULL) == 0 &&
               cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "items")) > 0;
}

static void on_pods(void *arg, int result, const char *why, unsigned status, const char *body,
                    size_t len) {
        struct kube *k = arg;

        (void)why;
        k->nodes->working = false;
        if (result == 0 && status == 200)
                k->seen.work = list_has_items(body, len);
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
        struct kube_api_ask q = {
                .method = "GET", .path = path, .timeout_usec = ASK_USEC, .chunk = chunk
        };

        return kube_api_request(k->admin, &q, done, k, NULL) == 0;
}

static void list(struct kube *k, const char *word) {
        char path[SIZE_KUBE_PATH];

        if (!word)
                k->nodes->known = 0;
        if (kube_nodes_path(word, path) == 0)
                k->nodes->listing = ask(k, path, NULL, on_nodes);
}

void kube_nodes_look(struct kube *k, usec_t now) {
        struct kube_nodes *n = k->nodes;

        if (!kube_primary(k)) {
                k->seen.work = false;
                return;
        }
        if (n->expected != expected(k->agent)) {
                n->expected = expected(k->agent);
                n->nodes_at = 0;
        }
        if (now >= n->nodes_at && !n->listing) {
                n->nodes_at = usec_add(now, NODES_USEC);
                list(k, NULL);
        }
        if (now >= n->work_at && !n->working) {
                n->work_at = usec_add(now, WORK_USEC);
                n->working = ask(k,
                                 "/api/v1/pods?limit=1&fieldSelector=metadata.namespace!="
                                 "kube-system",
                                 NULL, on_pods);
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
