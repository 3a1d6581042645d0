/* membership_private - what the files of membership share. */
#ifndef BRAMBLE_DAEMON_MEMBERSHIP_PRIVATE_H
#define BRAMBLE_DAEMON_MEMBERSHIP_PRIVATE_H

#include "daemon/membership.h"

struct membership {
        struct agent *agent;
        struct formation formation;
        uv_timer_t timer, reopen;
        bool wipe;                   /* the log goes once it is closed */
        struct consensus *consensus; /* NULL: fresh, or being closed */
        unsigned epochs;             /* logs that were opened so far */
        bool closing;                /* its handles are not gone yet */
        bool log_broken;             /* it could not be written, and did not hold since */
        bool on_trial;               /* it was opened again, and must hold for a while */
        bool not_saved;              /* nor could the file of what is remembered */
        bool leads;                  /* this board, as was last told */
        uint64_t leader;             /* newest that anybody told; 0: nobody */
        uint64_t founding;           /* random id of the bramble that is being founded */
        char raft_dir[128];
};

/* membership.c: log_broken or not_saved changed. */
void membership_tell_saved(struct agent *a);
/* A try to found or join failed; formation will say when to try again. */
void membership_refused(struct agent *a);
void membership_announce(struct agent *a);
/* The first thing a founder does once it leads itself. */
void membership_submit_found(struct agent *a);

/* membership_log.c: the bramble's log on this card.
 * Opens and starts it: 'fresh' wipes what is there first, 'bootstrap' makes this board its only
 * voter.  Where it fails, membership_log_close() must follow. */
int membership_log_open(struct agent *a, bool fresh, bool bootstrap, struct fail *f);
/* 'wipe': what is in it belongs to no bramble that this board is in.  A member's log is opened
 * again after 10 s. */
void membership_log_close(struct agent *a, bool wipe);
/* The card cannot be written: says so once, closes the log, and tries again for ever. */
void membership_log_broken(struct agent *a, const char *why);

#endif
