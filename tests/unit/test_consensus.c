#include "io/consensus_internal.h"

#include "base/buf.h"
#include "core/names.h"
#include "pki_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

/* Real logs on disk, real mutual TLS between them, one loop.  Everything waits for an event; a
 * watchdog ends the program where one does not come. */

enum { BOARDS = 4, WATCHDOG_MS = 30000, HEARTBEAT_MS = 100, ELECTION_MS = 600 };

struct board_of_test {
        uint64_t node;
        struct pki pki;
        char dir[FIXTURE_PATH];
        struct charter charter;
        struct consensus *c;
        struct link_server *server;
        uint16_t port;
        bool closed; /* consensus_close() is done */
        uint64_t leader, term;
        bool self;
        unsigned led, applied, broken;
        unsigned dials;
        char why[SIZE_REASON];
};

static struct board_of_test boards[BOARDS];
static uv_loop_t loop;
static uv_timer_t watchdog;

/* ---- links between the boards --------------------------------------------------------------- */

struct dialling {
        struct board_of_test *from;
        void *dial;
};

static struct board_of_test *board_of(uint64_t node) {
        for (unsigned i = 0; i < BOARDS; i++)
                if (boards[i].node == node)
                        return &boards[i];
        return NULL;
}

static void on_open(struct link *l, void *arg) {
        struct dialling *d = arg;

        if (d->from->c) {
                consensus_dialed(d->from->c, d->dial, l);
        } else {
                link_set_ops(l, NULL, NULL);
                link_close(l);
        }
        free(d);
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        (void)l;
        (void)arg;
        (void)f;
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct dialling *d = arg;

        (void)l;
        (void)error;
        (void)why;
        if (d->from->c)
                consensus_dialed(d->from->c, d->dial, NULL);
        free(d);
}

static const struct link_ops dial_ops = { .open = on_open, .frame = on_frame, .closed = on_closed };

static void on_dial(void *arg, uint64_t node, void *dial) {
        struct board_of_test *from = arg;
        const struct board_of_test *to = board_of(node);
        struct dialling *d = calloc(1, sizeof(*d));
        struct link *l;

        assert_non_null(d);
        *d = (struct dialling){ .from = from, .dial = dial };
        from->dials++;
        if (to && to->server &&
            link_dial_tls(&loop, &from->pki, "127.0.0.1", to->port, node, 2000, &dial_ops, d, &l) ==
                    0)
                return;
        free(d);
        consensus_dialed(from->c, dial, NULL); /* an answer in the call itself is allowed */
}

static void on_accept(struct link *l, void *arg) {
        struct board_of_test *b = arg;

        if (b->c) {
                consensus_accepted(b->c, l);
                return;
        }
        link_set_ops(l, NULL, NULL);
        link_close(l);
}

/* ---- boards ---------------------------------------------------------------------------------- */

static void on_applied_(void *arg) {
        ((struct board_of_test *)arg)->applied++;
}

static void on_led(void *arg, uint64_t leader, uint64_t term, bool self) {
        struct board_of_test *b = arg;

        assert_true(b->led == 0 || leader != b->leader || term != b->term || self != b->self);
        assert_true(!self || leader == b->node);
        assert_true(term >= b->term);
        b->leader = leader;
        b->term = term;
        b->self = self;
        b->led++;
        if (!self)
                return;
        for (unsigned i = 0; i < BOARDS; i++) /* never two in one term */
                assert_false(&boards[i] != b && boards[i].self && boards[i].term == term);
}

static void on_broken(void *arg, const char *why) {
        struct board_of_test *b = arg;

        b->broken++;
        (void)str_copy_n(b->why, sizeof(b->why), why, strnlen(why, sizeof(b->why) - 1));
}

static const struct consensus_ops ops = {
        .dial = on_dial, .applied = on_applied_, .led = on_led, .broken = on_broken
};

