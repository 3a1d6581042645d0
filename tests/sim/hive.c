#include "hive.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/drain.h"
#include "core/placement.h"
#include "core/voters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEARTBEAT_MS = 100, ELECTION_MS = 600 };

struct command {
        struct raft_apply req;
        struct hive *hive;
        unsigned board;
        struct charter_command cmd;
};

struct change {
        struct raft_change req;
        struct hive_board *board;
};

static void check(struct hive *h, bool good, const char *what) {
        if (!good && h->ok)
                h->ok = sim_wrong(h->now, "%s", what);
}

uint64_t hive_charter_hash(const struct charter *c) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        auto_buf struct buf b = { 0 };

        if (charter_encode(c, &b) < 0)
                abort();
        for (size_t i = 0; i < b.len; i++)
                hash = (hash ^ (uint8_t)b.data[i]) * UINT64_C(0x100000001b3);
        return hash ? hash : 1;
}

/* ---- the state machine ---- */
/* Every board that comes to a version of the charter must come to the same one. */
static void check_version(struct hive_board *b) {
        struct hive *h = b->hive;
        uint64_t hash = hive_charter_hash(&b->charter), *known;

        if (b->charter.version >= HIVE_VERSIONS) {
                check(h, false, "more changes than anybody asked for");
                return;
        }
        known = &h->hashes[b->charter.version];
        if (*known == 0)
                *known = hash;
        check(h, *known == hash, "two boards have different charters of one version");
}

static int fsm_apply(struct raft_fsm *fsm, const struct raft_buffer *buf, void **result) {
        struct hive_board *b = fsm->data;
        struct charter_command cmd;
        int r = charter_command_decode(buf->base, buf->len, &cmd);

        check(b->hive, r == 0, "the log holds what is no command");
        if (r == 0)
                r = charter_apply(&b->charter, &cmd);
        if (r == 0)
                check_version(b);
        *result = (void *)(intptr_t)-r;
        return 0;
}

static int fsm_snapshot(struct raft_fsm *fsm, struct raft_buffer *bufs[], unsigned *n_bufs) {
        struct hive_board *b = fsm->data;
        auto_buf struct buf bytes = { 0 };

        if (charter_encode(&b->charter, &bytes) < 0)
                abort();
        *bufs = raft_malloc(sizeof(**bufs));
        if (!*bufs || !((*bufs)->base = raft_malloc(bytes.len)))
                abort();
        memcpy((*bufs)->base, bytes.data, bytes.len);
        (*bufs)->len = bytes.len;
        *n_bufs = 1;
        return 0;
}

static int fsm_restore(struct raft_fsm *fsm, struct raft_buffer *buf) {
        struct hive_board *b = fsm->data;

        charter_done(&b->charter);
        memset(&b->charter, 0, sizeof(b->charter));
        if (charter_decode(buf->base, buf->len, &b->charter) < 0)
                check(b->hive, false, "a snapshot does not decode");
        else
                check_version(b);
        raft_free(buf->base);
        return 0;
}

/* ---- between libraft and the fixture: the guard, as in io/consensus ---- */
static struct hive_board *board_of(struct raft_io *io) {
        struct raft *r = io->data;

        return r->data;
}

static void guarded_receive(struct raft_io *io, struct raft_message *message) {
        struct hive_board *b = board_of(io);

        raft_guard_receive(&b->guard, io, message, b->receive);
}

static int guarded_start(struct raft_io *io, unsigned msecs, raft_io_tick_cb tick,
                         raft_io_recv_cb receive) {
        struct hive_board *b = board_of(io);

        b->receive = receive;
        return b->hive->start(io, msecs, tick, guarded_receive);
}

static int guarded_send(struct raft_io *io, struct raft_io_send *req,
                        const struct raft_message *message, raft_io_send_cb cb) {
        struct hive_board *b = board_of(io);
        struct raft_message copy = *message;

        raft_guard_send(&b->guard, &copy);
        return b->hive->send(io, req, &copy, cb);
}

