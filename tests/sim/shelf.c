#include "shelf.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of the cluster that all this is about. */
#define BRAMBLE 7

const char *shelf_ca_hash(char dst[static SIZE_DIGEST], uint64_t ca) {
        (void)snprintf(dst, SIZE_DIGEST, "sha256:%064" PRIx64, ca);
        return dst;
}

bool shelf_connected(const struct shelf *s, unsigned a, unsigned b) {
        const struct pi *x = &s->boards[a], *y = &s->boards[b];

        return x->on && y->on && (a == b || (!x->cut && !y->cut));
}

static bool runs_etcd(const struct pi *b, unsigned etcd) {
        return b->on && b->kubelet && b->plane_files && b->etcd == etcd;
}

bool shelf_api(const struct shelf *s, unsigned i) {
        const struct pi *b = &s->boards[i];
        const struct etcd *e = &s->etcds[b->etcd];
        unsigned members = 0, up = 0;

        if (!b->etcd || !runs_etcd(b, b->etcd) || b->hung || b->certs_over || b->wrong_clock ||
            s->now - b->kubelet_since < b->slow)
                return false;
        for (unsigned j = 0; j < s->n; j++) {
                if (!(e->members & 1u << j))
                        continue;
                members++;
                up += runs_etcd(&s->boards[j], b->etcd) && shelf_connected(s, i, j);
        }
        return (e->members & 1u << i) && up > members / 2;
}

/* The etcd behind the API that board 'i' reaches by the name of its picture; 0: none. */
static unsigned endpoint(const struct shelf *s, unsigned i) {
        const struct pi *b = &s->boards[i];

        if (b->plane_files && shelf_api(s, i))
                return b->etcd;
        for (uint32_t k = 0; k < b->picture.n_planes; k++) {
                unsigned j = (unsigned)(b->picture.planes[k] - shelf_node(0));

                if (shelf_connected(s, i, j) && shelf_api(s, j))
                        return s->boards[j].etcd;
        }
        return 0;
}

static enum kube_node_state node_state(const struct shelf *s, unsigned i) {
        const struct pi *b = &s->boards[i];
        unsigned etcd = endpoint(s, i);

        if (!etcd || !b->kubelet || b->hung || b->wrong_clock || b->kubelet_cert_over ||
            s->etcds[etcd].ca != b->ca)
                return KUBE_NODE_UNKNOWN;
        if (!(s->etcds[etcd].nodes & 1u << i))
                return KUBE_NODE_ABSENT;
        return s->now - b->kubelet_since < 10 * USEC_PER_SEC ? KUBE_NODE_NOT_READY
                                                             : KUBE_NODE_READY;
}

void shelf_facts(const struct shelf *s, unsigned i, usec_t lost_after, struct kube_facts *ret) {
        static const char *const names[SHELF_BOARDS] = { "m1", "w1", "w2", "w3", "w4", "w5", "w6" };
        const struct pi *b = &s->boards[i];
        char hash[SIZE_DIGEST];

        *ret = (struct kube_facts){
                .enabled = true,
                .lost_after_usec = lost_after,
                .self = shelf_node(i),
                .bramble = BRAMBLE,
                .name = names[i],
                .told = b->told,
                .silent_usec = s->now - b->heard,
                .n_members = s->n,
                .kube = &b->picture,
                .plane_up = b->plane_up,
                .installed = b->installed,
                .board_runs = b->runs,
                .version_fits = true,
                .version = "v1.20.2",
                .containerd = true,
                .marked = b->marked,
                .switched_off = b->switched_off,
                .done = b->done,
                .marker_bramble = b->marked ? BRAMBLE : 0,
                .marker_epoch = b->marked ? b->epoch : 0,
                .marker_role = b->marked ? b->role : KUBE_ROLE_NONE,
                .marker_name = names[i],
                .files = b->files,
                .plane_files = b->plane_files,
                .same_ca = !b->ca || !b->picture.ca_hash[0] ||
                           str_eq(shelf_ca_hash(hash, b->ca), b->picture.ca_hash),
                .cert_days = b->certs_over ? -1 : 300,
                .kubelet_cert_days = b->kubelet_cert_over ? -1 : INT32_MAX,
                .clock_ok = !b->wrong_clock,
                .blocked = "",
                .kubelet_active = b->kubelet,
                .kubelet = !b->kubelet || b->hung ? KUBE_HEALTH_BAD : KUBE_HEALTH_GOOD,
                .api = !b->plane_files   ? KUBE_HEALTH_UNKNOWN
                       : shelf_api(s, i) ? KUBE_HEALTH_GOOD
                                         : KUBE_HEALTH_BAD,
                .node = node_state(s, i),
        };
}

/* ---- what kubeadm does ---- */

static void run_kubelet(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        b->kubelet = true;
        b->hung = b->registered = false;
        b->kubelet_since = s->now;
        b->slow = sim_between(&s->random, 10, 60) * USEC_PER_SEC;
}

