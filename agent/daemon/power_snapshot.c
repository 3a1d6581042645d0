/* power_snapshot - etcd is saved on another board before the boards go off. */
#include "daemon/coordinator.h"
#include "daemon/kube_snapshots.h"
#include "daemon/power_private.h"
#include "io/json.h"

#define AGAIN_USEC (20 * USEC_PER_SEC) /* one that is not there by now is asked for again */

struct newest {
        uint64_t snapshot; /* the newest of all */
        unsigned copies;   /* boards with one above 'base' */
        uint64_t base;
};

static void count_snapshot(void *arg, const struct coordinator_board *b) {
        struct newest *n = arg;

        if (b->kube->snapshot > n->snapshot)
                n->snapshot = b->kube->snapshot;
        n->copies += b->up && b->kube->snapshot > n->base;
}

static uint64_t plane(const struct agent *a) {
        const struct world_kube *w = &a->world.kube;

        for (uint32_t i = 0; i < w->n_planes; i++) {
                const struct world_member *m = world_member(&a->world, w->planes[i]);

                if (m && m->up && m->api)
                        return m->node;
        }
        return 0;
}

bool power_saves_etcd(const struct agent *a) {
        const struct charter_kube *k = &a->charter.kube;

        return a->config.kubernetes && k->founded && !k->adopted && plane(a) &&
               a->charter.n_members > 1;
}

static void forget_answer(void *arg, int result, const char *why, const cJSON *reply) {
        (void)arg;
        (void)result;
        (void)why;
        (void)reply;
}

void power_snapshot_take(struct power *p, usec_t now) {
        struct power_lead *l = &p->lead;
        struct newest n = { 0 };
        auto_json cJSON *o = NULL;
        uint64_t node = plane(p->agent);

        if (!node || now < l->snapshot_next)
                return;
        if (!l->snapshot_asked) {
                coordinator_each(p->agent, count_snapshot, &n);
                l->snapshot_base = n.snapshot;
                l->snapshot_asked = true;
        }
        l->snapshot_next = usec_add(now, AGAIN_USEC);
        if (node == p->agent->board.node) {
                kube_snapshots_now(p->agent);
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "verb", "power-snapshot");
        api_ask_peer(p->agent, node, o, forget_answer, NULL);
}

bool power_snapshot_kept(const struct power *p) {
        struct newest n = { .base = p->lead.snapshot_base };

        if (!p->lead.snapshot_asked)
                return false;
        coordinator_each(p->agent, count_snapshot, &n);
        return n.copies >= 2; /* the one that took it, and another */
}
