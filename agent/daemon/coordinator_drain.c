/* coordinator_drain - boards that a person takes out of use: their functions move, a leader hands
 * over, and status says how far they are. */
#include "core/drain.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "io/log.h"

#include <errno.h>
#include <string.h>

/* After a transfer that did not happen. */
#define HAND_OVER_AGAIN_USEC (2 * USEC_PER_SEC)

/* ---- leadership ------------------------------------------------------------------------------ */

static bool cordoned(const struct agent *a, uint64_t node) {
        const struct charter_member *m = charter_member(&a->charter, node);

        return m && m->cordoned;
}

static uint64_t heir(const struct coordinator *c) {
        struct consensus *consensus = membership_consensus(c->agent);
        struct drain_voter voters[LIMIT_BOARDS];

        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];

                voters[i].cordoned = cordoned(c->agent, b->node);
                voters[i].failed = b->node == c->no_heir;
                voters[i].board = (struct voter_board){ .node = b->node,
                                                        .role = consensus_role(consensus, b->node),
                                                        .up = b->up,
                                                        .strength = board_strength(&b->board) };
        }
        return drain_heir(voters, c->n_boards, c->agent->board.node);
}

static void on_handed_over(void *arg, int result) {
        struct coordinator *c = arg;

        c->handing_over = false;
        if (result == 0 || result == -ECANCELED)
                return;
        c->no_heir = c->asked_heir;
        log_warning("leadership could not be handed over: %s, trying again", strerror(-result));
}

/* What is in the log is answered first: who asked for it hears how it went. */
static void hand_over(struct coordinator *c, usec_t now) {
        const struct charter_member *to;

        if (!cordoned(c->agent, c->agent->board.node) || c->handing_over || c->submitted > 0 ||
            c->changing || now < c->hand_over_at)
                return;
        to = charter_member(&c->agent->charter, heir(c));
        if (!to)
                return;
        c->hand_over_at = usec_add(now, HAND_OVER_AGAIN_USEC);
        if (consensus_transfer(membership_consensus(c->agent), to->node, on_handed_over, c) < 0)
                return; /* it is busy with a change of the voters: the next look */
        c->handing_over = true;
        c->asked_heir = to->node;
        log_notice("this board is drained and hands leadership over to %s", to->name);
}

/* ---- how far they are ------------------------------------------------------------------------ */

static bool cleared(const struct coordinator *c, uint64_t node) {
        for (uint32_t i = 0; i < c->n_boards; i++)
                for (uint32_t j = 0; c->boards[i]->up && j < c->boards[i]->kube.n_cleared; j++)
                        if (c->boards[i]->kube.cleared[j] == node)
                                return true;
        return false;
}

static enum drain_state state_of(const struct coordinator *c, const struct board_state *b,
                                 char ret[static SIZE_REASON]) {
        const struct charter *charter = &c->agent->charter;
        const struct charter_kube *k = &charter->kube;
        struct drain_facts f = { .cordoned = cordoned(c->agent, b->node),
                                 .up = b->up,
                                 .leads = b->node == c->agent->board.node,
                                 .running = b->n_instances,
                                 .node = k->founded && !k->adopted && b->up && b->kube.epoch &&
                                         b->kube.epoch == k->epoch,
                                 .stuck = c->reason };

        if (f.cordoned) {
                f.heir = f.leads && heir(c) != 0;
                f.cleared = f.node && cleared(c, b->node);
                for (uint32_t i = 0; i < charter->n_instances; i++)
                        f.placed += charter->instances[i].node == b->node;
                for (uint32_t i = 0; i < c->n_ahead; i++)
                        f.placed += c->ahead[i].id >= charter->next_instance &&
                                    c->ahead[i].node == b->node;
        }
        return drain_step(&f, ret);
}

bool coordinator_drained(const struct agent *a, uint64_t node, char ret[static SIZE_REASON]) {
        const struct coordinator *c = a->coordinator;
        const struct board_state *b = c->leads ? coordinator_board(c, node) : NULL;

        ret[0] = '\0';
        return b && c->settled && state_of(c, b, ret) == DRAIN_DONE;
}

void coordinator_drain_look(struct coordinator *c, usec_t now) {
        char text[SIZE_REASON];

        hand_over(c, now);
        for (uint32_t i = 0; i < c->n_boards; i++) {
                struct board_state *b = c->boards[i];
                const struct charter_member *m = charter_member(&c->agent->charter, b->node);
                bool done = state_of(c, b, text) == DRAIN_DONE;

                if (done && !b->drained && m)
                        log_field(LOG_LEVEL_NOTICE, "BRAMBLE_NODE", m->name, "%s is drained: %s",
                                  m->name, text);
                b->drained = done;
        }
}

/* ---- what a person asks ---------------------------------------------------------------------- */

static bool may_leave(struct request *q, const struct charter_member *m) {
        const struct coordinator *c = q->agent->coordinator;
        struct placement_board boards[LIMIT_BOARDS];
        struct fail f = { 0 };

        coordinator_placement_boards(c, boards);
        if (placement_can_leave(&q->agent->charter, boards, c->n_boards, m->node, &f) == 0)
                return true;
        request_fail(q, 409,
                     "%s is not drained: %s. Scale functions down, remove some, or bring another "
                     "board up: agentctl functions",
                     m->name, fail_text(&f));
        return false;
}

/* Nobody would move the pods of one node more. */
static bool has_room(struct request *q, const struct charter_member *m) {
        const struct coordinator *c = q->agent->coordinator;
        struct drain_node nodes[LIMIT_BOARDS];

        for (uint32_t i = 0; i < c->n_boards; i++)
                nodes[i] = (struct drain_node){ .node = c->boards[i]->node,
                                                .cordoned = cordoned(q->agent, c->boards[i]->node),
                                                .kube = c->boards[i]->kube.epoch != 0 };
        if (drain_has_room(nodes, c->n_boards, m->node))
                return true;
        request_fail(q, 409,
                     "%d Kubernetes nodes are drained already, and no more can be at a time: "
                     "agentctl uncordon one of them first",
                     LIMIT_CLEARED);
        return false;
}

void verb_drain(struct request *q) {
        const struct charter_member *m = coordinator_board_named(q);
        struct charter_command cmd = { .op = CHARTER_MEMBER_CORDON, .cordoned = true };

        if (!m || (!m->cordoned && (coordinator_later(q) || !may_leave(q, m) || !has_room(q, m))))
                return;
        cmd.node = m->node;
        if (!m->cordoned)
                log_field(LOG_LEVEL_NOTICE, "BRAMBLE_NODE", m->name, "a person drains %s", m->name);
        coordinator_board_write(q, &cmd);
}

void verb_uncordon(struct request *q) {
        const struct charter_member *m = coordinator_board_named(q);
        struct charter_command cmd = { .op = CHARTER_MEMBER_CORDON };

        if (!m)
                return;
        cmd.node = m->node;
        if (m->cordoned)
                log_field(LOG_LEVEL_NOTICE, "BRAMBLE_NODE", m->name,
                          "a person lets %s have functions again", m->name);
        coordinator_board_write(q, &cmd);
}