/* ---- the fixture ---- */
static struct raft *raft_of(struct hive *h, unsigned i) {
        return raft_fixture_get(&h->fixture, i);
}

static void tune(struct hive *h, unsigned i) {
        struct raft *r = raft_of(h, i);
        struct raft_io *io = r->io;

        r->data = &h->boards[i];
        h->boards[i].guard = (struct raft_guard){ 0 };
        if (io->send != guarded_send) {
                h->start = io->start;
                h->send = io->send;
                io->start = guarded_start;
                io->send = guarded_send;
        }
        raft_set_election_timeout(r, ELECTION_MS);
        raft_set_heartbeat_timeout(r, HEARTBEAT_MS);
        raft_set_pre_vote(r, true);
        raft_set_snapshot_threshold(r, h->snapshots ? 16 : 100000);
        raft_set_snapshot_trailing(r, 8);
}

static void must(int rv) {
        if (rv != 0)
                abort();
}

void hive_found(struct hive *h, unsigned founder) {
        struct raft_configuration conf;

        must(raft_fixture_initialize(&h->fixture));
        h->founded = true;
        for (unsigned i = 0; i < h->n; i++) {
                struct hive_board *b = &h->boards[i];

                b->fsm = (struct raft_fsm){ .version = 1,
                                            .data = b,
                                            .apply = fsm_apply,
                                            .snapshot = fsm_snapshot,
                                            .restore = fsm_restore };
                must(raft_fixture_grow(&h->fixture, &b->fsm));
                /* for good: a change would let a later write overtake an earlier one */
                raft_fixture_set_disk_latency(&h->fixture, i,
                                              (unsigned)sim_between(&h->random, 1, 30));
        }
        h->fixture.time = h->now / USEC_PER_MSEC;
        raft_configuration_init(&conf);
        must(raft_configuration_add(&conf, founder + HIVE_NODE, raft_of(h, founder)->address,
                                    RAFT_VOTER));
        must(raft_bootstrap(raft_of(h, founder), &conf));
        raft_configuration_close(&conf);
        for (unsigned i = 0; i < h->n; i++) {
                tune(h, i);
                must(raft_start(raft_of(h, i)));
        }
        for (unsigned i = 0; i < h->n; i++)
                for (unsigned j = 0; j < h->n; j++)
                        if (i != j && !hive_hears(h, i, j))
                                raft_fixture_disconnect(&h->fixture, i, j);
        for (unsigned i = 0; i < h->n; i++)
                if (!h->boards[i].on)
                        raft_fixture_kill(&h->fixture, i);
}

void hive_done(struct hive *h) {
        if (h->founded)
                raft_fixture_close(&h->fixture);
        for (unsigned i = 0; i < h->n; i++)
                charter_done(&h->boards[i].charter);
        sim_queue_done(&h->queue);
}

static void check_leaders(struct hive *h) {
        for (unsigned i = 0; i < h->n; i++) {
                struct hive_board *b = &h->boards[i];
                raft_term term = raft_of(h, i)->current_term;

                if (!b->on || !hive_leads(h, i)) {
                        b->alone_since = USEC_NEVER;
                        continue;
                }
                if (term >= HIVE_TERMS) {
                        check(h, false, "elections without end");
                        return;
                }
                if (h->leaders[term] == 0) {
                        sim_say(h->now, "%u leads term %llu", i, term);
                        h->leaders[term] = i + HIVE_NODE;
                        h->elections++;
                }
                check(h, h->leaders[term] == i + HIVE_NODE, "two leaders in one term");
                if (hive_reaches_majority(h, i))
                        b->alone_since = USEC_NEVER;
                else if (b->alone_since == USEC_NEVER)
                        b->alone_since = h->now;
                /* it looks once in an election timeout whether anybody answered in the last one */
                check(h,
                      b->alone_since == USEC_NEVER ||
                              h->now - b->alone_since <= 3 * ELECTION_MS * USEC_PER_MSEC,
                      "a board without a majority goes on leading");
        }
}