void shelf_register(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];
        unsigned etcd;

        if (!b->kubelet || b->hung || b->registered || b->wrong_clock || b->kubelet_cert_over)
                return;
        etcd = endpoint(s, i);
        if (!etcd || s->etcds[etcd].ca != b->ca)
                return;
        s->etcds[etcd].nodes |= 1u << i;
        b->registered = true;
}

static void stop_kubelet(struct pi *b) {
        b->kubelet = b->hung = false;
        b->kubelet_since = 0;
}

bool shelf_remove_member(struct shelf *s, unsigned etcd, unsigned i) {
        struct etcd *e = &s->etcds[etcd];
        unsigned at = 0, left = 0, up = 0;

        if (!(e->members & 1u << i))
                return true;
        while (at < s->n &&
               !(s->boards[at].etcd == etcd && s->boards[at].plane_files && shelf_api(s, at)))
                at++;
        if (at == s->n)
                return false;
        for (unsigned j = 0; j < s->n; j++)
                if (j != i && e->members & 1u << j) {
                        left++;
                        up += runs_etcd(&s->boards[j], etcd) && shelf_connected(s, at, j);
                }
        if (up <= left / 2)
                return false;
        e->members &= ~(1u << i);
        return true;
}

static void wipe(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        if (b->by_hand)
                s->ok = sim_wrong(s->now, "%u: what a person set up was wiped", i);
        stop_kubelet(b);
        b->files = b->plane_files = b->certs_over = b->kubelet_cert_over = false;
        b->ca = 0;
        b->etcd = 0;
}

static unsigned new_etcd(struct shelf *s) {
        if (s->n_etcds + 1 >= SHELF_ETCDS) {
                s->ok = sim_wrong(s->now, "clusters without end");
                return 0;
        }
        return ++s->n_etcds;
}

static const struct etcd_snapshot *newest_snapshot(const struct shelf *s, unsigned i) {
        const struct etcd_snapshot *best = NULL;

        for (unsigned j = 0; j < s->n; j++) {
                const struct etcd_snapshot *a = &s->boards[j].snapshot;

                if (a->id && a->id >> 32 >= s->boards[i].picture.made && shelf_connected(s, i, j) &&
                    (!best || a->id > best->id))
                        best = a;
        }
        return best;
}

static unsigned control_plane(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];
        const struct etcd_snapshot *from = b->job.restore ? newest_snapshot(s, i) : NULL;
        unsigned etcd;

        if (b->job.restore && !from)
                return 0;
        etcd = new_etcd(s);
        s->etcds[etcd] = (struct etcd){ .ca = from ? from->ca : ++s->next_ca,
                                        .epoch = b->job.epoch,
                                        .written = from ? from->written : s->now,
                                        .nodes = (from ? from->nodes : 0) | 1u << i,
                                        .members = 1u << i };
        return etcd;
}

/* The middle of kubeadm: false where it cannot come so far. */
static bool set_up(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];
        bool plane = b->role == KUBE_ROLE_PLANE;
        unsigned etcd;

        if (b->job.action == KUBE_DO_JOIN || b->job.action == KUBE_DO_JOIN_PLANE)
                etcd = endpoint(s, i);
        else
                etcd = control_plane(s, i);
        if (!etcd || b->wrong_clock)
                return false;
        if (plane && b->job.action == KUBE_DO_JOIN_PLANE)
                s->etcds[etcd].members |= 1u << i;
        s->etcds[etcd].nodes |= 1u << i;
        b->files = true;
        b->plane_files = plane;
        b->ca = s->etcds[etcd].ca;
        b->etcd = plane ? etcd : 0;
        run_kubelet(s, i);
        return true;
}

/* What was there goes; out of an etcd that others need too only with its consent, before anything
 * is gone. */
static void clear(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];
        unsigned etcd = endpoint(s, i);

        if (b->job.action == KUBE_DO_JOIN_PLANE && !b->etcd && etcd && /* of a card before this */
            !shelf_remove_member(s, etcd, i))
                b->job.refused = true;
        if (b->etcd && s->etcds[b->etcd].epoch == b->picture.epoch && !b->picture.off &&
            s->etcds[b->etcd].members & ~(1u << i) && !shelf_remove_member(s, b->etcd, i))
                b->job.refused = true;
        if (!b->job.refused)
                wipe(s, i);
}

