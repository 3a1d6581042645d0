#include "io/consensus_internal.h"

#include "base/scope.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct submission {
        struct raft_apply req;
        struct answer answer;
        struct consensus *c;
};

int consensus_errno(int raft_error) {
        switch (raft_error) {
        case 0:
                return 0;
        case RAFT_NOMEM:
                return -ENOMEM;
        case RAFT_NOTLEADER:
                return -ENOTCONN;
        case RAFT_LEADERSHIPLOST:
        case RAFT_SHUTDOWN:
        case RAFT_CANCELED:
                return -ECANCELED;
        case RAFT_CANTBOOTSTRAP:
        case RAFT_CANTCHANGE:
        case RAFT_BUSY:
                return -EBUSY;
        case RAFT_BADID:
        case RAFT_NOTFOUND:
                return -ENOENT;
        case RAFT_DUPLICATEID:
        case RAFT_DUPLICATEADDRESS:
        case RAFT_BADROLE:
                return -EALREADY;
        case RAFT_NOCONNECTION:
                return -ETIMEDOUT;
        case RAFT_TOOBIG:
                return -EMSGSIZE;
        case RAFT_NAMETOOLONG:
                return -ENAMETOOLONG;
        case RAFT_UNAUTHORIZED:
                return -EACCES;
        default:
                return -EIO; /* RAFT_IOERR, RAFT_NOSPACE, RAFT_CORRUPT and what is to come */
        }
}

/* ---- answers ---- */

static void answer(struct consensus *c, struct answer *a, int result) {
        a->result = result;
        list_append(&c->answers, &a->item);
}

static void deliver_answers(struct consensus *c) {
        while (!list_empty(&c->answers)) {
                struct answer *a = container_of(c->answers.next, struct answer, item);
                struct answer copy = *a;

                list_remove(&a->item);
                a->pending = false;
                if (a->heap)
                        free(container_of(a, struct submission, answer));
                if (copy.done)
                        copy.done(copy.arg, copy.result);
        }
}

/* ---- leadership ---- */

static bool raft_leads(const struct consensus *c) {
        return raft_state((struct raft *)&c->raft) == RAFT_LEADER;
}

bool consensus_leads(const struct consensus *c) {
        return c->started && !c->closing && !c->broken && raft_leads(c) &&
               c->confirmed_term == c->raft.current_term;
}

void consensus_heard(struct consensus *c, uint64_t node) {
        unsigned oldest = 0;

        if (consensus_role(c, node) != VOTER_VOTES)
                return;
        for (unsigned i = 0; i < HEARD; i++) {
                if (c->heard[i].node == node) {
                        oldest = i;
                        break;
                }
                if (c->heard[i].at_ms < c->heard[oldest].at_ms)
                        oldest = i;
        }
        c->heard[oldest].node = node;
        c->heard[oldest].at_ms = uv_now(c->loop);
}

/* A voter waits for an election timeout at least since the heartbeat that it answered. One
 * heartbeat less makes good for the time that the answer took. */
bool consensus_followed(const struct consensus *c) {
        uint64_t now = uv_now(c->loop);
        unsigned followers = 1;

        for (unsigned i = 0; i < HEARD; i++)
                if (c->heard[i].node && consensus_role(c, c->heard[i].node) == VOTER_VOTES &&
                    now - c->heard[i].at_ms < c->raft.election_timeout - c->raft.heartbeat_timeout)
                        followers++;
        return consensus_leads(c) && followers > consensus_voters(c) / 2;
}

uint64_t consensus_leader(const struct consensus *c) {
        const char *address;
        raft_id id = 0;

        if (!c->started || c->closing)
                return 0;
        if (raft_leads(c))
                return consensus_leads(c) ? c->node : 0;
        if (raft_state((struct raft *)&c->raft) == RAFT_UNAVAILABLE)
                return 0;
        raft_leader((struct raft *)&c->raft, &id, &address);
        return id;
}

uint64_t consensus_term(const struct consensus *c) {
        return c->raft.current_term;
}

static void on_first(struct raft_apply *req, int status, void *result) {
        struct consensus *c = req->data;

        (void)result;
        c->first_pending = false;
        if (status == 0)
                c->confirmed_term = c->first_term;
        else
                c->first_term = 0; /* still the leader: once more */
}