void hive_run(struct hive *h, usec_t until) {
        while (h->ok && h->founded && h->fixture.time * USEC_PER_MSEC < until) {
                (void)raft_fixture_step(&h->fixture);
                h->now = h->fixture.time * USEC_PER_MSEC;
                check_leaders(h);
        }
        if (h->now < until)
                h->now = until;
}

/* ---- power and cables ---- */
bool hive_hears(const struct hive *h, unsigned a, unsigned b) {
        return h->boards[a].on && h->boards[b].on && !h->cut[a][b];
}

static void connect_pair(struct hive *h, unsigned a, unsigned b, bool heard) {
        bool hears = hive_hears(h, a, b);

        if (a == b || heard == hears)
                return;
        h->apart_since[a][b] = h->apart_since[b][a] = h->now;
        if (!h->founded)
                return;
        if (hears) {
                raft_fixture_reconnect(&h->fixture, a, b);
                raft_fixture_reconnect(&h->fixture, b, a);
        } else {
                raft_fixture_disconnect(&h->fixture, a, b);
                raft_fixture_disconnect(&h->fixture, b, a);
        }
}

void hive_set_cut(struct hive *h, unsigned a, unsigned b, bool cut) {
        bool heard = hive_hears(h, a, b);

        h->cut[a][b] = h->cut[b][a] = cut;
        connect_pair(h, a, b, heard);
}

/* A start from what is on disk: another raft over the same in-memory disk.  The fixture loads
 * wrongly once there is a snapshot, so in worlds with snapshots a board only stands still. */
static void restart_raft(struct hive *h, unsigned i) {
        struct hive_board *b = &h->boards[i];
        struct raft *r = raft_of(h, i);
        struct raft_io *io = r->io;
        raft_id id = r->id;
        char address[16];

        (void)snprintf(address, sizeof(address), "%s", r->address);
        raft_close(r, NULL);
        charter_done(&b->charter);
        memset(&b->charter, 0, sizeof(b->charter));
        must(raft_init(r, io, &b->fsm, id, address));
        tune(h, i);
        must(raft_start(r));
        b->placing = 0;
        b->changing = false;
}

void hive_power(struct hive *h, unsigned i, bool on) {
        struct hive_board *b = &h->boards[i];
        bool heard[HIVE_BOARDS];

        for (unsigned j = 0; j < h->n; j++)
                heard[j] = hive_hears(h, i, j);
        b->on = on;
        b->life++;
        if (!on)
                b->off_since = h->now;
        if (h->founded && on && !h->snapshots && b->life > 1)
                restart_raft(h, i);
        if (h->founded && on)
                raft_fixture_revive(&h->fixture, i);
        else if (h->founded)
                raft_fixture_kill(&h->fixture, i);
        for (unsigned j = 0; j < h->n; j++)
                connect_pair(h, i, j, heard[j]);
}

/* ---- a leader's work ---- */
bool hive_leads(struct hive *h, unsigned i) {
        return h->founded && raft_state(raft_of(h, i)) == RAFT_LEADER;
}

bool hive_settled(struct hive *h, unsigned i) {
        struct raft *r = raft_of(h, i);

        return raft_last_applied(r) == raft_last_index(r);
}

unsigned hive_leader_of(struct hive *h, unsigned i) {
        const char *address;
        raft_id id = 0;

        if (!h->founded)
                return h->n;
        raft_leader(raft_of(h, i), &id, &address);
        return id ? (unsigned)id - HIVE_NODE : h->n;
}

static enum voter_role role_of(struct hive *h, unsigned i, uint64_t node) {
        const struct raft_configuration *conf = &raft_of(h, i)->configuration;

        for (unsigned k = 0; k < conf->n; k++)
                if (conf->servers[k].id == node)
                        return conf->servers[k].role == RAFT_VOTER ? VOTER_VOTES : VOTER_SPARE;
        return VOTER_NONE;
}

