/* raft_guard - stands between libraft 0.15 and its transport, where three faults of that version
 * can be made good.  Found by tests/sim and tests/bench; without effect on a library that is right.
 *
 * Leftovers.  A follower answers a heartbeat with the end of its own log, also where that end was
 * written by a leader of an earlier term and is about to be cut off.  The leader then takes an
 * entry for stored that is not, and what it acknowledges can be lost; and the follower applies its
 * leftover once the leader's commit index passes it.  (Raft, figure 3.1; put right upstream by
 * cowsql/raft pull request 148, after Debian bookworm.)
 *
 * Votes.  A board whose own configuration does not know yet that it votes refuses its vote.  A
 * leader that loses power just after it wrote such a promotion may need that very vote, and nobody
 * would ever lead again.  (Raft thesis 4.1: requests are served without consulting the
 * configuration.)
 *
 * Loyalty.  A follower refuses its vote until its own random wait for its leader is over (a board
 * that does not vote: for ever), so that after a power cut the slowest of a majority decides when
 * the next leader is there, 1 s in the median in place of 0.7 s.  An election timeout of silence is
 * enough (Raft thesis 4.2.3). */
#ifndef BRAMBLE_IO_RAFT_GUARD_H
#define BRAMBLE_IO_RAFT_GUARD_H

#include "io/raft_version.h"

#include <stdbool.h>

/* One a raft instance; all zero for a new one. */
struct raft_guard {
        raft_id leader;
        raft_term term;
        raft_index verified; /* up to here this log is that leader's, as it said in that term */
        raft_index pending;  /* so would it be if the message that is being received is accepted */
        bool rejected;       /* it was not */
};

/* Gives a message to 'receive', the callback that libraft handed to io->start().  io->data is
 * libraft's, as it leaves it. */
void raft_guard_receive(struct raft_guard *g, struct raft_io *io, struct raft_message *message,
                        raft_io_recv_cb receive);

/* For each message that libraft sends, before the transport gets it: may lower what an
 * append_entries_result claims.  'message' is the caller's copy. */
void raft_guard_send(struct raft_guard *g, struct raft_message *message);

#endif