/* A new leader commits an entry of its own term. */
static void confirm_leadership(struct consensus *c) {
        struct raft_buffer entry;
        int r;

        if (!raft_leads(c) || c->first_pending || c->broken ||
            c->first_term == c->raft.current_term || consensus_entry(NULL, &entry) < 0)
                return;
        c->first.data = c;
        c->first_term = c->raft.current_term;
        c->first_pending = true;
        r = raft_apply(&c->raft, &c->first, &entry, 1, on_first);
        if (r == 0)
                return;
        raft_free(entry.base);
        c->first_pending = false;
        c->first_term = 0;
        if (r != RAFT_NOTLEADER)
                consensus_disk_failed(c, r);
}

static void on_stepped_down(struct raft_transfer *req) {
        struct consensus *c = container_of(req, struct consensus, transfer);

        c->stepped_down = false; /* still the leader: once more */
}

/* A leader that can write nothing would keep the others from choosing one that can. */
static void step_down(struct consensus *c) {
        if (!raft_leads(c) || c->stepped_down || c->transferred.pending ||
            uv_now(c->loop) < c->settled_ms)
                return;
        c->stepped_down = true;
        (void)raft_transfer(&c->raft, &c->transfer, 0, on_stepped_down);
}

static void tell_broken(struct consensus *c) {
        if (raft_state(&c->raft) == RAFT_UNAVAILABLE)
                consensus_disk_failed(c, RAFT_IOERR);
        if (!c->broken)
                return;
        step_down(c);
        if (c->broken_told)
                return;
        c->broken_told = true;
        c->ops->broken(c->arg, c->why);
}

static void tell_led(struct consensus *c) {
        uint64_t leader = consensus_leader(c), term = consensus_term(c);
        bool self = consensus_leads(c);

        if (leader == c->told_leader && term == c->told_term && self == c->told_self)
                return;
        c->told_leader = leader;
        c->told_term = term;
        c->told_self = self;
        c->ops->led(c->arg, leader, term, self);
}

/* Everything is told outside of libraft's own calls, so that whoever hears it may call anything. */
static void tell(struct consensus *c) {
        consensus_stream_deliver(c);
        confirm_leadership(c);
        if (c->applied) {
                c->applied = false;
                c->ops->applied(c->arg);
        }
        if (!c->closing)
                deliver_answers(c);
        if (!c->closing)
                tell_broken(c);
        if (!c->closing)
                tell_led(c);
}

static void on_prepare(uv_prepare_t *prepare) {
        tell(prepare->data);
}

static void on_check(uv_check_t *check) {
        tell(check->data);
}

/* ---- life ---- */

static void consensus_free(struct consensus *c) {
        (void)close(c->lock_fd);
        free(c);
}

static void close_io(struct raft_io *io, raft_io_close_cb cb);

static int setup_raft(struct consensus *c, const struct consensus_config *config, struct fail *f) {
        char address[17];
        int r;

        r = raft_uv_init(&c->io, c->loop, config->dir, &c->transport);
        if (r != 0)
                return fail(f, consensus_errno(r), "cannot use %s for the log: %s", config->dir,
                            c->io.errmsg[0] ? c->io.errmsg : raft_strerror(r));
        raft_uv_set_segment_size(&c->io, SEGMENT_BYTES);
        raft_uv_set_connect_retry_delay(&c->io, CONNECT_RETRY_MS);
        raft_uv_set_auto_recovery(&c->io, true);
        consensus_disk_watch(c);
        c->io.close = close_io;
        str_hex64(c->node, address);
        r = raft_init(&c->raft, &c->io, &c->fsm, c->node, address);
        if (r != 0) {
                const char *why = raft_errmsg(&c->raft);

                (void)fail(f, consensus_errno(r), "cannot open the log in %s: %s", config->dir,
                           why[0] ? why : raft_strerror(r));
                raft_uv_close(&c->io);
                return consensus_errno(r);
        }
        c->raft.data = c;
        raft_set_heartbeat_timeout(&c->raft, config->heartbeat_ms);
        raft_set_election_timeout(&c->raft, config->election_ms);
        raft_set_install_snapshot_timeout(&c->raft, INSTALL_SNAPSHOT_MS);
        raft_set_snapshot_threshold(&c->raft, SNAPSHOT_ENTRIES);
        raft_set_snapshot_trailing(&c->raft, SNAPSHOT_TRAILING);
        raft_set_pre_vote(&c->raft, true);
#ifdef RAFT_VERSION_NUMBER
        /* 0.22 takes no entry while less than 4 MB of segments are prepared: ours never are */
        raft_set_capacity_threshold(&c->raft, 0);
#endif
        return 0;
}

static void ignore_sigpipe(void) {
        struct sigaction old;

        if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
                (void)signal(SIGPIPE, SIG_IGN);
}