void shelf_begin(struct shelf *s, unsigned i, enum kube_action action) {
        struct pi *b = &s->boards[i];
        usec_t most = 4;
        bool makes = false;

        switch (action) {
        case KUBE_DO_INIT:
        case KUBE_DO_REBUILD:
                most = 200;
                makes = true;
                break;
        case KUBE_DO_JOIN:
        case KUBE_DO_JOIN_PLANE:
                most = 60;
                makes = true;
                break;
        case KUBE_DO_RESET:
        case KUBE_DO_RENEW:
                most = 20;
                break;
        case KUBE_DO_NOTHING:
        case KUBE_DO_ADOPT:
        case KUBE_DO_TELL:
        case KUBE_DO_FOLLOW:
        case KUBE_DO_START_KUBELET:
        case KUBE_DO_RESTART_KUBELET:
        case KUBE_DO_STOP_KUBELET:
        case KUBE_ACTION_MAX:
                break;
        }
        if (b->by_hand && (makes || action == KUBE_DO_RESET))
                s->ok = sim_wrong(s->now, "%u: %s where a person set a cluster up", i,
                                  kube_action_text(action));
        b->job = (struct job){ .action = action,
                               .middle = s->now + sim_between(&s->random, 1, most) * USEC_PER_SEC,
                               .fails = action != KUBE_DO_STOP_KUBELET &&
                                        sim_chance(&s->random, s->fails_percent),
                               .epoch = b->picture.epoch,
                               .restore = action == KUBE_DO_REBUILD };
        b->job.end = b->job.middle + sim_between(&s->random, 1, most) * USEC_PER_SEC;
        if (makes) {
                b->marked = true; /* first of all */
                b->done = false;
                b->epoch = b->picture.epoch;
                b->role = action == KUBE_DO_JOIN ? KUBE_ROLE_WORKER : KUBE_ROLE_PLANE;
        } else if (action == KUBE_DO_RESET) {
                b->done = false;
        }
        if (makes || action == KUBE_DO_RESET)
                clear(s, i);
}

/* false: it failed after all. */
static bool finish(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        switch (b->job.action) {
        case KUBE_DO_INIT:
        case KUBE_DO_REBUILD:
        case KUBE_DO_JOIN_PLANE:
                if (!shelf_api(s, i))
                        return false;
                b->done = true;
                break;
        case KUBE_DO_JOIN:
                b->done = true;
                break;
        case KUBE_DO_FOLLOW:
                b->epoch = b->job.epoch;
                break;
        case KUBE_DO_RESET:
                b->marked = b->done = false;
                break;
        case KUBE_DO_START_KUBELET:
                if (!b->kubelet)
                        run_kubelet(s, i);
                break;
        case KUBE_DO_RESTART_KUBELET:
                run_kubelet(s, i);
                break;
        case KUBE_DO_STOP_KUBELET:
                stop_kubelet(b);
                break;
        case KUBE_DO_RENEW:
                b->certs_over = b->kubelet_cert_over = false;
                break;
        case KUBE_DO_NOTHING:
        case KUBE_DO_ADOPT:
        case KUBE_DO_TELL:
        case KUBE_ACTION_MAX:
                break;
        }
        return true;
}

bool shelf_work(struct shelf *s, unsigned i, const char **why) {
        struct pi *b = &s->boards[i];
        bool makes = b->job.action == KUBE_DO_INIT || b->job.action == KUBE_DO_REBUILD ||
                     b->job.action == KUBE_DO_JOIN || b->job.action == KUBE_DO_JOIN_PLANE;

        *why = b->job.refused ? "etcd needs this board" : "";
        if (b->job.refused)
                return true;
        if (makes && !b->job.came_so_far && s->now >= b->job.middle) {
                /* half of the failures are before the middle */
                if ((b->job.fails && sim_chance(&s->random, 50)) || !set_up(s, i)) {
                        *why = "ImagePull";
                        return true;
                }
                b->job.came_so_far = true;
        }
        if (s->now < b->job.end)
                return false;
        /* kubeadm waits until the API server answers, but not for ever */
        if (makes && !b->job.fails && b->role == KUBE_ROLE_PLANE && !shelf_api(s, i) &&
            s->now < b->job.end + 2 * USEC_PER_MIN)
                return false;
        if (b->job.fails || !finish(s, i))
                *why = "Mem";
        return true;
}

/* ---- what befalls a board ---- */

void shelf_power_off(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        b->on = b->told = false;
        b->job.action = KUBE_DO_NOTHING;
        stop_kubelet(b);
}

void shelf_start_agent(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        kube_plan_init(&b->plan);
        memset(&b->facts, 0, sizeof(b->facts));
        memset(&b->picture, 0, sizeof(b->picture));
        memset(b->ended, 0, sizeof(b->ended));
        b->job.action = KUBE_DO_NOTHING;
        b->told = b->plane_up = false;
        b->pictured = true;
        b->back = 0;
        if (!b->on || b->heard == 0)
                b->heard = s->now;
        b->on = true;
        if (b->by_hand && !b->kubelet)
                run_kubelet(s, i); /* a person's unit is enabled */
}

void shelf_flash(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];

        shelf_power_off(s, i);
        b->marked = b->done = b->files = b->plane_files = b->by_hand = b->switched_off = false;
        b->certs_over = b->kubelet_cert_over = false;
        b->epoch = 0;
        b->role = KUBE_ROLE_NONE;
        b->ca = 0;
        b->etcd = 0;
        b->snapshot = (struct etcd_snapshot){ 0 };
}

void shelf_by_hand(struct shelf *s, unsigned i) {
        struct pi *b = &s->boards[i];
        unsigned etcd = new_etcd(s);

        s->etcds[etcd] = (struct etcd){
                .ca = ++s->next_ca, .written = s->now, .nodes = 1u << i, .members = 1u << i
        };
        b->by_hand = b->files = b->plane_files = true;
        b->ca = s->etcds[etcd].ca;
        b->etcd = etcd;
}