bool hive_votes(struct hive *h, unsigned i, unsigned who) {
        return role_of(h, i, who + HIVE_NODE) == VOTER_VOTES;
}

unsigned hive_voters(struct hive *h, unsigned i) {
        unsigned n = 0;

        for (unsigned j = 0; j < h->n; j++)
                n += hive_votes(h, i, j);
        return n;
}

bool hive_reaches_majority(struct hive *h, unsigned i) {
        unsigned reached = 0;

        for (unsigned j = 0; j < h->n; j++)
                reached += hive_votes(h, i, j) && (i == j || hive_hears(h, i, j));
        return 2 * reached > hive_voters(h, i);
}

static void command_done(struct raft_apply *req, int status, void *result) {
        struct command *c = req->data;
        struct hive *h = c->hive;
        struct hive_board *b = &h->boards[c->board];

        if ((c->cmd.op == CHARTER_INSTANCE_PLACE || c->cmd.op == CHARTER_INSTANCE_DROP) &&
            b->placing > 0)
                b->placing--;
        if (status == 0)
                h->acknowledged++;
        h->done(h, c->board, &c->cmd, status == 0 ? -(int)(intptr_t)result : -ECANCELED);
        free(c);
}

bool hive_submit(struct hive *h, unsigned i, const struct charter_command *cmd) {
        struct command *c = calloc(1, sizeof(*c));
        auto_buf struct buf bytes = { 0 };
        struct raft_buffer buf;

        if (!c || charter_command_encode(cmd, &bytes) < 0)
                abort();
        *c = (struct command){ .req.data = c, .hive = h, .board = i, .cmd = *cmd };
        buf.len = bytes.len;
        buf.base = raft_malloc(buf.len);
        if (!buf.base)
                abort();
        memcpy(buf.base, bytes.data, buf.len);
        if (raft_apply(raft_of(h, i), &c->req, &buf, 1, command_done) != 0) {
                raft_free(buf.base);
                free(c);
                return false;
        }
        return true;
}

static void change_done(struct raft_change *req, int status) {
        struct change *c = req->data;

        (void)status; /* where it failed, the next round tries again */
        c->board->changing = false;
        free(c);
}

static void change_voters(struct hive *h, unsigned i, const struct voters_action *a) {
        struct raft *r = raft_of(h, i);
        struct change *c = calloc(1, sizeof(*c));
        int rv = RAFT_INVALID;

        if (!c)
                abort();
        c->req.data = c;
        c->board = &h->boards[i];
        c->board->changing = true;
        switch (a->change) {
        case VOTERS_KEEP:
                break;
        case VOTERS_ADD_SPARE:
                rv = raft_add(r, &c->req, a->node,
                              raft_of(h, (unsigned)(a->node - HIVE_NODE))->address, change_done);
                break;
        case VOTERS_PROMOTE:
                rv = raft_assign(r, &c->req, a->node, RAFT_VOTER, change_done);
                break;
        case VOTERS_DEMOTE:
                rv = raft_assign(r, &c->req, a->node, RAFT_SPARE, change_done);
                break;
        }
        if (rv != 0) {
                c->board->changing = false;
                free(c);
                return;
        }
        sim_say(h->now, "%u %s %" PRIu64, i,
                a->change == VOTERS_ADD_SPARE ? "adds"
                : a->change == VOTERS_PROMOTE ? "gives a vote to"
                                              : "takes the vote of",
                a->node - HIVE_NODE);
}

/* What leader i knows of a member: a report came over the connection, or not. */
static bool is_up(struct hive *h, unsigned i, unsigned j, uint64_t bramble) {
        return i == j || (hive_hears(h, i, j) && h->boards[j].f.self.bramble == bramble);
}

static bool ready(void *arg, uint32_t instance) {
        (void)arg;
        (void)instance;
        return true;
}