static void on_watchdog(uv_timer_t *timer) {
        (void)timer;
        for (unsigned i = 0; i < BOARDS; i++)
                print_error("board %u: leader %llx term %llu self %d version %llu\n", i + 1,
                            (unsigned long long)boards[i].leader,
                            (unsigned long long)boards[i].term, boards[i].self,
                            (unsigned long long)boards[i].charter.version);
        print_error("nothing happened for %d ms\n", WATCHDOG_MS);
        abort();
}

/* Turns the loop until the condition holds. */
#define run_until(condition)                                                  \
        do {                                                                  \
                (void)uv_timer_start(&watchdog, on_watchdog, WATCHDOG_MS, 0); \
                while (!(condition))                                          \
                        (void)uv_run(&loop, UV_RUN_ONCE);                     \
        } while (0)

static struct consensus_config config_of(const struct board_of_test *b) {
        return (struct consensus_config){ .dir = b->dir,
                                          .node = b->node,
                                          .heartbeat_ms = HEARTBEAT_MS,
                                          .election_ms = ELECTION_MS };
}

static void turn_on(struct board_of_test *b, bool bootstrap) {
        struct consensus_config config = config_of(b);
        struct fail f = { 0 };

        b->closed = b->self = false;
        b->leader = b->term = b->led = b->applied = b->broken = b->dials = 0;
        if (link_listen_tls(&loop, &b->pki, 0, 64, on_accept, b, &b->server, &f) < 0)
                fail_msg("%s", f.text);
        b->port = link_server_port(b->server);
        if (consensus_open(&loop, &config, &b->charter, &ops, b, &b->c, &f) < 0)
                fail_msg("%s", f.text);
        if (bootstrap && consensus_bootstrap(b->c, &f) < 0)
                fail_msg("%s", f.text);
        if (consensus_start(b->c, &f) < 0)
                fail_msg("%s", f.text);
}

static void on_off(void *arg) {
        ((struct board_of_test *)arg)->closed = true;
}

static void turn_off(struct board_of_test *b) {
        if (!b->c)
                return;
        consensus_close(take_ptr(b->c), on_off, b);
        link_server_close(take_ptr(b->server));
        b->self = false;
        run_until(b->closed);
        charter_done(&b->charter);
}

static int begin(void **state) {
        if (fixture_begin(state) < 0)
                return -1;
        assert_int_equal(uv_loop_init(&loop), 0);
        (void)uv_timer_init(&loop, &watchdog);
        uv_unref((uv_handle_t *)&watchdog);
        make_cluster("cluster");
        for (unsigned i = 0; i < BOARDS; i++) {
                struct board_of_test *b = &boards[i];
                char card[16];

                *b = (struct board_of_test){ .node = 0xa100000000000001 + i };
                (void)snprintf(card, sizeof(card), "card%u", i);
                make_board("cluster", card, b->node);
                load_board(card, &b->pki);
                (void)snprintf(b->dir, sizeof(b->dir), "%s/raft%u", fixture_root, i);
        }
        return 0;
}

static int end(void **state) {
        for (unsigned i = 0; i < BOARDS; i++) {
                turn_off(&boards[i]);
                pki_done(&boards[i].pki);
        }
        uv_close((uv_handle_t *)&watchdog, NULL);
        while (uv_run(&loop, UV_RUN_DEFAULT) != 0)
                ;
        assert_int_equal(uv_loop_close(&loop), 0);
        return fixture_end(state);
}

/* ---- asking ---------------------------------------------------------------------------------- */

enum { UNANSWERED = 1 };

static void on_done(void *arg, int result) {
        *(int *)arg = result;
}

#define cmd(op_, ...) (&(struct charter_command){ .op = (op_), __VA_ARGS__ })

static int submit(struct board_of_test *b, const struct charter_command *command) {
        int result = UNANSWERED, r = consensus_submit(b->c, command, on_done, &result);

        if (r < 0)
                return r;
        assert_int_equal(result, UNANSWERED); /* never from within the call */
        run_until(result != UNANSWERED);
        return result;
}

