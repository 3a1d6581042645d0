#include "io/raft_guard.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

/* libraft as the guard sees it: what it sends while it receives. */
static struct raft_guard guard;
static struct raft_server servers[2];
static struct raft raft;
static raft_index rejects; /* it refuses what follows on this entry */
static int role_seen;
static bool disrupt_seen;
static raft_index commit_seen;
static raft_time now;

static raft_time get_time(struct raft_io *io) {
        (void)io;
        return now;
}

static struct raft_io io = { .data = &raft, .time = get_time };

static raft_index answer(raft_index stored) {
        struct raft_message m = { .type = RAFT_APPEND_ENTRIES_RESULT, .server_id = 1 };

        m.append_entries_result.term = guard.term;
        m.append_entries_result.last_log_index = stored;
        m.append_entries_result.rejected = rejects;
        raft_guard_send(&guard, &m);
        return m.append_entries_result.last_log_index;
}

static raft_index answered; /* within the call */

static void receive(struct raft_io *where, struct raft_message *m) {
        (void)where;
        role_seen = servers[0].role;
        disrupt_seen = m->request_vote.disrupt_leader;
        commit_seen = m->append_entries.leader_commit;
        answered = answer(18);
}

static int set_up(void **state) {
        (void)state;
        guard = (struct raft_guard){ 0 };
        servers[0] = (struct raft_server){ .id = 7, .role = RAFT_SPARE };
        servers[1] = (struct raft_server){ .id = 1, .role = RAFT_VOTER };
        raft = (struct raft){ .id = 7, .io = &io, .election_timeout = 600 };
        raft.configuration.servers = servers;
        raft.configuration.n = 2;
        raft.state = RAFT_FOLLOWER;
        rejects = 0;
        now = 0;
        return 0;
}

static void append(raft_term term, raft_index prev, unsigned n, raft_index commit) {
        struct raft_message m = { .type = RAFT_APPEND_ENTRIES, .server_id = 1 };

        m.append_entries.term = term;
        m.append_entries.prev_log_index = prev;
        m.append_entries.n_entries = n;
        m.append_entries.leader_commit = commit;
        raft_guard_receive(&guard, &io, &m, receive);
}

/* This board has 18 entries on disk; the leader of term 2 has said so much about them. */
static void leftovers(void **state) {
        (void)state;
        append(2, 15, 0, 16); /* a heartbeat: entries 16 to 18 are of nobody's */
        assert_int_equal(answered, 15);
        assert_int_equal(commit_seen, 15);
        append(2, 15, 2, 17); /* two entries; they are on disk later */
        assert_int_equal(commit_seen, 17);
        assert_int_equal(answer(15), 15);
        assert_int_equal(answer(18), 17);
        append(2, 14, 0, 17); /* an older heartbeat that was overtaken takes nothing back */
        assert_int_equal(answered, 17);
        assert_int_equal(commit_seen, 17);
        append(3, 16, 0, 18); /* another leader knows nothing of what its predecessor checked */
        assert_int_equal(answered, 16);
        assert_int_equal(commit_seen, 16);
        append(2, 18, 0, 18); /* the old one is heard no more */
        assert_int_equal(guard.verified, 16);
}

static void refusals(void **state) {
        (void)state;
        rejects = 30; /* the log has no entry 30, or another one: the hint goes as it is */
        append(2, 30, 0, 30);
        assert_int_equal(answered, 18);
        assert_int_equal(guard.verified, 0);
        rejects = 0;
        append(2, 18, 0, 18);
        assert_int_equal(answered, 18);
}

static void snapshots(void **state) {
        struct raft_message m = { .type = RAFT_INSTALL_SNAPSHOT, .server_id = 1 };

        (void)state;
        m.install_snapshot.term = 4;
        m.install_snapshot.last_index = 12;
        raft_guard_receive(&guard, &io, &m, receive);
        assert_int_equal(answer(12), 12);
        assert_int_equal(answer(18), 12);
}

static void votes(void **state) {
        struct raft_message m = { .type = RAFT_REQUEST_VOTE, .server_id = 1 };

        (void)state;
        now = 599;
        raft_guard_receive(&guard, &io, &m, receive);
        assert_int_equal(role_seen, RAFT_VOTER);
        assert_false(disrupt_seen); /* its leader was heard within an election timeout */
        assert_int_equal(servers[0].role, RAFT_SPARE);
        now = 600;
        raft_guard_receive(&guard, &io, &m, receive);
        assert_true(disrupt_seen);
        /* one that is in no configuration stays out: libraft sees to that */
        raft.configuration.n = 0;
        raft_guard_receive(&guard, &io, &m, receive);
        assert_int_equal(servers[0].role, RAFT_SPARE);
}

static void loyalty(void **state) {
        (void)state;
        servers[0].role = RAFT_VOTER;
        for (now = 590; now <= 610; now += 5) {
                struct raft_message m = { .type = RAFT_REQUEST_VOTE, .server_id = 1 };

                raft_guard_receive(&guard, &io, &m, receive);
                assert_int_equal(disrupt_seen, now >= 600);
        }
        raft.state = RAFT_LEADER; /* it hears itself */
        struct raft_message m = { .type = RAFT_REQUEST_VOTE, .server_id = 1 };

        raft_guard_receive(&guard, &io, &m, receive);
        assert_false(disrupt_seen);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(leftovers, set_up), cmocka_unit_test_setup(refusals, set_up),
                cmocka_unit_test_setup(snapshots, set_up), cmocka_unit_test_setup(votes, set_up),
                cmocka_unit_test_setup(loyalty, set_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
