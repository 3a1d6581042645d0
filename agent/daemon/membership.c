#include "daemon/membership_private.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/counts.h"
#include "core/message.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/join.h"
#include "daemon/peers.h"
#include "daemon/raft_links.h"
#include "daemon/saved.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { JOIN_RETRY_SEC = 3 };

static void perform(struct agent *a, const struct formation_actions *actions);
static void on_timer(uv_timer_t *timer);

static void feed(struct agent *a, const struct formation_event *ev) {
        struct membership *m = a->membership;
        struct formation_actions actions;
        usec_t now = agent_now(), wait;

        formation_step(&m->formation, now, ev, &actions);
        if (m->formation.deadline == USEC_NEVER) {
                (void)uv_timer_stop(&m->timer);
        } else {
                wait = usec_sub(m->formation.deadline, now);
                uv_update_time(a->loop);
                (void)uv_timer_start(&m->timer, on_timer, wait / USEC_PER_MSEC + 1, 0);
        }
        perform(a, &actions);
}

static void on_timer(uv_timer_t *timer) {
        feed(timer->data, &(struct formation_event){ .type = FORMATION_EVENT_TICK });
}

void membership_refused(struct agent *a) {
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_REFUSED });
}

/* ---- what is kept on disk ----------------------------------------------------------------------
 */

static void collect_peer(void *arg, uint64_t node, const char *address, uint16_t port) {
        struct saved *s = arg;
        struct saved_peer *p = &s->peers[s->n_peers];

        if (s->n_peers == LIMIT_BOARDS)
                return;
        *p = (struct saved_peer){ .node = node, .port = port };
        if (str_copy(p->address, sizeof(p->address), address) == 0)
                s->n_peers++;
}

static int by_node(const void *a, const void *b) {
        const struct saved_peer *x = a, *y = b;

        return (x->node > y->node) - (x->node < y->node);
}

static void save(struct agent *a) {
        auto_free struct saved *s = calloc(1, sizeof(*s));
        struct fail f = { 0 };

        if (!s)
                return;
        s->node = a->board.node;
        s->bramble = a->bramble;
        s->subnet = a->subnet;
        (void)str_copy(s->name, sizeof(s->name), a->name);
        s->n_left = a->membership->formation.n_left;
        memcpy(s->left, a->membership->formation.left, s->n_left * sizeof(s->left[0]));
        peers_each(a, collect_peer, s);
        /* in a fixed order, so that the same peers are the same bytes and nothing is written */
        qsort(s->peers, s->n_peers, sizeof(s->peers[0]), by_node);
        if (saved_write(a->config.state_dir, s, &f) < 0) {
                if (log_once("saved"))
                        log_error("%s; this board goes on, but will not know its bramble after "
                                  "a reboot",
                                  fail_text(&f));
                a->membership->not_saved = true;
                membership_tell_saved(a);
                return;
        }
        log_again("saved");
        a->membership->not_saved = false;
        membership_tell_saved(a);
}

void membership_tell_saved(struct agent *a) {
        const struct membership *m = a->membership;

        agent_problem(a, PROBLEM_NOT_SAVED, m->log_broken || m->not_saved);
}

void membership_announce(struct agent *a) {
        struct mdns_announcement announcement = {
                .port = a->config.port,
                .cluster_id = a->pki.self.cluster_id,
                .node = a->board.node,
                .board = a->board.id,
                .state = a->bramble == 0       ? "fresh"
                         : membership_leads(a) ? "leader"
                                               : "member",
        };

        if (!a->mdns)
                return;
        (void)mdns_update(a->mdns, &announcement);
        /* Members know each other; looking for strangers is the leader's, and everybody's while
         * nobody leads. */
        mdns_browse(a->mdns, a->bramble == 0 || membership_leads(a) || a->membership->leader == 0);
}

/* ---- founding and joining -----------------------------------------------------------------------
 */

