/* kube_drain - nodes of boards that a person takes out of use: the first control plane whose API
 * server answers keeps new pods off them, and asks the pods that are there to go elsewhere. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_private.h"
#include "io/kube_pod.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_USEC (2 * USEC_PER_SEC)  /* between two looks at a node whose pods are going */
#define KEEP_USEC  (30 * USEC_PER_SEC) /* at one that has none: it stays so */
#define ASK_USEC   (15 * USEC_PER_SEC)

enum { EVICTIONS = 4 }; /* at a time; more in the next round: small boards start them elsewhere */

#define CORDON                                                                       \
        "{\"metadata\":{\"labels\":{\"" KUBE_CORDON_LABEL "\":\"true\"}},\"spec\":{" \
        "\"unschedulable\":true}}"

/* One node that is drained. */
struct drained_node {
        uint64_t node;
        usec_t at; /* look again */
        bool cleared;
};

struct kube_drain {
        uint32_t n;
        struct drained_node nodes[LIMIT_CLEARED];
        bool asking;                   /* about 'asked', since when nothing else is asked */
        uint64_t asked;                /* node id */
        unsigned moving;               /* of its pods: that are there still */
        unsigned evicting, evictions;  /* unanswered; of this round */
        unsigned pages;                /* of the list of its pods, that were read in this round */
        char more[SIZE_KUBE_CONTINUE]; /* the next one, "": that was all */
};

/* ---- which ------------------------------------------------------------------------------------
 */

static struct drained_node *entry(struct kube_drain *d, uint64_t node) {
        for (uint32_t i = 0; i < d->n; i++)
                if (d->nodes[i].node == node)
                        return &d->nodes[i];
        return NULL;
}

/* The table follows the world.  True where it became another one. */
static bool follow(struct kube *k) {
        const struct world *w = &k->agent->world;
        struct kube_drain *d = k->drain;
        bool changed = false;

        for (uint32_t i = 0; i < d->n;) {
                const struct world_member *m = world_member(w, d->nodes[i].node);

                if (m && m->cordoned && m->kube) {
                        i++;
                        continue;
                }
                d->nodes[i] = d->nodes[--d->n];
                changed = true;
        }
        for (uint32_t i = 0; i < w->n_members && d->n < LIMIT_CLEARED; i++) {
                const struct world_member *m = &w->members[i];

                if (!m->cordoned || !m->kube || entry(d, m->node))
                        continue;
                d->nodes[d->n++] = (struct drained_node){ .node = m->node };
                changed = true;
        }
        return changed;
}

/* ---- one of them ------------------------------------------------------------------------------
 */

static void round_over(struct kube *k, bool cleared) {
        struct kube_drain *d = k->drain;
        struct drained_node *e = entry(d, d->asked);
        const struct world_member *m = world_member(&k->agent->world, d->asked);

        d->asking = false;
        if (!e)
                return;
        if (cleared && !e->cleared && m)
                log_notice("kubernetes: no pod that can go elsewhere is on %s any more", m->name);
        e->cleared = cleared;
        e->at = usec_add(agent_now(), cleared ? KEEP_USEC : ROUND_USEC);
        agent_report_soon(k->agent);
}

static void go_on(struct kube *k);

/* 429 says that a disruption budget wants it to wait. */
static void on_evicted(void *arg, int result, const char *why, unsigned status, const char *body,
                       size_t len) {
        struct kube *k = arg;
        struct kube_drain *d = k->drain;

        (void)len;
        if ((result < 0 && result != -ECANCELED) ||
            (result == 0 && status >= 300 && status != 404 && status != 429)) {
                if (log_once("kube-evict"))
                        log_warning("kubernetes: a pod cannot be asked to go elsewhere: %.200s",
                                    result < 0 ? why : str_or(body, ""));
        }
        if (result == -ECANCELED)
                d->more[0] = '\0'; /* nobody is asked any more */
        if (d->evicting > 0 && --d->evicting == 0)
                go_on(k);
}

static void evict(struct kube *k, const struct kube_pod *p) {
        char path[SIZE_KUBE_PATH], body[SIZE_KUBE_EVICTION];
        struct kube_api_ask ask = { .method = "POST",
                                    .path = path,
                                    .type = "application/json",
                                    .body = body,
                                    .timeout_usec = ASK_USEC };
        struct kube_version api = { 0 };

        (void)kube_version_parse(k->agent->world.kube.version, &api);
        kube_eviction_path(p, path);
        kube_eviction_body(p, api, body);
        ask.len = strlen(body);
        if (kube_api_request(k->admin, &ask, on_evicted, k, NULL) == 0)
                k->drain->evicting++;
}

