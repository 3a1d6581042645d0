/* charter_shutdown - the charter's record of a shutdown: that the bramble, or one board of it, is
 * being switched off, by whose word and in which life of its boards.  While it is about the whole
 * bramble the charter is frozen: nobody is elected master, nothing is scaled, placed or moved.
 * Pure.
 */
#ifndef BRAMBLE_CORE_CHARTER_SHUTDOWN_H
#define BRAMBLE_CORE_CHARTER_SHUTDOWN_H

#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct charter;
struct charter_command;
struct wire_in;
struct wire_out;

/* How long a board may take until it is said to hang, in seconds. */
enum { SHUTDOWN_TIMEOUT_LEAST = 5, SHUTDOWN_TIMEOUT = 90, SHUTDOWN_TIMEOUT_MOST = 3600 };

struct charter_shutdown_board {
        uint64_t node;
        uint64_t boot; /* random, new with each power-on of that board; 0: it was silent */
};

struct charter_shutdown {
        uint64_t id; /* random; 0: nothing is being switched off */
        bool reboot;
        bool returning; /* the power is back, and nobody is switched off: boards are waited for */
        uint64_t only;  /* one board alone; 0: all of them */
        uint32_t timeout_sec;
        uint32_t n;
        struct charter_shutdown_board boards[LIMIT_BOARDS]; /* those that it is about */
};

/* Is nothing to be changed until the boards are back? */
bool charter_frozen(const struct charter *c);
/* Is the board one of those that the power has come back to, so that it is waited for? */
bool charter_awaits(const struct charter *c, uint64_t node);
/* The boot that the record names for a board; 0: none, or it is not in the record. */
uint64_t charter_shutdown_boot(const struct charter_shutdown *s, uint64_t node);

/* A person wants a board ('only'; 0: all of them) off, or off and on again: how does that stand to
 * the record of now? */
enum shutdown_wish {
        SHUTDOWN_WISH_NEW,      /* nothing of it is under way (though another board may be) */
        SHUTDOWN_WISH_SAME,     /* just that is */
        SHUTDOWN_WISH_CONTRARY, /* it restarts and should stay off, or the other way round */
};
enum shutdown_wish charter_shutdown_wish(const struct charter_shutdown *now, uint64_t only,
                                         bool reboot);

/* For charter_apply.c: -ESHUTDOWN where the frozen charter refuses this command. */
int charter_shutdown_refuses(const struct charter *c, const struct charter_command *cmd);
/* CHARTER_SHUTDOWN_SET: -EALREADY where one of all boards is under way, -EBUSY where one of another
 * board is, -ENOENT where 'only' is no member, -EINVAL.  CHARTER_SHUTDOWN_CLEAR: -ENOENT where the
 * record of now has another id; with 'returning' the record of all boards stays for as long as they
 * are waited for, and nothing is frozen. */
int charter_shutdown_apply(struct charter *c, const struct charter_command *cmd);
/* A member is gone. */
void charter_shutdown_forget(struct charter *c, uint64_t node);

/* For charter_codec.c: the record as bytes, in a command and at the end of a snapshot. */
void charter_shutdown_put(struct wire_out *w, const struct charter_shutdown *s);
void charter_shutdown_get(struct wire_in *w, struct charter_shutdown *s);
bool charter_shutdown_valid(const struct charter_shutdown *s);

#endif
