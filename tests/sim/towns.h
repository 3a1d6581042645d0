/* towns - the world of sim_formation: boards, sessions between them, and brambles as an oracle
 * runs them. */
#ifndef BRAMBLE_TESTS_TOWNS_H
#define BRAMBLE_TESTS_TOWNS_H

#include "sim.h"

enum { BOARDS = 24, BRAMBLES = 64 };

#define MSEC          USEC_PER_MSEC
#define CHAOS_USEC    (15 * USEC_PER_SEC)
#define HEALED_USEC   (90 * USEC_PER_SEC) /* after the chaos: all must be one by then */
#define RETRY_USEC    (2 * USEC_PER_SEC)
#define ELECTION_USEC (1500 * MSEC)

enum event {
        EV_BOOT = 1,  /* a */
        EV_POWER_CUT, /* a */
        EV_CUT,       /* a, b: the cable between two boards */
        EV_HEAL,      /* a, b */
        EV_RESET,     /* a, b: their session ends, the cable is fine */
        EV_CONNECT,   /* a, b: discovery and handshake are done; number: of the session */
        EV_HELLO,     /* a hears b's first view */
        EV_VIEW,      /* a hears b's view */
        EV_LOST,      /* a notices that its session with b is dead */
        EV_JOIN,      /* b asks a to be taken in; view.bramble: where */
        EV_JOINED,    /* a hears that it was taken into bramble 'number'; 0: refused */
        EV_FOUNDED,   /* a: founding is on disk */
        EV_DISSOLVE,  /* a: bramble 'number' dissolves */
        EV_TICK,      /* a */
        EV_ELECT,     /* bramble 'a' looks for a leader */
        EV_WORK,      /* somebody deploys a function in some bramble */
        EV_JUMP,      /* a's clock jumps forward by 'number' */
        EV_PEACE,     /* everything heals */
        EV_END,
};

struct session {
        uint64_t number;  /* 0: none yet; grows with each one */
        uint64_t attempt; /* grows with each planned connect, which voids the one before */
        bool broken;      /* dead on the wire; a side may not have noticed yet */
        bool open[2];     /* does the lower, the higher board think that it is connected? */
        usec_t last[2];   /* messages to a side arrive in order */
};

struct board {
        bool on;
        uint64_t life; /* grows with each start: what was planned for an earlier one is void */
        usec_t skew;   /* its clock is that far ahead */
        usec_t tick;   /* planned, true time */
        struct formation f;
        uint64_t disk_bramble; /* what a start finds on the card */
        uint64_t disk_left[FORMATION_LEFT];
        uint32_t n_disk_left;
};

struct bramble { /* the oracle's: id is its index + 1 */
        unsigned leader;
        bool led, electing, work;
        bool member[BOARDS], voter[BOARDS];
};

struct world {
        /* into a board's formation; performs what that says */
        void (*feed)(struct world *w, unsigned i, const struct formation_event *ev);
        struct sim_random random;
        struct sim_queue queue;
        usec_t now;
        unsigned n, n_brambles, clashes;
        struct formation_config config;
        bool calm, ok, peace;
        bool cut[BOARDS][BOARDS];
        struct session sessions[BOARDS][BOARDS]; /* [lower][higher] */
        struct board boards[BOARDS];
        struct bramble brambles[BRAMBLES];
        usec_t last_boot, found_at;
};

void towns_plan(struct world *w, usec_t in, int type, unsigned a, unsigned b, uint64_t number);
struct session *towns_session(struct world *w, unsigned a, unsigned b);
/* Does a believe that it is connected with b? */
bool towns_connected(struct world *w, unsigned a, unsigned b);

/* The oracle: id is from 1. */
struct bramble *towns_bramble(struct world *w, uint64_t id);
bool towns_lives_in(const struct world *w, unsigned i, uint64_t id);
/* Can 'i' reach most voters of its bramble over live sessions? */
bool towns_majority(struct world *w, uint64_t id, unsigned i);
/* Members that can hear the leader learn at once what their bramble is. */
void towns_tell_members(struct world *w, uint64_t id);
/* Somebody came, went or was cut off: does the leader still lead?  id 0 is nobody's bramble. */
void towns_review(struct world *w, uint64_t id);
void towns_review_all(struct world *w);
/* The leader gives votes to members that are there, and replaces silent ones. */
void towns_share_votes(struct world *w, uint64_t id);
void towns_elect(struct world *w, uint64_t id);

static inline uint64_t node_of(unsigned i) {
        return 100 + i;
}

#endif
