/* hive - one whole bramble in memory: libraft's fixture (its real core, virtual time, an in-memory
 * disk and network) under the real charter, voters, placement and formation of up to 8 boards. */
#ifndef BRAMBLE_TESTS_HIVE_H
#define BRAMBLE_TESTS_HIVE_H

#include "core/charter.h"
#include "core/formation.h"
#include "io/raft_guard.h"
#include "sim.h"

#include <raft.h>
#include <raft/fixture.h>

enum {
        HIVE_BOARDS = RAFT_FIXTURE_MAX_SERVERS,
        HIVE_VERSIONS = 1024, /* of the charter; more is a run-away */
        HIVE_TERMS = 1024,
        HIVE_FUNCTIONS = 64,
        HIVE_NODE = 1, /* node id and raft id of board 0 */
};

/* What the outside world was told about one function, whose name is used once. */
struct hive_promise {
        bool tried, acknowledged; /* deployed */
        bool remove_tried, remove_acknowledged;
};

struct hive_board {
        struct hive *hive;
        bool on;
        uint64_t life; /* grows with each start */
        usec_t off_since;
        usec_t alone_since; /* leads without reaching a majority of the voters; USEC_NEVER */
        usec_t skew, tick;
        struct formation f;
        uint64_t disk_bramble;
        struct board board;
        struct charter charter;
        struct raft_fsm fsm;
        struct raft_guard guard;
        raft_io_recv_cb receive; /* libraft's own */
        unsigned placing;        /* placements handed to the log and not known yet */
        bool changing;           /* a change of the configuration runs */
        bool handing_over;       /* a cordoned leader's transfer runs */
        uint64_t no_heir;        /* who was asked to lead and did not */
};

struct hive {
        struct sim_random random;
        struct sim_queue queue;
        usec_t now;
        unsigned n;
        bool ok, over, peace, snapshots;
        bool founded; /* the fixture exists */
        bool cut[HIVE_BOARDS][HIVE_BOARDS];
        usec_t apart_since[HIVE_BOARDS][HIVE_BOARDS];
        struct hive_board boards[HIVE_BOARDS];
        struct raft_fixture fixture;
        int (*start)(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                     raft_io_recv_cb receive); /* the fixture's own */
        int (*send)(struct raft_io *io, struct raft_io_send *req,
                    const struct raft_message *message, raft_io_send_cb cb);
        uint64_t hashes[HIVE_VERSIONS]; /* of the charter at a version, by whoever came first */
        raft_id leaders[HIVE_TERMS];
        struct hive_promise promises[HIVE_FUNCTIONS];
        unsigned n_promises;
        unsigned acknowledged, elections, transfers;
        /* Told when a command that 'board' handed in is acknowledged (0) or not (-ECANCELED and
         * what charter_apply() says). */
        void (*done)(struct hive *h, unsigned board, const struct charter_command *cmd, int result);
};

/* Founds: the fixture with all boards, 'founder' the only voter; the others wait for their log. */
void hive_found(struct hive *h, unsigned founder);
void hive_done(struct hive *h);

/* Runs libraft until 'until' (virtual time), checking after every step. */
void hive_run(struct hive *h, usec_t until);

/* Do both run, with a whole cable between them? */
bool hive_hears(const struct hive *h, unsigned a, unsigned b);
void hive_set_cut(struct hive *h, unsigned a, unsigned b, bool cut);
void hive_power(struct hive *h, unsigned i, bool on);

bool hive_leads(struct hive *h, unsigned i);         /* it says so itself */
bool hive_settled(struct hive *h, unsigned i);       /* all that is in its log is applied */
unsigned hive_leader_of(struct hive *h, unsigned i); /* whom it believes in; n: nobody */
/* Hands a command to the log of a board that leads; false where that is refused at once. */
bool hive_submit(struct hive *h, unsigned i, const struct charter_command *cmd);
/* One round of a leader's duties: voters and placement. */
void hive_coordinate(struct hive *h, unsigned i);
unsigned hive_voters(struct hive *h, unsigned i); /* in that board's configuration */
bool hive_votes(struct hive *h, unsigned i, unsigned who);
bool hive_reaches_majority(struct hive *h, unsigned i);
uint64_t hive_charter_hash(const struct charter *c);

#endif