static void place(struct hive *h, unsigned i) {
        const struct charter *c = &h->boards[i].charter;
        struct placement_board boards[HIVE_BOARDS];
        struct placement_actions actions;

        for (uint32_t k = 0; k < c->n_members; k++) {
                unsigned j = (unsigned)c->members[k].node - HIVE_NODE;

                boards[k] = (struct placement_board){
                        .node = c->members[k].node,
                        .up = is_up(h, i, j, c->bramble),
                        .down_since = h->apart_since[i][j],
                        .cordoned = c->members[k].cordoned,
                        .function_bytes = c->members[k].board.function_bytes,
                };
        }
        placement_step(c, boards, c->n_members, ready, NULL, NULL, h->now, &actions);
        for (uint32_t k = 0; k < actions.n; k++) {
                const struct placement_action *a = &actions.items[k];
                struct charter_command cmd = {
                        .op = a->place ? CHARTER_INSTANCE_PLACE : CHARTER_INSTANCE_DROP,
                        .node = a->node,
                        .instance = a->instance,
                };

                (void)str_copy(cmd.name, sizeof(cmd.name), a->function);
                (void)str_copy(cmd.namespace, sizeof(cmd.namespace), a->namespace);
                if (hive_submit(h, i, &cmd))
                        h->boards[i].placing++;
        }
}

struct transfer {
        struct raft_transfer req;
        struct hive_board *board;
};

static void transfer_done(struct raft_transfer *req) {
        struct transfer *t = req->data;

        t->board->handing_over = false;
        t->board->no_heir = t->req.id; /* where it leads now nobody looks at this */
        free(t);
}

/* A leader whose board is drained leaves that to another one. */
static void hand_over(struct hive *h, unsigned i, const struct voter_board *boards) {
        struct hive_board *b = &h->boards[i];
        struct drain_voter voters[HIVE_BOARDS];
        struct transfer *t;
        uint64_t heir;

        if (!charter_member(&b->charter, i + HIVE_NODE)->cordoned || b->handing_over ||
            b->changing || b->placing > 0)
                return;
        for (uint32_t k = 0; k < b->charter.n_members; k++)
                voters[k] = (struct drain_voter){ boards[k], b->charter.members[k].cordoned,
                                                  boards[k].node == b->no_heir };
        heir = drain_heir(voters, b->charter.n_members, i + HIVE_NODE);
        t = heir ? calloc(1, sizeof(*t)) : NULL;
        if (!t)
                return;
        t->req.data = t;
        t->board = b;
        b->handing_over = true;
        if (raft_transfer(raft_of(h, i), &t->req, heir, transfer_done) != 0) {
                b->handing_over = false;
                free(t);
                return;
        }
        h->transfers++;
        sim_say(h->now, "%u hands over to %" PRIu64, i, heir - HIVE_NODE);
}

void hive_coordinate(struct hive *h, unsigned i) {
        struct hive_board *b = &h->boards[i];
        struct voter_board boards[HIVE_BOARDS];
        struct voters_action action;

        if (!b->charter.bramble)
                return;
        for (uint32_t k = 0; k < b->charter.n_members; k++) {
                uint64_t node = b->charter.members[k].node;
                unsigned j = (unsigned)node - HIVE_NODE;

                boards[k] = (struct voter_board){
                        .node = node,
                        .role = role_of(h, i, node),
                        .up = is_up(h, i, j, b->charter.bramble),
                        .down_since = h->apart_since[i][j],
                        .strength = board_strength(&b->charter.members[k].board),
                };
        }
        action = voters_step(boards, b->charter.n_members, i + HIVE_NODE, h->now);
        if (action.change != VOTERS_KEEP && !b->changing)
                change_voters(h, i, &action);
        if (!charter_member(&b->charter, i + HIVE_NODE))
                return; /* its own joining is not applied here yet */
        hand_over(h, i, boards);
        if (b->placing == 0)
                place(h, i);
}