static int change(struct board_of_test *b, enum voter_change what, uint64_t node) {
        int result = UNANSWERED,
            r = consensus_change(b->c, &(struct voters_action){ .change = what, .node = node },
                                 on_done, &result);

        if (r < 0)
                return r;
        run_until(result != UNANSWERED);
        return result;
}

static int found(struct board_of_test *b) {
        return submit(b, cmd(CHARTER_FOUND, .bramble = 7, .cluster = "c", .user = "u",
                             .password = "p", .board = { .node = b->node }));
}

static int add_member(struct board_of_test *b, uint64_t node) {
        return submit(b, cmd(CHARTER_MEMBER_ADD, .board = { .node = node }));
}

static struct board_of_test *leader_but(const struct board_of_test * not ) {
        for (unsigned i = 0; i < BOARDS; i++)
                if (&boards[i] != not &&boards[i].c && boards[i].self)
                        return &boards[i];
        return NULL;
}

/* The first n boards hold the same charter. */
static bool same(unsigned n) {
        for (unsigned i = 1; i < n; i++)
                if (boards[i].charter.version != boards[0].charter.version)
                        return false;
        for (unsigned i = 1; i < n; i++) {
                auto_buf struct buf a = { 0 }, b = { 0 };

                assert_int_equal(charter_encode(&boards[0].charter, &a), 0);
                assert_int_equal(charter_encode(&boards[i].charter, &b), 0);
                assert_int_equal(a.len, b.len);
                assert_memory_equal(a.data, b.data, a.len);
        }
        return true;
}

static uint64_t now_ms(void) {
        return uv_hrtime() / 1000000;
}

/* Each of the first n boards knows that all of them vote. */
static bool all_vote(unsigned n) {
        for (unsigned i = 0; i < n * n; i++)
                if (consensus_role(boards[i / n].c, boards[i % n].node) != VOTER_VOTES)
                        return false;
        return true;
}

