/* voters - decides who votes: 3 of the members, 5 from 7 members up, never an even number.  Pure.
 */
#ifndef BRAMBLE_CORE_VOTERS_H
#define BRAMBLE_CORE_VOTERS_H

#include "base/time.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum voter_role {
        VOTER_NONE,  /* a member of the charter that libraft's configuration lacks */
        VOTER_SPARE, /* in the configuration, gets no log */
        VOTER_VOTES,
};

struct voter_board {
        uint64_t node;
        enum voter_role role; /* now */
        bool up;
        usec_t down_since; /* only where !up */
        uint64_t strength; /* board_strength() */
};

enum voter_change { VOTERS_KEEP, VOTERS_ADD_SPARE, VOTERS_PROMOTE, VOTERS_DEMOTE };

struct voters_action {
        enum voter_change change;
        uint64_t node;
        usec_t wake; /* look again no later than this; USEC_NEVER */
};

/* How many of n members should vote: 1 for 1 and 2 boards, 3 for 3..6, 5 from 7.  Two boards never
 * fail over by themselves: neither could know whether the other is dead or only cut off. */
unsigned voters_wanted(unsigned n_members);

/* A voter that is silent this long gives its vote to a board that stands by. */
#define VOTERS_LOST_USEC (10 * USEC_PER_SEC)

/* The next single change of libraft's configuration (it allows one at a time), strongest boards
 * first.  'self' leads and is never demoted.  A silent voter is replaced only while a majority
 * of the voters is up.  An odd number is reached by promoting two in a row: in between the count
 * is even for as long as libraft takes for one change, and demotion of a silent voter comes
 * before the promotion of its heir.  It is begun only where the boards for it are up; where one
 * of them is lost half-way, the number becomes odd again by one demotion.  'boards' lists every
 * member of the charter, 'self' too. */
struct voters_action voters_step(const struct voter_board *boards, size_t n, uint64_t self,
                                 usec_t now);

#endif
