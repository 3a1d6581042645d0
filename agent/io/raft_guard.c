#include "io/raft_guard.h"

static raft_index known(const struct raft_guard *g) {
        return g->pending > g->verified ? g->pending : g->verified;
}

static void expect(struct raft_guard *g, raft_id leader, raft_term term, raft_index last) {
        if (term < g->term)
                return; /* of a leader that is none any more: libraft refuses it */
        if (term > g->term || leader != g->leader) {
                g->leader = leader;
                g->term = term;
                g->verified = 0;
        }
        g->pending = last;
}

void raft_guard_before(struct raft_guard *g, struct raft_message *message) {
        struct raft_append_entries *append = &message->append_entries;

        g->pending = 0;
        g->rejected = false;
        if (message->type == RAFT_IO_INSTALL_SNAPSHOT)
                expect(g, message->server_id, message->install_snapshot.term,
                       message->install_snapshot.last_index);
        if (message->type != RAFT_IO_APPEND_ENTRIES)
                return;
        expect(g, message->server_id, append->term, append->prev_log_index + append->n_entries);
        /* Raft, figure 3.1: commit no further than the last new entry */
        if (append->term == g->term && append->leader_commit > known(g))
                append->leader_commit = known(g);
}

void raft_guard_after(struct raft_guard *g) {
        if (!g->rejected)
                g->verified = known(g);
        g->pending = 0;
}

void raft_guard_send(struct raft_guard *g, struct raft_message *message) {
        struct raft_append_entries_result *result = &message->append_entries_result;

        if (message->type != RAFT_IO_APPEND_ENTRIES_RESULT)
                return;
        if (result->rejected != 0) {
                g->rejected = true;
                return;
        }
        if (message->server_id == g->leader && result->term == g->term &&
            result->last_log_index > known(g))
                result->last_log_index = known(g);
}