int consensus_open(uv_loop_t *loop, const struct consensus_config *config, struct charter *charter,
                   const struct consensus_ops *ops, void *arg, struct consensus **ret,
                   struct fail *f) {
        struct consensus *c;
        int lock_fd, r;

        assert(config->node != 0 && config->heartbeat_ms > 0 &&
               config->heartbeat_ms < config->election_ms);
        r = consensus_lock(config->dir, &lock_fd, f);
        if (r < 0)
                return r;
        c = calloc(1, sizeof(*c));
        if (!c) {
                (void)close(lock_fd);
                return fail(f, -ENOMEM, "out of memory");
        }
        c->loop = loop;
        c->node = config->node;
        c->charter = charter;
        c->ops = ops;
        c->arg = arg;
        c->lock_fd = lock_fd;
        list_init(&c->answers);
        consensus_state_init(c);
        consensus_stream_init(c);
        ignore_sigpipe();
        r = setup_raft(c, config, f);
        if (r < 0) {
                consensus_free(c);
                return r;
        }
        (void)uv_prepare_init(loop, &c->prepare);
        (void)uv_check_init(loop, &c->check);
        c->prepare.data = c->check.data = c;
        *ret = c;
        return 0;
}

int consensus_bootstrap(struct consensus *c, struct fail *f) {
        struct raft_configuration configuration;
        char address[17];
        int r;

        assert(!c->started);
        str_hex64(c->node, address);
        raft_configuration_init(&configuration);
        r = raft_configuration_add(&configuration, c->node, address, RAFT_VOTER);
        if (r == 0)
                r = raft_bootstrap(&c->raft, &configuration);
        raft_configuration_close(&configuration);
        if (r == RAFT_CANTBOOTSTRAP)
                return fail(f, -EBUSY, "this board has the log of a bramble already");
        return r ? fail(f, consensus_errno(r), "cannot begin a log: %s", raft_errmsg(&c->raft)) : 0;
}

int consensus_start(struct consensus *c, struct fail *f) {
        int r;

        assert(!c->started);
        r = raft_start(&c->raft);
        if (r == RAFT_INVALID)
                return fail(f, -EPROTONOSUPPORT,
                            "the log was written by a newer version of bramble");
        if (r != 0)
                return fail(f, consensus_errno(r), "cannot load the log: %s",
                            raft_errmsg(&c->raft)[0] ? raft_errmsg(&c->raft) : raft_strerror(r));
        c->started = true;
        (void)uv_prepare_start(&c->prepare, on_prepare);
        (void)uv_check_start(&c->check, on_check);
        return 0;
}

void consensus_finish(struct consensus *c) {
        void (*closed)(void *arg) = c->closed;
        void *arg = c->closed_arg;

        if (!c->raft_closed || c->handles > 0)
                return;
        consensus_free(c);
        closed(arg);
}

static void on_raft_closed(struct raft *raft) {
        struct consensus *c = raft->data;

        raft_uv_close(&c->io);
        c->raft_closed = true;
        deliver_answers(c);
        consensus_finish(c);
}

/* libraft says that everything is closed as soon as its last handle but those of a log file is, and
 * says it again when these are: where the file was finished quickly (seen under load, libraft
 * 0.15), the first time is one turn of the loop too early to free anything.  So two turns go by,
 * which the closing of our own two handles takes. */
static void on_check_closed(uv_handle_t *handle) {
        struct consensus *c = handle->data;

        c->io_closed(&c->io);
}

static void on_prepare_closed(uv_handle_t *handle) {
        struct consensus *c = handle->data;

        uv_close((uv_handle_t *)&c->check, on_check_closed);
}

static void on_io_closed(struct raft_io *io) {
        struct consensus *c = container_of(io, struct consensus, io);

        if (!uv_is_closing((uv_handle_t *)&c->prepare))
                uv_close((uv_handle_t *)&c->prepare, on_prepare_closed);
}

static void close_io(struct raft_io *io, raft_io_close_cb cb) {
        struct consensus *c = container_of(io, struct consensus, io);

        c->io_closed = cb;
        c->disk.close(io, on_io_closed);
}

void consensus_close(struct consensus *c, void (*done)(void *arg), void *arg) {
        assert(!c->closing);
        c->closing = true;
        c->closed = done;
        c->closed_arg = arg;
        (void)uv_prepare_stop(&c->prepare);
        (void)uv_check_stop(&c->check);
        raft_close(&c->raft, on_raft_closed);
}

/* ---- commands ---- */

