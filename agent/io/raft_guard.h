/* raft_guard - keeps libraft 0.15 from counting a follower's leftover of an earlier term.
 * Up to 0.17 a follower answers a heartbeat with the end of its own log, also where that end was
 * written by a leader of an earlier term and is about to be cut off (fixed upstream by cowsql/raft
 * pull request 148): the leader then takes an entry for stored that nobody stored, and what it
 * acknowledges can be lost.  For the same reason such a follower applies its leftover once the
 * leader's commit index passes it.  Harmless, and without effect, with a library that is right. */
#ifndef BRAMBLE_IO_RAFT_GUARD_H
#define BRAMBLE_IO_RAFT_GUARD_H

#include <raft.h>
#include <stdbool.h>

/* One a raft instance; all zero for a new one. */
struct raft_guard {
        raft_id leader;
        raft_term term;
        raft_index verified; /* up to here this log is that leader's, as it said in that term */
        raft_index pending;  /* so would it be if the message that is being received is accepted */
        bool rejected;       /* it was not */
};

/* Call around libraft's own receive callback.  May lower the message's commit index. */
void raft_guard_before(struct raft_guard *g, struct raft_message *message);
void raft_guard_after(struct raft_guard *g);

/* For each message that libraft sends, before the transport gets it: may lower what an
 * append_entries_result claims.  'message' is the caller's copy. */
void raft_guard_send(struct raft_guard *g, struct raft_message *message);

#endif
