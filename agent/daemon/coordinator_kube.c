/* coordinator_kube - the leader's part of the Kubernetes cluster: who carries the control plane. */
#include "base/str.h"
#include "core/kube_budget.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Below this a control plane's pods find no room: core/kube_budget.h. */
static bool small(const struct board *b) {
        return kube_budget_small(b);
}

static const char *name_of(const struct coordinator *c, uint64_t node) {
        const struct charter_member *m = charter_member(&c->agent->charter, node);

        return m ? m->name : "a board";
}

static struct kube_cluster cluster(const struct coordinator *c, struct kube_board *boards) {
        const struct agent *a = c->agent;

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];

                boards[i] = (struct kube_board){ .node = b->node,
                                                 .name = name_of(c, b->node),
                                                 .up = b->up,
                                                 .since = b->changed,
                                                 .strength = board_strength(&b->board),
                                                 .small = small(&b->board),
                                                 .report = &b->kube };
        }
        return (struct kube_cluster){ .kube = &a->charter.kube,
                                      .master = a->charter.master,
                                      .boards = boards,
                                      .n_boards = c->n_boards,
                                      .wanted_planes = a->config.control_planes,
                                      .lost_after_usec = a->config.master_lost_after_usec };
}

static void on_submitted(void *arg, int result) {
        struct coordinator *c = arg;

        c->kube_submitted = false;
        if (result < 0 && result != -ESTALE && result != -ECANCELED)
                log_warning("a change of the Kubernetes cluster could not be written down: %s",
                            strerror(-result));
        (void)uv_async_send(&c->poke);
}

static int submit(struct agent *a, const struct kube_decision *d, consensus_done_cb done,
                  void *arg) {
        static const enum charter_op ops[] = { [KUBE_CHANGE_MOVE] = CHARTER_KUBE_MOVE,
                                               [KUBE_CHANGE_ADD] = CHARTER_KUBE_PLANE_ADD,
                                               [KUBE_CHANGE_REMOVE] = CHARTER_KUBE_PLANE_REMOVE };
        struct charter_command cmd = { .op = ops[d->change],
                                       .node = d->node,
                                       .kube_epoch = a->charter.kube.epoch,
                                       .kube_restore = d->restore };
        int r;

        if (getrandom(cmd.kube_key, sizeof(cmd.kube_key), 0) != sizeof(cmd.kube_key))
                return -EIO;
        r = consensus_submit(membership_consensus(a), &cmd, done, arg);
        explicit_bzero(&cmd, sizeof(cmd));
        return r;
}

void coordinator_kube_look(struct coordinator *c, usec_t now) {
        struct agent *a = c->agent;
        struct kube_board boards[LIMIT_BOARDS];
        struct kube_cluster now_is;
        struct kube_decision d;

        if (!a->config.kubernetes || c->kube_submitted)
                return;
        now_is = cluster(c, boards);
        if (kube_cluster_answers(&now_is))
                c->kube_quiet_since = 0;
        else if (!c->kube_quiet_since)
                c->kube_quiet_since = now;
        now_is.quiet_since = c->kube_quiet_since;
        d = kube_cluster_step(&now_is, now);
        if (!str_eq(c->kube_note, d.note)) {
                (void)str_copy(c->kube_note, sizeof(c->kube_note), d.note);
                c->dirty = true;
                if (d.note[0])
                        log_notice("kubernetes: %s", d.note);
        }
        if (d.change == KUBE_CHANGE_NONE)
                return;
        log_field(LOG_LEVEL_NOTICE, "BRAMBLE_NODE", name_of(c, d.node),
                  d.change == KUBE_CHANGE_MOVE ? "kubernetes: %s is to make the control plane"
                  : d.change == KUBE_CHANGE_ADD
                          ? "kubernetes: %s is to carry the control plane too"
                          : "kubernetes: %s no longer carries the control plane",
                  name_of(c, d.node));
        c->kube_submitted = submit(a, &d, on_submitted, c) == 0;
}

bool coordinator_kube_work(const struct agent *a) {
        const struct coordinator *c = a->coordinator;

        for (uint32_t i = 0; c->leads && i < c->n_boards; i++)
                if (c->boards[i]->kube.work)
                        return true;
        return false;
}

/* ---- what boards and persons ask the leader -------------------------------------------------- */

/* The board that asks: the one at the other end, or this one itself. */
static uint64_t asker(const struct request *q) {
        return q->link && link_kind(q->link) == LINK_BOARD ? link_node(q->link)
                                                           : q->agent->board.node;
}

static void on_done(void *arg, int result) {
        struct request *q = arg;

        if (result == 0)
                request_reply(q, cJSON_CreateObject());
        else if (result == -ESTALE)
                request_fail(q, 409, "the control plane has moved meanwhile");
        else
                request_fail_errno(q, result, "");
        request_unref(q);
}

