/* consensus_internal - what the files of consensus share: consensus.c (life, leadership, commands,
 * changes), consensus_state.c (the charter as libraft's state machine), consensus_stream.c (links
 * as libraft's connections), consensus_disk.c (the folder, and what fails in it). */
#ifndef BRAMBLE_IO_CONSENSUS_INTERNAL_H
#define BRAMBLE_IO_CONSENSUS_INTERNAL_H

#include "base/list.h"
#include "io/consensus.h"
#include "io/raft_guard.h"

#include <raft.h>
#include <raft/uv.h>

enum {
        SEGMENT_BYTES = 1024 * 1024, /* libraft keeps up to three open ones, all allocated */
        SNAPSHOT_ENTRIES = 1024,
        SNAPSHOT_BYTES = 1024 * 1024, /* libraft holds the log in memory: an earlier snapshot */
        SNAPSHOT_TRAILING = 128,
        CONNECT_RETRY_MS = 250,
        INSTALL_SNAPSHOT_MS = 15000,
        CHUNK_BYTES = 16 * 1024, /* of libraft's stream in one frame */
        /* libraft takes a voter for a fit successor once it was sent everything, and a follower
         * that becomes a candidate before a change of the configuration is on its disk misses that
         * change for good: no transfer so soon after one. */
        SETTLE_MS = 1000,
        HEARD = 8, /* more than there are voters */
};

/* What a caller is told, from the loop and never from within a call. */
struct answer {
        struct list item; /* in 'answers' once 'result' is known */
        consensus_done_cb done;
        void *arg;
        int result;
        bool pending; /* asked for and not yet delivered */
        bool heap;    /* freed with its struct submission */
};

struct consensus {
        uv_loop_t *loop;
        uint64_t node;
        const struct consensus_ops *ops;
        void *arg;
        struct charter *charter;
        size_t entry_bytes; /* applied since the last snapshot */
        int lock_fd;

        struct raft raft;
        struct raft_io io;
        struct raft_io disk; /* the methods of 'io' as libraft made them */
        struct raft_guard guard;
        raft_io_recv_cb receive; /* libraft's own; the guard stands before it */
        struct raft_fsm fsm;
        struct raft_uv_transport transport;
        raft_uv_accept_cb accept; /* NULL while nobody may come in */

        /* Tell what a turn of the loop has changed: what its timers did before it waits, what came
         * from outside before it ends. */
        uv_prepare_t prepare;
        uv_check_t check;
        bool started;
        bool closing;
        raft_io_close_cb io_closed; /* libraft's, while its files are being closed */
        bool raft_closed;
        bool applied; /* not told yet */
        bool broken;
        bool broken_told;
        bool stepped_down;     /* broken and leading: somebody else was asked to lead */
        char why[SIZE_REASON]; /* broken */

        /* When voters answered last, uv_now(); a slot of another node is as good as none. */
        struct {
                uint64_t node;
                uint64_t at_ms;
        } heard[HEARD];

        /* Leadership counts once an entry of this term is committed: only then are all entries of
         * earlier terms applied here, and a majority is known to follow. */
        struct raft_apply first; /* that entry */
        bool first_pending;
        raft_term first_term;     /* asked for */
        raft_term confirmed_term; /* committed */

        uint64_t told_leader;
        uint64_t told_term;
        bool told_self;

        struct raft_change change;
        struct answer changed;
        uint64_t settled_ms; /* uv_now() from which on a transfer is safe */
        struct raft_transfer transfer;
        struct answer transferred;
        uint64_t transfer_to;

        struct list answers; /* struct answer */
        struct list dials;   /* struct dial */
        struct list bridges; /* struct bridge */
        unsigned handles;    /* of bridges, not yet closed */
        void (*closed)(void *arg);
        void *closed_arg;
        char chunk[CHUNK_BYTES];
};

/* consensus.c */
int consensus_errno(int raft_error);
/* A voter answered its leader. */
void consensus_heard(struct consensus *c, uint64_t node);
void consensus_finish(struct consensus *c); /* after a close: frees when nothing is left */

/* consensus_state.c */
void consensus_state_init(struct consensus *c);
/* Entries are whole 8-byte words for libraft: u32 length, the command, zeros.  'cmd' NULL is an
 * entry that changes nothing.  'ret' is raft_malloc'ed. */
int consensus_entry(const struct charter_command *cmd, struct raft_buffer *ret);

/* consensus_stream.c */
void consensus_stream_init(struct consensus *c);
/* Gives libraft the connections that were dialled. */
void consensus_stream_deliver(struct consensus *c);

/* consensus_disk.c */
int consensus_lock(const char *dir, int *ret_fd, struct fail *f);
/* After raft_uv_init(): watches the methods that write. */
void consensus_disk_watch(struct consensus *c);
void consensus_disk_failed(struct consensus *c, int raft_error);

#endif