static void on_applied(struct raft_apply *req, int status, void *result) {
        struct submission *s = req->data;

        answer(s->c, &s->answer, status == 0 ? (int)(intptr_t)result : consensus_errno(status));
}

int consensus_submit(struct consensus *c, const struct charter_command *cmd, consensus_done_cb done,
                     void *arg) {
        struct submission *s;
        struct raft_buffer entry;
        int r;

        if (c->broken)
                return -EIO;
        if (!consensus_leads(c))
                return -ENOTCONN;
        r = consensus_entry(cmd, &entry);
        if (r < 0)
                return r;
        s = calloc(1, sizeof(*s));
        if (!s) {
                raft_free(entry.base);
                return -ENOMEM;
        }
        s->c = c;
        s->answer = (struct answer){ .done = done, .arg = arg, .pending = true, .heap = true };
        s->req.data = s;
        r = raft_apply(&c->raft, &s->req, &entry, 1, on_applied);
        if (r != 0) {
                raft_free(entry.base);
                free(s);
        }
        return consensus_errno(r);
}

/* ---- the configuration ---- */

enum voter_role consensus_role(const struct consensus *c, uint64_t node) {
        const struct raft_configuration *all = &c->raft.configuration;

        for (unsigned i = 0; i < all->n; i++)
                if (all->servers[i].id == node)
                        return all->servers[i].role == RAFT_VOTER ? VOTER_VOTES : VOTER_SPARE;
        return VOTER_NONE;
}

unsigned consensus_voters(const struct consensus *c) {
        const struct raft_configuration *all = &c->raft.configuration;
        unsigned n = 0;

        for (unsigned i = 0; i < all->n; i++)
                n += all->servers[i].role == RAFT_VOTER;
        return n;
}

static void on_changed(struct raft_change *req, int status) {
        struct consensus *c = req->data;

        c->settled_ms = uv_now(c->loop) + SETTLE_MS;
        if (c->changed.pending)
                answer(c, &c->changed, consensus_errno(status));
}

static int may_change(const struct consensus *c) {
        if (c->broken)
                return -EIO;
        if (!consensus_leads(c))
                return -ENOTCONN;
        return c->changed.pending ? -EBUSY : 0;
}

static int begun_change(struct consensus *c, int r, consensus_done_cb done, void *arg) {
        if (r != 0)
                return consensus_errno(r);
        c->changed = (struct answer){ .done = done, .arg = arg, .pending = true };
        return 0;
}

int consensus_change(struct consensus *c, const struct voters_action *action,
                     consensus_done_cb done, void *arg) {
        int r = may_change(c);
        char address[17];

        if (r < 0)
                return r;
        str_hex64(action->node, address);
        c->change.data = c;
        switch (action->change) {
        case VOTERS_KEEP:
                return -EINVAL;
        case VOTERS_ADD_SPARE:
                r = raft_add(&c->raft, &c->change, action->node, address, on_changed);
                break;
        case VOTERS_PROMOTE:
                r = raft_assign(&c->raft, &c->change, action->node, RAFT_VOTER, on_changed);
                break;
        case VOTERS_DEMOTE:
                /* libraft's stand-by, not its spare: that one would never hear that it votes no
                 * more, and would go on asking for votes */
                r = raft_assign(&c->raft, &c->change, action->node, RAFT_STANDBY, on_changed);
                break;
        }
        return begun_change(c, r, done, arg);
}

int consensus_remove(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg) {
        int r = may_change(c);

        if (r < 0)
                return r;
        if (node == c->node)
                return -EINVAL;
        c->change.data = c;
        return begun_change(c, raft_remove(&c->raft, &c->change, node, on_changed), done, arg);
}

static void on_transferred(struct raft_transfer *req) {
        struct consensus *c = container_of(req, struct consensus, transfer);
        uint64_t leader = consensus_leader(c);
        bool happened = c->transfer_to ? leader == c->transfer_to : !raft_leads(c);

        if (c->transferred.pending)
                answer(c, &c->transferred, c->closing ? -ECANCELED : happened ? 0 : -ETIMEDOUT);
}

int consensus_transfer(struct consensus *c, uint64_t node, consensus_done_cb done, void *arg) {
        int r;

        if (!consensus_leads(c))
                return -ENOTCONN;
        if (c->transferred.pending || c->changed.pending || uv_now(c->loop) < c->settled_ms)
                return -EBUSY;
        r = raft_transfer(&c->raft, &c->transfer, node, on_transferred);
        if (r != 0)
                return consensus_errno(r);
        c->transfer_to = node;
        c->transferred = (struct answer){ .done = done, .arg = arg, .pending = true };
        return 0;
}
