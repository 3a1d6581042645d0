/* shutdown_plan - how a bramble, or one board of it, is switched off: what the leader does one
 * after the other, when a board counts as off, and what a board does that was told and hears no
 * more. Pure.
 *
 *         freeze     every board that answers knows of it; the leadership goes to the master
 *         functions  stop in place, calls in flight end; their places stay in the charter
 *         snapshot   of etcd, to another board, where there is Kubernetes
 *         boards     all but the last go off at the same time, each confirmed silent
 *         master     the board that sees to all this goes off itself
 *
 * The record in the charter (core/charter_shutdown.h) says that it is to be; a leader that comes
 * later begins a plan of its own from it.  From 'boards' on a plan needs no majority any more: it
 * is what switches the voters off. */
#ifndef BRAMBLE_CORE_SHUTDOWN_PLAN_H
#define BRAMBLE_CORE_SHUTDOWN_PLAN_H

#include "base/time.h"
#include "core/charter_shutdown.h"

#include <stddef.h>

/* Boards that answer hear of it within this. */
#define SHUTDOWN_FREEZE_USEC (1500 * USEC_PER_MSEC)
/* A leadership that is to be handed over is, by then, or stays. */
#define SHUTDOWN_HAND_OVER_USEC (3 * USEC_PER_SEC)
/* Calls in flight get this long, then SIGTERM; SIGKILL 10 s later. */
#define SHUTDOWN_CALLS_USEC (15 * USEC_PER_SEC)
/* Functions that have not ended by now end with their board. */
#define SHUTDOWN_FUNCTIONS_USEC (30 * USEC_PER_SEC)
#define SHUTDOWN_SNAPSHOT_USEC  (60 * USEC_PER_SEC)
/* One that said that it goes off, and whose agent and address are silent for so long, is off. */
#define SHUTDOWN_SILENT_USEC (2 * USEC_PER_SEC)
/* One that never said so and is silent for so long is not waited for. */
#define SHUTDOWN_LOST_USEC (10 * USEC_PER_SEC)
/* The last words get out before the last board goes. */
#define SHUTDOWN_WORDS_USEC (300 * USEC_PER_MSEC)
/* A board that does not do as it said it would is asked again. */
#define SHUTDOWN_AGAIN_USEC (5 * USEC_PER_SEC)

/* After the power has come back, boards are waited for so long before their replicas and votes go
 * to others: some boot more slowly than others, and some plugs are switched on later. */
#define SHUTDOWN_RETURN_USEC (3 * USEC_PER_MIN)

/* Attempts to reach an address that nobody answered, in a row, until it is silent. */
enum { SHUTDOWN_MISSES = 2 };

enum shutdown_phase {
        SHUTDOWN_FREEZE,
        SHUTDOWN_FUNCTIONS,
        SHUTDOWN_SNAPSHOT,
        SHUTDOWN_BOARDS,
        SHUTDOWN_MASTER,
        SHUTDOWN_DONE,   /* all are off, but for the last, which goes now */
        SHUTDOWN_FAILED, /* the same, and the text names those that are not off */
        SHUTDOWN_PHASE_MAX,
};

enum shutdown_state {
        SHUTDOWN_WAITING,
        SHUTDOWN_STOPPING, /* it said that it goes off */
        SHUTDOWN_SILENT,   /* nothing is heard of it, and it never said that it goes off */
        SHUTDOWN_HUNG,     /* it still answers after the timeout */
        SHUTDOWN_OFF,
        SHUTDOWN_BACK, /* it was off and is on again: nobody switches it off twice */
        SHUTDOWN_STATE_MAX,
};

struct shutdown_board {
        uint64_t node;
        uint64_t boot; /* the life that is to end; 0: any */
        enum shutdown_state state;
        bool said;    /* that it goes off */
        usec_t told;  /* first; 0: not yet */
        usec_t ended; /* it was seen to be off; 0: not yet */
};

