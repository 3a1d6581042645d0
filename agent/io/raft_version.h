/* raft_version - libraft under one set of names: 0.15 is in Debian bookworm, 0.22 in trixie.
 * Include it in place of raft.h where messages or fields are named. */
#ifndef BRAMBLE_IO_RAFT_VERSION_H
#define BRAMBLE_IO_RAFT_VERSION_H

#include <raft.h>

#ifndef RAFT_VERSION_NUMBER /* 0.15 does not say which it is */
#define RAFT_APPEND_ENTRIES        RAFT_IO_APPEND_ENTRIES
#define RAFT_APPEND_ENTRIES_RESULT RAFT_IO_APPEND_ENTRIES_RESULT
#define RAFT_REQUEST_VOTE          RAFT_IO_REQUEST_VOTE
#define RAFT_REQUEST_VOTE_RESULT   RAFT_IO_REQUEST_VOTE_RESULT
#define RAFT_INSTALL_SNAPSHOT      RAFT_IO_INSTALL_SNAPSHOT
#define RAFT_TIMEOUT_NOW           RAFT_IO_TIMEOUT_NOW
#define RAFT_NO_PRE_VOTE           raft_tribool_false /* in request_vote_result.pre_vote */
#define RAFT_SNAPSHOT_THRESHOLD(r) ((r)->snapshot.threshold)
#else
#define RAFT_NO_PRE_VOTE           false
#define RAFT_SNAPSHOT_THRESHOLD(r) ((r)->legacy.snapshot_threshold)
#endif

#endif
