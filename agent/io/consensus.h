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

/* All callbacks but 'dial' come once in a turn of the loop, when everything in it has happened,
 * and may call anything here. */
struct consensus_ops {
        /* Open a link to the board whose FRAME_HELLO says that it carries raft, then call
         * consensus_dialed() with the same 'dial' (and NULL where that failed).  It is asked for
         * again 250 ms after a failure, as long as libraft has anything to say to that board. */
        void (*dial)(void *arg, uint64_t node, void *dial);
        /* The charter changed (one or more commands were applied, or a snapshot was restored). */
        void (*applied)(void *arg);
        /* Leader or term or own state changed.  'leader' is 0 while nobody is known.  'self' only
         * once an entry of this term is committed: then a majority follows, and the charter holds
         * everything that was ever acknowledged. */
        void (*led)(void *arg, uint64_t leader, uint64_t term, bool self);
        /* The disk under the log failed (full, read-only, damaged): this board can not vote.  Told
         * once; from then on it does not lead, and it asks another voter to.  Close it, and try to
         * open it again later. */
        void (*broken)(void *arg, const char *why);
};

struct consensus_config {
        const char *dir; /* made 0700 where absent */
        uint64_t node;
        unsigned heartbeat_ms; /* 100 */
        unsigned election_ms;  /* 600: libraft waits between one and two of these */
};

/* Opens the log of 'dir'.  'charter' (all zero) stays the caller's and must live longer; it is
 * written by this module only.  Does not vote or listen before consensus_start().  -EBUSY where
 * another process has it open.  SIGPIPE is ignored from here on: libraft writes to sockets. */
int consensus_open(uv_loop_t *loop, const struct consensus_config *config, struct charter *charter,
                   const struct consensus_ops *ops, void *arg, struct consensus **ret,
                   struct fail *f);
/* A new log with this board as the only voter.  Before start, on an empty dir only (-EBUSY). */
int consensus_bootstrap(struct consensus *c, struct fail *f);
/* Loads the log.  Where this board alone votes, the charter is complete at once; elsewhere it holds
 * the last snapshot until a leader says what of the log is committed.  After a failure: close. */
int consensus_start(struct consensus *c, struct fail *f);
/* Unanswered commands get -ECANCELED; 'done' follows when every handle is closed; the struct is
 * freed then.  Dials that are under way are given up: a consensus_dialed() for them is ignored
 * before 'done', and forbidden after it. */
void consensus_close(struct consensus *c, void (*done)(void *arg), void *arg);
/* Forgets a log for good (after close; -EBUSY before).  Removes libraft's files and nothing else;
 * what was cut short is finished by the next call.  An absent dir is no error. */
int consensus_wipe(const char *dir, struct fail *f);

/* Hands a command to the log; only on the leader (-ENOTCONN elsewhere).  'done' gets what
 * charter_apply() answered, or -ECANCELED where leadership was lost before it was known, or
 * -EIO where the disk failed (in both cases it may or may not have happened).  It is acknowledged
 * when done says 0.  'done' may be NULL.  -EIO once the disk is broken, -EMSGSIZE, -ENOMEM. */
typedef void (*consensus_done_cb)(void *arg, int result);
int consensus_submit(struct consensus *c, const struct charter_command *cmd, consensus_done_cb done,
                     void *arg);

uint64_t consensus_leader(const struct consensus *c); /* 0: nobody known */
uint64_t consensus_term(const struct consensus *c);
bool consensus_leads(const struct consensus *c);
/* This board leads and a majority of the voters answered so lately that none of them can have
 * chosen another one yet.  consensus_leads() goes on for up to two election timeouts after the
 * cable was pulled; this does not. */
bool consensus_followed(const struct consensus *c);
/* As this board knows it: one that stands by hears of no changes. */
enum voter_role consensus_role(const struct consensus *c, uint64_t node);
unsigned consensus_voters(const struct consensus *c); /* number of voters in the configuration */

/* Leader: performs one step of core/voters (VOTERS_KEEP is -EINVAL).  -EBUSY while one runs,
 * -ENOTCONN where this board does not lead.  'done' (may be NULL): 0; -ETIMEDOUT where a board did
 * not catch up; -ECANCELED and -EIO as above. */
int consensus_change(struct consensus *c, const struct voters_action *action,
                     consensus_done_cb done, void *arg);
/* Leader: takes a board out of the configuration (it was re-flashed and lost its log).  -EINVAL for
 * itself, -ENOENT; else as consensus_change(). */
int consensus_remove(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg);
/* Leader: hands the leadership to a voter, 0: to any.  'done' gets -ETIMEDOUT where that did not
 * happen within an election timeout.  -ENOENT where there is no such voter; -EBUSY while a change
 * or a transfer runs, and for a second after a change. */
int consensus_transfer(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg);

/* Takes 'l' over in any case: its ops are replaced, it is closed when it is not needed.  'c' may be
 * NULL: closed meanwhile. */
void consensus_dialed(struct consensus *c, void *dial, struct link *l_or_null);
/* Takes over a link that another board opened for raft; an older one of that board ends. */
void consensus_accepted(struct consensus *c, struct link *l);
/* A board is back, from a reboot or from behind a pulled cable: where both vote, the connection to
 * it is made anew, now and not when its vote is needed.  One that followed the same leader would
 * otherwise lose the first thing that it has to say. */
void consensus_renew(struct consensus *c, uint64_t node);

#endif
