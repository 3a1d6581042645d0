/* coordinator_rename - a board gets the name that a person wants; the board itself does the rest.
 */
#include "base/str.h"
#include "core/names.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A node of Kubernetes keeps its name for as long as it is one. */
static bool kubernetes_allows(struct request *q, const struct charter_member *m,
                              const struct board_state *b) {
        const struct charter_kube *k = &q->agent->charter.kube;
        char text[SIZE_REASON];

        if (charter_kube_carries(k, m->node)) {
                request_fail(q, 409,
                             "%s carries the Kubernetes control plane, and its node cannot change "
                             "its name: agentctl promote another board first",
                             m->name);
                return false;
        }
        if (b->kube.foreign || (k->adopted && b->kube.phase == KUBE_FOREIGN)) {
                request_fail(q, 409,
                             "%s is a node of a Kubernetes cluster that was set up by hand, and a "
                             "node cannot change its name: kubeadm reset takes it out",
                             m->name);
                return false;
        }
        if ((b->kube.epoch || b->kube.phase == KUBE_JOINING) &&
            !coordinator_drained(q->agent, m->node, text)) {
                request_fail(q, 409,
                             "%s is a Kubernetes node, and gets its new name there by leaving the "
                             "cluster and joining anew: agentctl drain %s first, and uncordon it "
                             "afterwards",
                             m->name, m->name);
                return false;
        }
        return true;
}

static bool name_allowed(struct request *q, const struct charter_member *m, const char *name) {
        const struct charter_member *other = charter_member_by_name(&q->agent->charter, name);
        const char *wrong = names_board_wrong(name);

        if (wrong) {
                request_fail(q, 400, "'%.63s' is no name for a board: %s", name, wrong);
                return false;
        }
        if (other && other != m) {
                request_fail(q, 409, "another board is called '%s': names are for one board each",
                             name);
                return false;
        }
        return true;
}

static void on_renamed(void *arg, int result) {
        struct request *q = arg;
        cJSON *o;

        if (result == 0) {
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "board", json_text(q->args, "board", ""));
                (void)cJSON_AddStringToObject(o, "name", json_text(q->args, "name", ""));
                request_reply(q, o);
        } else if (result == -EEXIST) {
                request_fail(q, 409, "another board has just got that name");
        } else if (result == -ENOENT) {
                request_fail(q, 404, "that board has just left the bramble");
        } else {
                request_fail_errno(q, result == -ECANCELED ? -ENOTCONN : result,
                                   result == -ECANCELED || result == -ENOTCONN
                                           ? "the leader has just changed: try again"
                                           : "");
        }
        request_unref(q);
}

void verb_rename(struct request *q) {
        const struct coordinator *c = q->agent->coordinator;
        const char *board = json_text(q->args, "board", "");
        const char *name = json_text(q->args, "name", "");
        const struct charter_member *m = charter_member_by_name(&q->agent->charter, board);
        struct charter_command cmd = { .op = CHARTER_MEMBER_RENAME };
        const struct board_state *b;
        int r;

        if (!m) {
                request_fail(q, 404, "no board is called '%.63s': agentctl status", board);
                return;
        }
        if (!name_allowed(q, m, name))
                return;
        b = coordinator_board(c, m->node);
        if (!c->settled || !b) {
                request_fail(q, 503, "the leader has just changed: try again in a moment");
                return;
        }
        if (!b->up) { /* nobody knows how it stands to Kubernetes */
                request_fail(q, 409, "%s is down: switch it on, then rename it", m->name);
                return;
        }
        if (!str_eq(name, m->name) && !kubernetes_allows(q, m, b))
                return;
        cmd.node = m->node;
        (void)str_copy(cmd.name, sizeof(cmd.name), name);
        log_field(LOG_LEVEL_NOTICE, "BRAMBLE_NODE", m->name, "a person calls %s %s", m->name, name);
        r = consensus_submit(membership_consensus(q->agent), &cmd, on_renamed, request_ref(q));
        if (r < 0)
                on_renamed(q, r);
}