static void on_pod(void *arg, const struct kube_pod *p) {
        struct kube *k = arg;
        struct kube_drain *d = k->drain;
        char key[64];

        if (p->kind == KUBE_POD_HOMELESS && !p->deleting) {
                (void)snprintf(key, sizeof(key), "homeless %.50s", p->name);
                if (log_once(key))
                        log_notice("kubernetes: nobody would start pod %.63s elsewhere: it stays "
                                   "where it is, and ends with its board",
                                   p->name);
        }
        if (p->kind != KUBE_POD_MOVES)
                return;
        d->moving++;
        if (!p->deleting && d->evictions < EVICTIONS) {
                d->evictions++;
                evict(k, p);
        }
}

static void on_pods(void *arg, int result, const char *why, unsigned status, const char *body,
                    size_t len) {
        struct kube *k = arg;
        struct kube_drain *d = k->drain;

        (void)why;
        d->pages++;
        if (result < 0 || status != 200 || !kube_primary(k) ||
            kube_pods_parse(body, len, on_pod, k, d->more, NULL) < 0)
                round_over(k, false);
        else if (d->evicting == 0)
                go_on(k);
}

static void ask_pods(struct kube *k) {
        struct kube_drain *d = k->drain;
        const struct world_member *m = world_member(&k->agent->world, d->asked);
        char path[SIZE_KUBE_PATH];
        struct kube_api_ask ask = { .method = "GET", .path = path, .timeout_usec = ASK_USEC };

        if (!m || !k->admin || kube_pods_path(m->name, d->more, path) < 0 ||
            kube_api_request(k->admin, &ask, on_pods, k, NULL) < 0)
                round_over(k, false);
}

/* A page is done with: the next one is for as many as may still be asked to go in this round. */
static void go_on(struct kube *k) {
        struct kube_drain *d = k->drain;

        if (!d->more[0] || d->evictions == EVICTIONS) {
                round_over(k, d->moving == 0 && !d->more[0]);
        } else if (d->pages == KUBE_PODS_PAGES) {
                if (log_once("kube-pods"))
                        log_warning("kubernetes: a node has more than %d pods, of which bramble "
                                    "looks at no more: delete those that have ended, that it can "
                                    "be drained",
                                    KUBE_PODS_PAGES * KUBE_PODS_PAGE);
                round_over(k, false);
        } else {
                ask_pods(k);
        }
}

/* What comes to be there after this can only have been under way before it. */
static void on_cordoned(void *arg, int result, const char *why, unsigned status, const char *body,
                        size_t len) {
        struct kube *k = arg;

        (void)why;
        (void)body;
        (void)len;
        k->drain->moving = k->drain->evicting = k->drain->evictions = k->drain->pages = 0;
        k->drain->more[0] = '\0';
        if (result == 0 && status == 200 && kube_primary(k))
                ask_pods(k);
        else
                round_over(k, false);
}

static void look_at(struct kube *k, struct drained_node *e) {
        const struct world_member *m = world_member(&k->agent->world, e->node);
        char path[SIZE_KUBE_PATH];
        struct kube_api_ask ask = { .method = "PATCH",
                                    .path = path,
                                    .type = KUBE_MERGE_PATCH,
                                    .body = CORDON,
                                    .len = sizeof(CORDON) - 1,
                                    .timeout_usec = ASK_USEC };

        k->drain->asking = true;
        k->drain->asked = e->node;
        if (!m || kube_node_path(m->name, path) < 0 ||
            kube_api_request(k->admin, &ask, on_cordoned, k, NULL) < 0)
                round_over(k, false);
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

void kube_drain_look(struct kube *k, usec_t now) {
        struct kube_drain *d = k->drain;

        if (!kube_primary(k)) {
                d->n = 0; /* another one sees to it, and begins anew */
                return;
        }
        if (follow(k))
                kube_nodes_again(k); /* which takes pods again is its part */
        for (uint32_t i = 0; i < d->n && !d->asking; i++)
                if (now >= d->nodes[i].at)
                        look_at(k, &d->nodes[i]);
}

uint32_t kube_drain_cleared(const struct kube *k, uint64_t ret[static LIMIT_CLEARED]) {
        const struct kube_drain *d = k->drain;
        uint32_t n = 0;

        for (uint32_t i = 0; d && i < d->n; i++)
                if (d->nodes[i].cleared)
                        ret[n++] = d->nodes[i].node;
        return n;
}

int kube_drain_open(struct kube *k) {
        k->drain = calloc(1, sizeof(*k->drain));
        return k->drain ? 0 : -ENOMEM;
}
