/* formation - decides when a fresh board founds a bramble, joins one, or waits; and when two
 * brambles that meet become one.  Pure. */
#ifndef BRAMBLE_CORE_FORMATION_H
#define BRAMBLE_CORE_FORMATION_H

#include "base/time.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a peer says of itself over mutual TLS, and what this board says of itself. */
struct formation_view {
        uint64_t node;     /* never 0 */
        uint64_t strength; /* board_strength() */
        uint64_t choice;   /* fresh boards: whom it would let found; 0: none yet */
        uint64_t bramble;  /* 0: fresh */
        uint64_t leader;   /* members: who leads, as far as it knows; 0: nobody */
        uint32_t members;  /* of its bramble */
        bool work;         /* its bramble has functions or images */
        bool mergeable;    /* it speaks for a bramble that it leads with a majority */
        uint64_t folded;   /* a bramble that this board gave up by folding; 0: none */
};

enum formation_state {
        FORMATION_LOOKING,  /* fresh */
        FORMATION_FOUNDING, /* told to found; waits for the first commit */
        FORMATION_JOINING,  /* has asked a bramble to take it in */
        FORMATION_MEMBER,
        FORMATION_STATE_MAX,
};

enum formation_event_type {
        FORMATION_EVENT_PEER,      /* a peer's view, new or changed */
        FORMATION_EVENT_PEER_LOST, /* its connection ended */
        FORMATION_EVENT_FOUNDED,   /* founding or joining ended well: bramble id in 'bramble' */
        FORMATION_EVENT_REFUSED,   /* founding or joining failed; try again */
        FORMATION_EVENT_SELF,      /* own leader, members, work or mergeable changed */
        FORMATION_EVENT_TICK,
};

struct formation_event {
        enum formation_event_type type;
        struct formation_view view; /* PEER; SELF: the same fields of this board */
        uint64_t node;              /* PEER_LOST */
        uint64_t bramble;           /* FOUNDED */
};

enum formation_action_type {
        FORMATION_ACTION_TELL,  /* own view changed: tell every connected peer */
        FORMATION_ACTION_FOUND, /* bootstrap consensus with this board alone */
        FORMATION_ACTION_JOIN,  /* ask 'node' (a leader, or a member that knows it) */
        FORMATION_ACTION_FOLD,  /* leader: this bramble dissolves into 'bramble'; another member:
                                   its bramble dissolved without it, it becomes fresh alone */
        FORMATION_ACTION_CLASH, /* two brambles with work: say it loudly, once per bramble */
};

struct formation_action {
        enum formation_action_type type;
        uint64_t node;
        uint64_t bramble;
};

enum { FORMATION_ACTIONS = 4, FORMATION_CLASHES = 4, FORMATION_LEFT = 8 };

/* Nobody founds sooner after its start by silence alone. */
#define FORMATION_SILENCE_USEC (2 * USEC_PER_SEC)

struct formation_actions {
        uint32_t n;
        struct formation_action items[FORMATION_ACTIONS];
};

struct formation_config {
        uint32_t expect;        /* boards to wait for; 0: not said.  Meant to be all of them: with
                                   exactly that many boards no two can ever found at once */
        usec_t settle_usec;     /* the view must be still that long where 'expect' is not reached */
        usec_t join_retry_usec; /* an unanswered JOIN, a failed founding, a fold: again after it */
};

struct formation { /* a value: copy it, print it, never poke it */
        struct formation_config config;
        enum formation_state state;
        struct formation_view self;
        usec_t started;
        usec_t changed;  /* fresh: last time the view changed; member: the leader */
        usec_t deadline; /* absolute; feed a TICK no later than this; USEC_NEVER */
        usec_t retry;    /* no JOIN, FOUND or FOLD (again) before */
        uint64_t asked;  /* JOINING: whom */
        uint32_t n_left;
        uint64_t left[FORMATION_LEFT]; /* brambles given up, the oldest is forgotten first */
        uint32_t n_clashes;
        uint64_t clashes[FORMATION_CLASHES]; /* brambles that were already complained about */
        uint32_t n_peers;
        struct formation_view peers[LIMIT_BOARDS];
};

/* 'bramble' is 0 for a fresh board, else what its disk remembers (state: MEMBER). */
void formation_init(struct formation *f, const struct formation_config *config, uint64_t node,
                    uint64_t strength, uint64_t bramble, usec_t now);

/* The caller has done what FORMATION_ACTION_FOLD asked (or its leader told it to): this board is
 * fresh again.  What it knows of its peers stays, so this and not formation_init().  Feed a TICK
 * and tell every peer right afterwards.  No-op where it is no member. */
void formation_leave(struct formation *f, usec_t now);

/* Right after formation_init(), for what is remembered from before a restart: a bramble that this
 * board gave up.  Members that were away while it folded learn it from those who remember. */
void formation_set_folded(struct formation *f, uint64_t bramble);

/* Feeds one event that happened at 'now' (never earlier than the last one) and fills 'ret' with
 * what the caller must do, in that order.  Cannot fail.
 * A fresh board that sees a bramble (even one without a leader) waits for it or joins it, says
 * that it chooses nobody, and never founds.  A board founds only while it is its own choice,
 * every fresh peer that it sees has chosen it too, and 'expect' (two or more) boards agree or the
 * view was still for settle_usec (never sooner than 2 s after start: silence is no proof).  A peer
 * that comes and goes for ever holds it up no longer than 10 x settle_usec.
 * An event that comes 2 s after the deadline shows that this process was stopped: what it saw is
 * old, and the time of stillness begins anew. */
void formation_step(struct formation *f, usec_t now, const struct formation_event *ev,
                    struct formation_actions *ret);

/* "looking for boards (2 of 4)", "joining", ...: for status. Returns dst. */
char *formation_text(const struct formation *f, char *dst, size_t size);

#endif