static void submit_for(struct request *q, const struct charter_command *cmd) {
        int r = consensus_submit(membership_consensus(q->agent), cmd, on_done, request_ref(q));

        if (r < 0)
                on_done(q, r);
}

/* The first control plane answers. */
void verb_kube_founded(struct request *q) {
        const struct charter_kube *k = &q->agent->charter.kube;
        struct charter_command cmd = { .op = CHARTER_KUBE_FOUNDED,
                                       .kube_adopted = json_bool(q->args, "adopted") };
        uint64_t epoch;

        if (json_number(q->args, "epoch", UINT32_MAX, &epoch) < 0 ||
            str_copy(cmd.version, sizeof(cmd.version), json_text(q->args, "version", "")) < 0 ||
            str_copy(cmd.digest, sizeof(cmd.digest), json_text(q->args, "ca_hash", "")) < 0) {
                request_fail(q, 400, "kube-founded needs epoch, version and ca_hash");
                return;
        }
        if (k->n_planes == 0 || k->planes[0] != asker(q)) {
                request_fail(q, 403, "another board makes the control plane");
                return;
        }
        cmd.kube_epoch = (uint32_t)epoch;
        submit_for(q, &cmd);
}

/* The key that seals snapshots: only for a board that carries the control plane. */
void verb_kube_key(struct request *q) {
        const struct charter_kube *k = &q->agent->charter.kube;
        char hex[2 * SIZE_KUBE_KEY + 1];
        cJSON *o;

        if (!charter_kube_carries(k, asker(q))) {
                request_fail(q, 403, "this board does not carry the control plane");
                return;
        }
        for (size_t i = 0; i < SIZE_KUBE_KEY; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", k->key[i]);
        o = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(o, "epoch", k->epoch);
        (void)cJSON_AddStringToObject(o, "key", hex);
        explicit_bzero(hex, sizeof(hex));
        request_reply(q, o);
}

static int by_snapshot(const void *x, const void *y) {
        const struct kube_board *a = x, *b = y;
        uint64_t of_a = a->report->snapshot, of_b = b->report->snapshot;

        return of_a > of_b ? -1 : of_a < of_b;
}

/* Which boards keep a snapshot of etcd: all that are up, the newest first. */
void verb_kube_snapshot_who(struct request *q) {
        const struct charter_kube *k = &q->agent->charter.kube;
        struct kube_board boards[LIMIT_BOARDS];
        struct kube_cluster now_is = cluster(q->agent->coordinator, boards);
        cJSON *o = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(o, "boards");

        qsort(boards, now_is.n_boards, sizeof(boards[0]), by_snapshot);
        (void)cJSON_AddNumberToObject(o, "epoch", k->epoch);
        for (uint32_t i = 0; i < now_is.n_boards; i++) {
                const struct kube_board *b = &boards[i];
                uint64_t snapshot;
                cJSON *item;
                char node[17];

                if (!b->up)
                        continue;
                /* one of a cluster that a person ended does not come back */
                snapshot = b->report->snapshot >> 32 < k->made ? 0 : b->report->snapshot;
                item = cJSON_CreateObject();
                str_hex64(b->node, node);
                (void)cJSON_AddStringToObject(item, "node", node);
                (void)cJSON_AddNumberToObject(item, "epoch", (double)(snapshot >> 32));
                (void)cJSON_AddNumberToObject(item, "number", (double)(uint32_t)snapshot);
                (void)cJSON_AddBoolToObject(item, "fit", b->report->capable && !b->small);
                (void)cJSON_AddBoolToObject(item, "plane", charter_kube_carries(k, b->node));
                (void)cJSON_AddItemToArray(array, item);
        }
        request_reply(q, o);
}

/* A person moves the control plane. */
void verb_promote(struct request *q) {
        struct agent *a = q->agent;
        struct kube_board boards[LIMIT_BOARDS];
        const struct charter_member *m = coordinator_board_named(q);
        struct kube_cluster now_is = cluster(a->coordinator, boards);
        struct kube_decision d;
        int r;

        if (!m)
                return;
        d = kube_cluster_promote(&now_is, m->node);
        if (d.change == KUBE_CHANGE_NONE) {
                request_fail(q, 409, "%s", d.note);
                return;
        }
        log_notice("kubernetes: a person moves the control plane to %s", m->name);
        r = submit(a, &d, on_done, request_ref(q));
        if (r < 0)
                on_done(q, r);
}

/* The whole cluster off (nobody founds another), or allowed again. */
void verb_kube_off(struct request *q) {
        struct charter_command cmd = { .op = CHARTER_KUBE_OFF,
                                       .kube_epoch = q->agent->charter.kube.epoch,
                                       .kube_off = json_bool(q->args, "off") };

        log_notice("kubernetes: a person %s it for the whole bramble",
                   cmd.kube_off ? "takes off" : "allows");
        submit_for(q, &cmd);
}