static void enter(struct agent *a, uint64_t bramble, const char *name, uint16_t subnet) {
        a->bramble = bramble;
        a->subnet = subnet;
        (void)str_copy(a->name, sizeof(a->name), name);
        log_role(name, "this board is %s of cluster %s", name, a->pki.self.cluster);
        save(a);
        membership_announce(a);
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_FOUNDED, .bramble = bramble });
        membership_changed(a);
        peers_review(a);
        agent_report_soon(a);
}

static void on_founded(void *arg, int result) {
        struct agent *a = arg;
        const struct charter_member *self = charter_member(&a->charter, a->board.node);

        if (result < 0 || !self) {
                log_error("founding the bramble failed: %s, trying again", strerror(-result));
                membership_log_close(a, true);
                return;
        }
        a->membership->founding = 0;
        a->membership->leader = a->board.node;
        a->membership->leads = true;
        enter(a, a->charter.bramble, self->name, self->subnet);
        coordinator_lead(a, true);
}

static void random_password(char dst[static 25]) {
        static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        unsigned char bytes[24];

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                abort();
        for (size_t i = 0; i < sizeof(bytes); i++)
                dst[i] = letters[bytes[i] % (sizeof(letters) - 1)];
        dst[sizeof(bytes)] = '\0';
}

void membership_submit_found(struct agent *a) {
        struct membership *m = a->membership;
        struct charter_command cmd = { .op = CHARTER_FOUND,
                                       .bramble = m->founding,
                                       .board = a->board };
        int r;

        (void)str_copy(cmd.cluster, sizeof(cmd.cluster), a->pki.self.cluster);
        (void)str_copy(cmd.user, sizeof(cmd.user), "admin");
        random_password(cmd.password);
        r = consensus_submit(m->consensus, &cmd, on_founded, a);
        if (r < 0)
                on_founded(a, r);
        explicit_bzero(&cmd, sizeof(cmd));
}

static void found(struct agent *a) {
        struct membership *m = a->membership;
        struct fail f = { 0 };

        if (m->closing || m->consensus) {
                membership_refused(a);
                return;
        }
        if (getrandom(&m->founding, sizeof(m->founding), 0) != sizeof(m->founding) ||
            m->founding == 0)
                m->founding = a->boot | 1;
        log_info("founding the bramble of cluster %s", a->pki.self.cluster);
        if (membership_log_open(a, true, true, &f) < 0) {
                log_error("cannot found the bramble: %s; trying again", fail_text(&f));
                membership_log_close(a, true);
        }
}

static void join(struct agent *a, uint64_t node, uint64_t bramble) {
        struct link *l = peers_link(a, node);
        auto_buf struct buf b = { 0 };
        char key[SIZE_ADDRESS + 8];

        if (!l)
                l = peers_link(a, peers_in_bramble(a, bramble));
        if (!l || a->membership->closing || message_join_encode(&a->board, &b) < 0)
                return; /* asked again after JOIN_RETRY_SEC */
        /* One that refuses is asked again and again. */
        (void)snprintf(key, sizeof(key), "join-%s", link_address(l));
        if (log_once(key))
                log_info("asking %s to be taken into the bramble", link_address(l));
        (void)link_send(l, FRAME_JOIN, 0, b.data, b.len);
}

void membership_join_request(struct agent *a, struct link *l, const struct frame *f) {
        join_answer(a, l, f);
}

void membership_joined(struct agent *a, const struct frame *f) {
        struct membership *m = a->membership;
        struct message_joined joined;
        struct fail why = { 0 };

        if (message_joined_decode(f->body, f->len, &joined) < 0 || a->bramble != 0 || m->closing ||
            m->formation.state != FORMATION_JOINING)
                return;
        if (joined.result < 0) {
                if (joined.result != -ENOTCONN)
                        log_warning("the bramble did not take this board in: %s",
                                    joined.result == -ENOSPC ? "it is full"
                                                             : strerror(-joined.result));
                return; /* asked again by formation */
        }
        if (membership_log_open(a, true, false, &why) < 0) {
                log_error("cannot join: %s; trying again", fail_text(&why));
                membership_log_close(a, true);
                return;
        }
        if (joined.leader)
                m->leader = joined.leader;
        enter(a, joined.bramble, joined.name, joined.subnet);
}

