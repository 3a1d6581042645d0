/* membership_log - the bramble's log on this card: opened, closed, and opened again. */
#include "base/scope.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership_private.h"
#include "daemon/peers.h"
#include "daemon/raft_links.h"
#include "io/log.h"

#include <inttypes.h>

enum {
        HEARTBEAT_MS = 100,
        ELECTION_MS = 500, /* libraft waits one to two of these: 0.5 to 1 s, then asks for votes */
        REOPEN_MS = 10 * 1000,
        TRIAL_MS = 5 * 1000,
};

static void on_dial(void *arg, uint64_t node, void *dial) {
        struct agent *a = arg;

        raft_links_dial(a, node, dial);
}

static void on_applied(void *arg) {
        struct agent *a = arg;

        coordinator_changed(a);
        membership_changed(a);
}

static void on_led(void *arg, uint64_t leader, uint64_t term, bool self) {
        struct agent *a = arg;
        struct membership *m = a->membership;
        bool led = m->leads;

        if (m->founding) {
                if (self)
                        membership_submit_found(a);
                return;
        }
        m->leader = leader;
        m->leads = self;
        if (self && !led)
                log_role(a->name, "%s leads the bramble now (term %" PRIu64 ")", a->name, term);
        else if (!self && led)
                log_role(a->name, "%s no longer leads (term %" PRIu64 ")", a->name, term);
        coordinator_lead(a, self);
        api_leader_changed(a);
        membership_announce(a);
        membership_changed(a);
        peers_review(a);
        agent_report_soon(a);
}

void membership_log_broken(struct agent *a, const char *why) {
        if (log_once("broken"))
                log_error("the log of the bramble on this card cannot be written (%s); this board "
                          "goes on with what runs, but it does not vote; trying again every 10 s",
                          why);
        a->membership->log_broken = true;
        a->membership->on_trial = false;
        membership_tell_saved(a);
        if (a->membership->founding == 0)
                membership_log_close(a, false);
}

static void on_broken(void *arg, const char *why) {
        membership_log_broken(arg, why);
}

static const struct consensus_ops consensus_callbacks = {
        .dial = on_dial, .applied = on_applied, .led = on_led, .broken = on_broken
};

int membership_log_open(struct agent *a, bool fresh, bool bootstrap, struct fail *f) {
        struct membership *m = a->membership;
        struct consensus_config config = { .dir = m->raft_dir,
                                           .node = a->board.node,
                                           .heartbeat_ms = HEARTBEAT_MS,
                                           .election_ms = ELECTION_MS };
        int r = 0;

        m->epochs++;
        if (fresh) {
                m->log_broken = m->on_trial = false;
                membership_tell_saved(a);
                r = consensus_wipe(m->raft_dir, f);
        }
        if (r >= 0)
                r = consensus_open(a->loop, &config, &a->charter, &consensus_callbacks, a,
                                   &m->consensus, f);
        if (r >= 0 && bootstrap)
                r = consensus_bootstrap(m->consensus, f);
        if (r >= 0)
                r = consensus_start(m->consensus, f);
        return r;
}

/* A member whose log could not be opened or written: the disk may be better by now. */
static void on_reopen(uv_timer_t *timer) {
        struct agent *a = timer->data;
        struct membership *m = a->membership;
        struct fail f = { 0 };

        if (a->bramble == 0 || m->closing)
                return;
        if (m->on_trial) {
                m->on_trial = m->log_broken = false;
                log_again("broken");
                log_notice("the log of the bramble can be written again");
                membership_tell_saved(a);
        } else if (!m->consensus && membership_log_open(a, false, false, &f) < 0) {
                membership_log_broken(a, fail_text(&f));
        } else if (m->log_broken) { /* opening takes no room on the card, writing does */
                m->on_trial = true;
                (void)uv_timer_start(&m->reopen, on_reopen, TRIAL_MS, 0);
        }
}

static void log_closed(void *arg) {
        struct agent *a = arg;
        struct membership *m = a->membership;
        struct fail f = { 0 };

        m->closing = false;
        charter_done(&a->charter);
        if (m->wipe && consensus_wipe(m->raft_dir, &f) < 0)
                log_warning("%s", fail_text(&f));
        if (a->bramble == 0)
                membership_refused(a); /* nothing is in the way of the next try any more */
        else
                (void)uv_timer_start(&m->reopen, on_reopen, REOPEN_MS, 0);
}

void membership_log_close(struct agent *a, bool wipe) {
        struct membership *m = a->membership;
        struct consensus *c = take_ptr(m->consensus);

        m->founding = 0;
        m->wipe = wipe;
        if (m->leads) {
                m->leads = false;
                coordinator_lead(a, false);
        }
        if (c) {
                m->closing = true;
                consensus_close(c, log_closed, a);
        } else if (!m->closing) {
                log_closed(a);
        }
}