static void form(unsigned n) {
        turn_on(&boards[0], true);
        run_until(boards[0].self);
        assert_int_equal(found(&boards[0]), 0);
        for (unsigned i = 1; i < n; i++) {
                turn_on(&boards[i], false);
                assert_int_equal(add_member(&boards[0], boards[i].node), 0);
                assert_int_equal(change(&boards[0], VOTERS_ADD_SPARE, boards[i].node), 0);
                assert_int_equal(change(&boards[0], VOTERS_PROMOTE, boards[i].node), 0);
        }
        run_until(same(n) && all_vote(n));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void alone(void **state) {
        uint64_t started = now_ms(), took;
        struct board_of_test *b = &boards[0];
        int result = UNANSWERED;

        (void)state;
        turn_on(b, true);
        assert_false(consensus_leads(b->c)); /* not before something is committed */
        run_until(b->self);
        took = now_ms() - started;
        print_message("bootstrap to leader: %u ms\n", (unsigned)took);
        assert_true(consensus_leads(b->c) && consensus_leader(b->c) == b->node);
        assert_true(consensus_term(b->c) == b->term);
        assert_int_equal(consensus_voters(b->c), 1);
        assert_int_equal(consensus_role(b->c, b->node), VOTER_VOTES);
        assert_int_equal(consensus_role(b->c, 99), VOTER_NONE);

        assert_int_equal(b->applied, 0);
        assert_int_equal(found(b), 0);
        assert_int_equal(b->applied, 1);
        assert_int_equal(found(b), -EEXIST); /* what charter_apply() says */
        assert_int_equal(b->applied, 1);
        assert_int_equal(submit(b, cmd(CHARTER_MEMBER_REMOVE, .node = 5)), -ENOENT);
        assert_int_equal(
                consensus_submit(b->c, cmd(CHARTER_MEMBER_ADD, .board = { .node = 2 }), NULL, NULL),
                0); /* nobody need care */
        assert_int_equal(add_member(b, 3), 0);
        assert_int_equal(b->charter.n_members, 3);
        assert_int_equal(change(b, VOTERS_KEEP, 2), -EINVAL);
        assert_int_equal(change(b, VOTERS_PROMOTE, 2), -ENOENT);
        assert_int_equal(consensus_remove(b->c, b->node, NULL, NULL), -EINVAL);
        assert_int_equal(consensus_remove(b->c, 2, NULL, NULL), -ENOENT);
        assert_int_equal(consensus_transfer(b->c, 0, NULL, NULL), -ENOENT);

        /* closing answers what is not answered, and what was acknowledged is there again */
        assert_int_equal(consensus_submit(b->c, cmd(CHARTER_MEMBER_ADD, .board = { .node = 4 }),
                                          on_done, &result),
                         0);
        turn_off(b);
        assert_int_equal(result, -ECANCELED);
        turn_on(b, false);
        assert_true(b->charter.n_members >= 3); /* a single voter needs nobody to know */
        run_until(b->self);
        assert_int_equal(add_member(b, 5), 0);
}

static void fails_over(void **state) {
        struct board_of_test *old = &boards[0], *leader;
        uint64_t started, old_term;

        (void)state;
        form(3);
        assert_int_equal(consensus_voters(old->c), 3);
        assert_int_equal(
                consensus_submit(boards[1].c, cmd(CHARTER_MASTER_SET, .node = 1), NULL, NULL),
                -ENOTCONN);
        run_until(boards[1].leader == old->node && boards[2].leader == old->node);
        old_term = old->term;

        started = now_ms();
        turn_off(old);
        run_until((leader = leader_but(old)));
        print_message("fail-over: %u ms\n", (unsigned)(now_ms() - started));
        assert_true(leader->term > old_term);
        assert_int_equal(leader->charter.n_members, 3); /* nothing acknowledged is lost */
        assert_int_equal(add_member(leader, 77), 0);

        turn_on(old, false);
        run_until(same(3));
        assert_true(old->leader == leader->node && !old->self);
        assert_int_equal(old->charter.n_members, 4);

        /* leadership is handed over when asked */
        {
                int result = UNANSWERED;

                assert_int_equal(consensus_transfer(leader->c, old->node, on_done, &result), 0);
                run_until(result != UNANSWERED);
                assert_int_equal(result, 0);
                run_until(old->self);
        }
        assert_int_equal(add_member(old, 78), 0);
        run_until(same(3));
}

/* The rest of three does not lead: neither the leader that is left alone nor a follower. */
static void minority(void **state) {
        (void)state;
        form(3);
        run_until(consensus_followed(boards[0].c));
        assert_false(consensus_followed(boards[1].c));
        turn_off(&boards[1]);
        assert_int_equal(add_member(&boards[0], 50), 0); /* two of three are enough */
        run_until(consensus_followed(boards[0].c));
        for (unsigned i = 0; i < HEARD; i++) /* as if the others had been silent for long */
                boards[0].c->heard[i].at_ms = 0;
        assert_false(consensus_followed(boards[0].c));
        run_until(consensus_followed(boards[0].c));
        turn_off(&boards[2]);
        run_until(!consensus_followed(boards[0].c));
        run_until(!boards[0].self);
        assert_int_equal(boards[0].leader, 0);
        assert_int_equal(
                consensus_submit(boards[0].c, cmd(CHARTER_MASTER_SET, .node = 50), NULL, NULL),
                -ENOTCONN);
        turn_on(&boards[2], false);
        run_until(leader_but(NULL));
        run_until(boards[2].charter.n_members == 4);
}

/* A follower has nothing to say to another one until it needs its vote. */
static void renewed(void **state) {
        struct board_of_test *b = &boards[1];
        unsigned dials;

        (void)state;
        form(3);
        run_until(b->leader == boards[0].node && boards[2].leader == boards[0].node);
        for (unsigned i = 0; i < 2; i++) { /* none is there; the one that is there leads nowhere */
                dials = b->dials;
                consensus_renew(b->c, boards[2].node);
                run_until(b->dials == dials + 1);
                assert_int_equal(add_member(&boards[0], 50 + i), 0);
        }
        dials = b->dials;
        consensus_renew(b->c, boards[3].node); /* does not vote */
        consensus_renew(b->c, b->node);
        consensus_renew(boards[0].c, boards[2].node); /* the leader, in the middle of its work */
        assert_int_equal(add_member(&boards[0], 60), 0);
        run_until(same(3));
        assert_int_equal(b->dials, dials);
        assert_true(boards[0].self);
        turn_off(&boards[0]);
        run_until(leader_but(&boards[0]));
}

static void changes(void **state) {
        struct board_of_test *b = &boards[0];
        struct voters_action add = { .change = VOTERS_ADD_SPARE, .node = boards[3].node };
        int result = UNANSWERED;

        (void)state;
        form(3);
        assert_int_equal(consensus_change(b->c, &add, on_done, &result), 0);
        assert_int_equal(consensus_change(b->c, &add, NULL, NULL), -EBUSY); /* one at a time */
        run_until(result != UNANSWERED);
        assert_int_equal(result, 0);
        assert_int_equal(consensus_role(b->c, add.node), VOTER_SPARE);
        assert_int_equal(consensus_voters(b->c), 3);

        /* a vote moves from one board to the other, which then leads if it has to */
        turn_on(&boards[3], false);
        assert_int_equal(change(b, VOTERS_DEMOTE, boards[1].node), 0);
        assert_int_equal(consensus_role(b->c, boards[1].node), VOTER_SPARE);
        assert_int_equal(consensus_voters(b->c), 2);
        assert_int_equal(change(b, VOTERS_PROMOTE, add.node), 0);
        assert_int_equal(consensus_voters(b->c), 3);
        run_until(same(4));
        run_until(consensus_role(boards[1].c, boards[1].node) == VOTER_SPARE);

        turn_off(&boards[1]); /* re-flashed: out, and in again with an empty log */
        result = UNANSWERED;
        assert_int_equal(consensus_remove(b->c, boards[1].node, on_done, &result), 0);
        run_until(result != UNANSWERED);
        assert_int_equal(result, 0);
        assert_int_equal(consensus_role(b->c, boards[1].node), VOTER_NONE);
        assert_int_equal(consensus_wipe(boards[1].dir, NULL), 0);
        turn_on(&boards[1], false);
        assert_int_equal(change(b, VOTERS_ADD_SPARE, boards[1].node), 0);
        assert_int_equal(change(b, VOTERS_DEMOTE, boards[3].node), 0);
        assert_int_equal(change(b, VOTERS_PROMOTE, boards[1].node), 0);
        run_until(same(3));
}

/* A board that is promoted and does not answer gets no vote, and the next change may begin. */
static void absent(void **state) {
        struct board_of_test *b = &boards[0];

        (void)state;
        form(1);
        raft_set_max_catch_up_round_duration(&b->c->raft, 300);
        assert_int_equal(change(b, VOTERS_ADD_SPARE, boards[1].node), 0);
        assert_int_equal(change(b, VOTERS_PROMOTE, boards[1].node), -ETIMEDOUT);
        assert_true(b->dials > 1);
        assert_int_equal(consensus_voters(b->c), 1);
        raft_set_max_catch_up_round_duration(&b->c->raft, WATCHDOG_MS);
        turn_on(&boards[1], false);
        assert_int_equal(change(b, VOTERS_PROMOTE, boards[1].node), 0);
        assert_int_equal(consensus_voters(b->c), 2);
}

/* Many commands make snapshots; a board that was away, and one that is new, catch up from them. */
static void snapshots(void **state) {
        static char spec[LIMIT_SPEC_BYTES];
        struct charter_command set = { .op = CHARTER_FUNCTION_SET,
                                       .namespace = "fn",
                                       .image = "i",
                                       .spec = spec,
                                       .spec_len = sizeof(spec) };
        struct board_of_test *b = &boards[0];
        unsigned answered = 0, results[1500];
        uint64_t version;

        (void)state;
        memset(spec, ' ', sizeof(spec));
        memset(results, 0xff, sizeof(results));
        form(3);
        turn_off(&boards[2]);
        /* more than one of libraft's segments holds, and than a socket does */
        for (unsigned i = 0; i < 200; i++) {
                (void)snprintf(set.name, sizeof(set.name), "f%u", i);
                assert_int_equal(submit(b, &set), 0);
        }
        turn_on(&boards[2], false);
        run_until(same(3));
        turn_off(&boards[2]);
        for (unsigned i = 0; i < ARRAY_SIZE(results); i++)
                assert_int_equal(consensus_submit(b->c,
                                                  cmd(CHARTER_FUNCTION_SCALE, .name = "f7",
                                                      .namespace = "fn", .replicas = i % 60),
                                                  on_done, &results[i]),
                                 0);
        while (answered < ARRAY_SIZE(results))
                if (results[answered] == 0)
                        answered++;
                else
                        run_until(results[answered] == 0);
        version = b->charter.version;
        assert_true(RAFT_SNAPSHOT_THRESHOLD(&b->c->raft) == SNAPSHOT_ENTRIES);
        turn_on(&boards[2], false);
        run_until(same(3));
        turn_on(&boards[3], false);
        assert_int_equal(change(b, VOTERS_ADD_SPARE, boards[3].node), 0);
        assert_int_equal(change(b, VOTERS_PROMOTE, boards[3].node), 0);
        run_until(same(4));

        /* the whole bramble without power */
        for (unsigned i = 0; i < BOARDS; i++)
                turn_off(&boards[i]);
        for (unsigned i = 0; i < BOARDS; i++)
                turn_on(&boards[i], false);
        run_until(leader_but(NULL));
        run_until(boards[0].charter.version == version && same(4));
        assert_int_equal(boards[3].charter.n_functions, 200);
}

static unsigned files_in(const char *dir) {
        DIR *d = opendir(dir);
        unsigned n = 0;

        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        (void)closedir(d);
        return n;
}

static void folder(void **state) {
        struct board_of_test *b = &boards[0];
        struct consensus_config config = config_of(b);
        struct consensus *second = NULL;
        struct charter charter = { 0 };
        struct fail f = { 0 };
        struct stat st;

        (void)state;
        assert_int_equal(consensus_wipe(b->dir, NULL), 0); /* absent: nothing to do */
        turn_on(b, true);
        run_until(b->self);
        assert_int_equal(found(b), 0);
        assert_int_equal(stat(b->dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(consensus_open(&loop, &config, &charter, &ops, b, &second, &f), -EBUSY);
        assert_non_null(strstr(f.text, "in use"));
        assert_int_equal(consensus_wipe(b->dir, NULL), -EBUSY);
        turn_off(b);

        assert_int_equal(consensus_open(&loop, &config, &charter, &ops, b, &second, NULL), 0);
        assert_int_equal(consensus_bootstrap(second, &f), -EBUSY);
        assert_int_equal(consensus_leader(second), 0);
        assert_int_equal(consensus_submit(second, cmd(CHARTER_MASTER_SET, .node = 1), NULL, NULL),
                         -ENOTCONN);
        b->closed = false;
        consensus_close(second, on_off, b); /* never started */
        run_until(b->closed);

        put_file(at("raft0/17-notes"), "x", 1);
        put_file(at("raft0/tree"), "x", 1);
        assert_int_equal(consensus_wipe(b->dir, NULL), 0);
        assert_int_equal(consensus_wipe(b->dir, NULL), 0);
        assert_int_equal(files_in(b->dir), 3); /* these two and our lock */
        turn_on(b, true);
        run_until(b->self);
        assert_int_equal(b->charter.n_members, 0);

        config.dir = at("card0/ca.crt");
        assert_int_equal(consensus_open(&loop, &config, &charter, &ops, b, &second, &f), -ENOTDIR);
        config.dir = at("no/such");
        assert_int_equal(consensus_open(&loop, &config, &charter, &ops, b, &second, &f), -ENOENT);
}

static void damaged(void **state) {
        struct board_of_test *b = &boards[0];
        struct consensus_config config = config_of(b);
        struct consensus *c = NULL;
        struct charter charter = { 0 };
        struct fail f = { 0 };

        (void)state;
        assert_int_equal(mkdir(b->dir, 0700), 0);
        put_file(at("raft0/metadata1"), "not what libraft writes, thirty-two", 32);
        if (consensus_open(&loop, &config, &charter, &ops, b, &c, &f) == 0) {
                assert_true(consensus_start(c, &f) < 0);
                b->closed = false;
                consensus_close(c, on_off, b);
                run_until(b->closed);
        }
        assert_true(f.text[0] != '\0');
}

/* Entries that no version of bramble writes are skipped, on every board alike. */
static void hostile_entries(void **state) {
        static const struct {
                const char *data;
                size_t len;
                int want;
        } cases[] = {
                { "", 0, -EBADMSG },
                { "\0\0", 2, -EBADMSG },
                { "\0\0\0\0", 4, 0 },
                { "\0\0\0\0\0\0\0\0", 8, 0 },
                { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, -EBADMSG },
                { "\0\0\0\5\1\1xx", 8, -EBADMSG },
                { "\0\0\0\4\1\1xx", 8, -EBADMSG },
                { "\0\0\0\2\1\xff\0\0", 8, -EBADMSG },
                { "\xff\xff\xff\xff\1\1\0\0", 8, -EBADMSG },
        };
        struct board_of_test *b = &boards[0];

        (void)state;
        form(1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                auto_free char *copy = malloc(cases[i].len + 1);
                struct raft_buffer buf = { .base = copy, .len = cases[i].len };
                uint64_t version = b->charter.version;
                void *result = NULL;

                assert_non_null(copy);
                memcpy(copy, cases[i].data, cases[i].len);
                assert_int_equal(b->c->fsm.apply(&b->c->fsm, &buf, &result), 0);
                if ((int)(intptr_t)result != cases[i].want)
                        fail_msg("case %zu: %d", i, (int)(intptr_t)result);
                assert_int_equal(b->charter.version, version);
                assert_true(b->c->fsm.restore(&b->c->fsm, &buf) != 0);
                assert_int_equal(b->charter.version, version);
        }
}

/* ---- a board that speaks nonsense ---- */

struct nonsense {
        const void *data;
        size_t len;
        bool closed;
};

static void on_nonsense_open(struct link *l, void *arg) {
        const struct nonsense *n = arg;

        assert_int_equal(link_send(l, FRAME_RAFT, 0, n->data, n->len), 0);
}

static void on_nonsense_closed(struct link *l, void *arg, int error, const char *why) {
        (void)l;
        (void)error;
        (void)why;
        ((struct nonsense *)arg)->closed = true;
}

static const struct link_ops nonsense_ops = { .open = on_nonsense_open,
                                              .frame = on_frame,
                                              .closed = on_nonsense_closed };

static void nonsense(void **state) {
        static char ones[100000], vote[16] = { RAFT_REQUEST_VOTE, [8] = 8 };
        struct nonsense cases[] = { { ones, sizeof(ones), false },
                                    { vote, sizeof(vote), false },
                                    { "", 0, false } };

        (void)state;
        memset(ones, 0xff, sizeof(ones));
        form(1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct link *l;

                assert_int_equal(link_dial_tls(&loop, &boards[3].pki, "127.0.0.1", boards[0].port,
                                               boards[0].node, 2000, &nonsense_ops, &cases[i], &l),
                                 0);
                /* the last one says nothing: it stays until there is another */
                if (i + 1 < ARRAY_SIZE(cases))
                        run_until(cases[i].closed);
                assert_int_equal(add_member(&boards[0], 70 + i), 0);
        }
        turn_off(&boards[0]);
        run_until(cases[2].closed);
}

/* Nothing more can be written, as on a full card: said once, nothing crashes, nothing is lost. */
static void full_disk(void **state) {
        struct board_of_test *b = &boards[0];
        struct rlimit old, none;
        int r = 0;

        (void)state;
        form(1);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        none = old;
        none.rlim_cur = 0;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        for (uint64_t node = 100; node < 150 && r == 0; node++)
                r = add_member(b, node);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(r, -EIO);
        run_until(b->broken > 0);
        print_message("broken: %s\n", b->why);
        assert_true(b->why[0] != '\0');
        assert_int_equal(add_member(b, 99), -EIO);
        run_until(!b->self);
        turn_off(b);
        assert_int_equal(b->broken, 1);
        turn_on(b, false);
        run_until(b->self);
        assert_int_equal(b->charter.bramble, 7);
        assert_int_equal(add_member(b, 99), 0);
}

static int failing_append(struct raft_io *io, struct raft_io_append *req,
                          const struct raft_entry entries[], unsigned n, raft_io_append_cb cb) {
        (void)io;
        (void)req;
        (void)entries;
        (void)n;
        (void)cb;
        return RAFT_NOSPACE;
}

/* A leader whose card is full hands the leadership to a voter that can write. */
static void full_leader(void **state) {
        struct board_of_test *b = &boards[0], *next;

        (void)state;
        form(3);
        b->c->disk.append = failing_append;
        assert_int_equal(add_member(b, 60), -EIO);
        run_until((next = leader_but(b)));
        assert_int_equal(b->broken, 1);
        assert_int_equal(add_member(next, 61), 0);
        turn_off(b);
        turn_on(b, false);
        run_until(same(3));
}

static void (*real_close)(struct raft_io *io, raft_io_close_cb cb);
static raft_io_close_cb close_cb;

static void closed_twice(struct raft_io *io) {
        close_cb(io);
        close_cb(io);
}

static void close_twice(struct raft_io *io, raft_io_close_cb cb) {
        close_cb = cb;
        real_close(io, closed_twice);
}

/* libraft sometimes says twice that everything is closed. */
static void said_twice(void **state) {
        struct board_of_test *b = &boards[0];

        (void)state;
        form(1);
        real_close = b->c->disk.close;
        b->c->disk.close = close_twice;
        turn_off(b);
        turn_on(b, false);
        run_until(b->self);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(alone, begin, end),
                cmocka_unit_test_setup_teardown(fails_over, begin, end),
                cmocka_unit_test_setup_teardown(minority, begin, end),
                cmocka_unit_test_setup_teardown(renewed, begin, end),
                cmocka_unit_test_setup_teardown(changes, begin, end),
                cmocka_unit_test_setup_teardown(absent, begin, end),
                cmocka_unit_test_setup_teardown(snapshots, begin, end),
                cmocka_unit_test_setup_teardown(folder, begin, end),
                cmocka_unit_test_setup_teardown(damaged, begin, end),
                cmocka_unit_test_setup_teardown(hostile_entries, begin, end),
                cmocka_unit_test_setup_teardown(nonsense, begin, end),
                cmocka_unit_test_setup_teardown(full_disk, begin, end),
                cmocka_unit_test_setup_teardown(full_leader, begin, end),
                cmocka_unit_test_setup_teardown(said_twice, begin, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