static void perform(struct agent *a, const struct formation_actions *actions) {
        for (uint32_t i = 0; i < actions->n; i++) {
                const struct formation_action *action = &actions->items[i];

                switch (action->type) {
                case FORMATION_ACTION_TELL:
                        peers_tell(a);
                        break;
                case FORMATION_ACTION_FOUND:
                        found(a);
                        break;
                case FORMATION_ACTION_JOIN:
                        join(a, action->node, action->bramble);
                        break;
                case FORMATION_ACTION_FOLD:
                        log_notice("another bramble of this cluster was found and this one has no "
                                   "functions: it joins the other");
                        coordinator_fold(a, action->bramble);
                        break;
                case FORMATION_ACTION_CLASH:
                        log_error("two brambles of cluster %s both have functions: they stay apart "
                                  "until a person removes the functions of one",
                                  a->pki.self.cluster);
                        break;
                }
        }
}

/* ---- what others ask and tell
 * -------------------------------------------------------------------- */

struct formation_view membership_view(const struct agent *a) {
        struct formation_view view = a->membership->formation.self;

        return view;
}

uint64_t membership_leader(const struct agent *a) {
        return a->membership->leader;
}

bool membership_leads(const struct agent *a) {
        const struct membership *m = a->membership;

        return m->consensus && !m->founding && a->bramble && consensus_leads(m->consensus);
}

char *membership_text(const struct agent *a, char *dst, size_t size) {
        return formation_text(&a->membership->formation, dst, size);
}

struct consensus *membership_consensus(const struct agent *a) {
        return a->membership->consensus;
}

unsigned membership_epoch(const struct agent *a) {
        return a->membership->consensus ? a->membership->epochs : 0;
}

/* Who leads, as far as this board's own vote tells; 0: it does not.  A board that lost its vote
 * hears of no election any more, and libraft goes on to remember whoever led then. */
static uint64_t leader_by_vote(const struct agent *a) {
        const struct consensus *c = a->membership->consensus;

        return c && consensus_role(c, a->board.node) == VOTER_VOTES ? consensus_leader(c) : 0;
}

/* A member that stands by has no log to tell it who leads: its peers do. */
static void learn_leader(struct agent *a, const struct formation_view *view) {
        struct membership *m = a->membership;

        if (a->bramble == 0 || view->bramble != a->bramble || !view->leader)
                return;
        if (leader_by_vote(a))
                return; /* first-hand knowledge */
        if (m->leader == view->leader || (m->leader && view->leader != view->node))
                return; /* only the new leader itself displaces one that is believed in */
        m->leader = view->leader;
        api_leader_changed(a);
        membership_announce(a);
        membership_changed(a);
        peers_review(a);
}

void membership_peer(struct agent *a, const struct formation_view *view) {
        learn_leader(a, view);
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_PEER, .view = *view });
}

void membership_peer_lost(struct agent *a, uint64_t node) {
        struct membership *m = a->membership;

        /* a leader that starts anew in the same term (the only voter does) counts its pictures from
         * the beginning again */
        if (a->world.leader == node)
                a->world.version = 0;
        if (m->leader == node && leader_by_vote(a) != node) {
                m->leader = 0;
                membership_announce(a);
                membership_changed(a);
        }
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_PEER_LOST, .node = node });
}

void membership_raft_accepted(struct agent *a, struct link *l) {
        raft_links_accepted(a, l);
}

