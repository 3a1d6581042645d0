/* coordinator_rename - a board gets the name that a person wants; the board itself does the rest.
 */
#include "base/str.h"
#include "core/names.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "io/json.h"
#include "io/log.h"

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

void verb_rename(struct request *q) {
        const struct coordinator *c = q->agent->coordinator;
        const char *name = json_text(q->args, "name", "");
        const struct charter_member *m = coordinator_board_named(q);
        struct charter_command cmd = { .op = CHARTER_MEMBER_RENAME };
        const struct board_state *b;

        if (!m || !name_allowed(q, m, name) || coordinator_later(q))
                return;
        b = coordinator_board(c, m->node);
        if (!b) {
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
        coordinator_board_write(q, &cmd);
}
