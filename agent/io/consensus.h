/* consensus - libraft on the loop: the log on disk, its messages in links, the charter as its
 * state machine. */
#ifndef BRAMBLE_IO_CONSENSUS_H
#define BRAMBLE_IO_CONSENSUS_H

#include "base/fail.h"
#include "core/charter.h"
#include "core/voters.h"
#include "io/link.h"

#include <uv.h>

struct consensus;

struct consensus_ops {
        /* Open a link to the board whose FRAME_HELLO says that it carries raft, then call
         * consensus_dialed() with the same 'dial' (and NULL where that failed). */
        void (*dial)(void *arg, uint64_t node, void *dial);
        /* The charter changed (one or more commands were applied, or a snapshot was restored). */
        void (*applied)(void *arg);
        /* Leader or term or own state changed.  'leader' is 0 while nobody is known. */
        void (*led)(void *arg, uint64_t leader, uint64_t term, bool self);
        /* The disk under the log failed (full, read-only, damaged): this board can not vote. */
        void (*broken)(void *arg, const char *why);
};

struct consensus_config {
        const char *dir; /* made 0700 where absent */
        uint64_t node;
        unsigned heartbeat_ms; /* 100 */
        unsigned election_ms;  /* 600: libraft waits between one and two of these */
};

/* Opens (and loads) the log of 'dir'.  'charter' stays the caller's and must live longer; it is
 * written by this module only.  Does not vote or listen before consensus_start(). */
int consensus_open(uv_loop_t *loop, const struct consensus_config *config, struct charter *charter,
                   const struct consensus_ops *ops, void *arg, struct consensus **ret,
                   struct fail *f);
/* A new log with this board as the only voter.  Before start, on an empty dir only (-EBUSY). */
int consensus_bootstrap(struct consensus *c, struct fail *f);
int consensus_start(struct consensus *c, struct fail *f);
/* 'done' follows when every handle is closed; the struct is freed then. */
void consensus_close(struct consensus *c, void (*done)(void *arg), void *arg);
/* Forgets a log for good (after close). */
int consensus_wipe(const char *dir, struct fail *f);

/* Hands a command to the log; only on the leader (-ENOTCONN elsewhere).  'done' gets what
 * charter_apply() answered, or -ECANCELED where leadership was lost before it was known (it may
 * or may not have happened), or -ENOSPC/-EIO.  It is acknowledged when done says 0. */
typedef void (*consensus_done_cb)(void *arg, int result);
int consensus_submit(struct consensus *c, const struct charter_command *cmd, consensus_done_cb done,
                     void *arg);

uint64_t consensus_leader(const struct consensus *c); /* 0: nobody known */
uint64_t consensus_term(const struct consensus *c);
bool consensus_leads(const struct consensus *c);
enum voter_role consensus_role(const struct consensus *c, uint64_t node);
unsigned consensus_voters(const struct consensus *c); /* number of voters in the configuration */

/* Leader: performs one step of core/voters (VOTERS_KEEP is -EINVAL).  -EBUSY while one runs. */
int consensus_change(struct consensus *c, const struct voters_action *action,
                     consensus_done_cb done, void *arg);
/* Leader: takes a board out of the configuration (it was re-flashed and lost its log). */
int consensus_remove(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg);
int consensus_transfer(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg);

void consensus_dialed(struct consensus *c, void *dial, struct link *l_or_null);
/* Takes over a link that another board opened for raft. */
void consensus_accepted(struct consensus *c, struct link *l);

#endif