struct shutdown_plan {
        uint64_t id, self;
        uint64_t only; /* 0: all */
        bool reboot;
        usec_t timeout_usec;
        enum shutdown_phase phase;
        usec_t since;   /* the phase began */
        uint64_t last;  /* who goes last; 0: not known yet, or nobody does */
        usec_t handing; /* the leadership is being handed over since; 0: it is not */
        bool handed;    /* that was tried */
        usec_t gone;    /* this board was told to go off; 0: not yet */
        uint32_t n;
        struct shutdown_board boards[LIMIT_BOARDS];
};

/* What is known of one board. */
struct shutdown_fact {
        uint64_t node;
        usec_t heard;       /* its agent spoke last; 0: never */
        usec_t answered;    /* its address did; 0: never */
        unsigned misses;    /* attempts at its address since then that nobody answered */
        uint64_t boot;      /* 0: not known */
        bool going;         /* it says that it goes off */
        uint32_t functions; /* containers that it still runs */
        bool votes;
};

struct shutdown_now {
        bool leads;
        bool snapshot;      /* there is an etcd to be saved */
        bool snapshot_kept; /* another board has one that was taken since */
        uint64_t master;
        const struct shutdown_fact *facts; /* this board's too */
        uint32_t n_facts;
};

/* What the caller does, in this order. */
struct shutdown_actions {
        bool clear;         /* submit CHARTER_SHUTDOWN_CLEAR, again until the record is gone */
        bool drop;          /* this plan is over: another leads, or nobody is to be switched off */
        bool hand_over;     /* the leadership, if that is not under way, */
        uint64_t hand_to;   /* to this voter; 0: to any */
        bool take_snapshot; /* of etcd, if none is under way */
        bool go;            /* switch this board off */
        bool changed;       /* something that is shown is new */
};

/* 'seen' (may be NULL) has the states that an earlier leader told, for the same id. */
void shutdown_begin(struct shutdown_plan *p, const struct charter_shutdown *record, uint64_t self,
                    const struct shutdown_board *seen, uint32_t n_seen, usec_t now);
/* To be called a few times a second. */
void shutdown_step(struct shutdown_plan *p, usec_t now, const struct shutdown_now *in,
                   struct shutdown_actions *ret);
/* Is this board to be told to go off now? */
bool shutdown_orders(const struct shutdown_plan *p, uint64_t node);
/* The life of that board that is meant, 0: any: in another one it does not listen. */
uint64_t shutdown_boot(const struct shutdown_plan *p, uint64_t node);
/* Is it to keep its functions stopped? */
bool shutdown_holds(const struct shutdown_plan *p, uint64_t node);

/* Who would go in which order: nodes of the members, 'master' or else 'leader' last. */
void shutdown_order(uint64_t *nodes, uint32_t n, uint64_t last);

/* How it stands or ended, one sentence.  'name' gives a board's name. */
char *shutdown_text(const struct shutdown_plan *p, const char *(*name)(void *arg, uint64_t node),
                    void *arg, char *dst, size_t size);
const char *shutdown_phase_text(enum shutdown_phase phase);
const char *shutdown_state_text(enum shutdown_state state);
/* -1: no such word. */
int shutdown_state_from(const char *word);

/* ---- a board that was told ------------------------------------------------------------------- */

/* Nothing heard for this long: it asks who leads. */
#define SHUTDOWN_ASK_USEC (3 * USEC_PER_SEC)
/* And for this long above the timeout: it goes off by itself, as it was meant to. */
#define SHUTDOWN_ORPHAN_USEC (30 * USEC_PER_SEC)

struct shutdown_follow {
        uint64_t id; /* 0: nothing is being switched off */
        usec_t heard, asked;
        usec_t timeout_usec;
};

enum shutdown_follow_action { SHUTDOWN_FOLLOW_WAIT, SHUTDOWN_FOLLOW_ASK, SHUTDOWN_FOLLOW_GO };

/* The leader said so.  'held' false: it is not about this board any more. */
void shutdown_follow_told(struct shutdown_follow *f, uint64_t id, bool held, usec_t timeout_usec,
                          usec_t now);
enum shutdown_follow_action shutdown_follow_step(struct shutdown_follow *f, usec_t now);

#endif