void membership_orders(struct agent *a, uint64_t from, const struct frame *f) {
        struct membership *m = a->membership;
        struct world world = { 0 };

        if (f->len == 0) /* nothing new */
                return;
        if (world_decode(f->body, f->len, &world) < 0) {
                if (log_once("orders"))
                        log_warning("orders that cannot be read came from the leader; is it a "
                                    "newer bramble?");
                return;
        }
        if (a->bramble == 0 || world.bramble != a->bramble || world.leader != from ||
            world.term < a->world.term ||
            (world.term == a->world.term && world.version < a->world.version) ||
            /* an old leader's, held back by a pulled cable: a new one has a later term */
            (m->leader && m->leader != from && world.term <= a->world.term)) {
                world_done(&world);
                return;
        }
        if (world.fold) {
                uint64_t other = world.fold;

                world_done(&world);
                membership_leave(a, other);
                return;
        }
        if (m->leader != from) {
                m->leader = from;
                membership_changed(a);
        }
        agent_take_world(a, &world);
        save(a);
}

void membership_counts(struct agent *a, uint64_t from, const struct frame *f) {
        struct counts counts;

        if (a->bramble && a->world.leader == from && counts_decode(f->body, f->len, &counts) == 0 &&
            counts_apply(&counts, &a->world))
                api_counts_changed(a);
}

void membership_changed(struct agent *a) {
        struct membership *m = a->membership;
        struct formation_view view = m->formation.self;
        bool leads = membership_leads(a);

        view.bramble = a->bramble;
        view.leader = a->bramble ? m->leader : 0;
        view.members = leads ? a->charter.n_members : a->world.n_members;
        view.work = leads ? charter_has_work(&a->charter) || coordinator_kube_work(a)
                          : a->world.n_functions || a->world.n_images;
        view.mergeable = leads && coordinator_majority(a);
        if (memcmp(&view, &m->formation.self, sizeof(view)) == 0)
                return;
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_SELF, .view = view });
}

void membership_leave(struct agent *a, uint64_t for_bramble) {
        struct membership *m = a->membership;
        struct world empty = { 0 };

        log_notice("leaving this bramble for %016" PRIx64, for_bramble);
        coordinator_lead(a, false);
        m->leader = 0;
        a->bramble = 0;
        a->subnet = 0;
        a->name[0] = '\0';
        formation_leave(&m->formation, agent_now());
        agent_take_world(a, &empty);
        save(a);
        membership_log_close(a, true);
        membership_announce(a);
        peers_review(a);
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_TICK });
        peers_tell(a);
}

int membership_open(struct agent *a, struct fail *f) {
        auto_free struct saved *s = calloc(1, sizeof(*s));
        struct membership *m = calloc(1, sizeof(*m));
        struct formation_config config = { .expect = a->config.expect,
                                           .settle_usec = a->config.settle_usec,
                                           .join_retry_usec = JOIN_RETRY_SEC * USEC_PER_SEC };
        int r;

        if (!s || !m) {
                free(m);
                return -ENOMEM;
        }
        m->agent = a;
        a->membership = m;
        (void)snprintf(m->raft_dir, sizeof(m->raft_dir), "%s/raft", a->config.state_dir);
        r = uv_timer_init(a->loop, &m->timer);
        if (r < 0)
                return r;
        (void)uv_timer_init(a->loop, &m->reopen);
        m->timer.data = m->reopen.data = a;
        r = saved_read(a->config.state_dir, s, f);
        if (r < 0)
                return r;
        if (s->node != a->board.node)
                s->bramble = 0; /* a card that was cloned or moved: this board is fresh */
        formation_init(&m->formation, &config, a->board.node, board_strength(&a->board), s->bramble,
                       agent_now());
        if (s->bramble) {
                a->bramble = s->bramble;
                a->subnet = s->subnet;
                (void)str_copy(a->name, sizeof(a->name), s->name);
                r = membership_log_open(a, false, false, f);
                if (r < 0) {
                        membership_log_broken(a, fail_text(f));
                        *f = (struct fail){ 0 };
                }
        }
        for (uint32_t i = 0; i < s->n_peers; i++)
                peers_known(a, s->peers[i].node, s->peers[i].address, s->peers[i].port);
        for (uint32_t i = 0; i < a->config.n_peers; i++)
                peers_hint(a, a->config.peers[i], a->config.port);
        feed(a, &(struct formation_event){ .type = FORMATION_EVENT_TICK });
        membership_announce(a);
        return 0;
}
