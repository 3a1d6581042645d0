#include "io/raft_guard.h"

#include <stddef.h>

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

static void before(struct raft_guard *g, struct raft_message *message) {
        struct raft_append_entries *append = &message->append_entries;

        g->pending = 0;
        g->rejected = false;
        if (message->type == RAFT_INSTALL_SNAPSHOT)
                expect(g, message->server_id, message->install_snapshot.term,
                       message->install_snapshot.last_index);
        if (message->type != RAFT_APPEND_ENTRIES)
                return;
        expect(g, message->server_id, append->term, append->prev_log_index + append->n_entries);
        /* commit no further than the last new entry */
        if (append->term == g->term && append->leader_commit > known(g))
                append->leader_commit = known(g);
}

static void after(struct raft_guard *g) {
        if (!g->rejected)
                g->verified = known(g);
        g->pending = 0;
}

/* This board in its own configuration, where it does not vote. */
static struct raft_server *non_voter(struct raft *r) {
        for (unsigned i = 0; i < r->configuration.n; i++)
                if (r->configuration.servers[i].id == r->id &&
                    r->configuration.servers[i].role != RAFT_VOTER)
                        return &r->configuration.servers[i];
        return NULL;
}

/* Of a leader that was heard within an election timeout nobody is disloyal (Raft thesis 4.2.3). */
static bool leader_is_silent(const struct raft *r) {
        return r->state == RAFT_FOLLOWER &&
               r->io->time(r->io) - r->election_timer_start >= r->election_timeout;
}

void raft_guard_receive(struct raft_guard *g, struct raft_io *io, struct raft_message *message,
                        raft_io_recv_cb receive) {
        struct raft *r = io->data;
        struct raft_server *self = NULL;
        int role = 0;

        if (message->type == RAFT_REQUEST_VOTE) {
                self = non_voter(r);
                if (leader_is_silent(r))
                        message->request_vote.disrupt_leader = true;
        }
        if (self) {
                role = self->role;
                self->role = RAFT_VOTER; /* for this one question, which changes no configuration */
        }
        before(g, message);
        receive(io, message);
        after(g);
        if (self)
                self->role = role;
}

void raft_guard_send(struct raft_guard *g, struct raft_message *message) {
        struct raft_append_entries_result *result = &message->append_entries_result;

        if (message->type != RAFT_APPEND_ENTRIES_RESULT)
                return;
        if (result->rejected != 0) {
                g->rejected = true;
                return;
        }
        if (message->server_id == g->leader && result->term == g->term &&
            result->last_log_index > known(g))
                result->last_log_index = known(g);
}
