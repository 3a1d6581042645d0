#include "daemon/peers.h"

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/raft_links.h"
#include "daemon/twin.h"
#include "io/log.h"
#include "io/own_address.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        PEERS_MAX = 2 * LIMIT_BOARDS, /* two brambles may meet */
        DIAL_TIMEOUT_MS = 3000,
        REVIEW_MS = 500,
};

#define RETRY_FIRST_USEC (250 * USEC_PER_MSEC)
#define RETRY_MOST_USEC  (8 * USEC_PER_SEC)
#define BEAT_USEC        (2 * USEC_PER_SEC) /* a view on every control connection, changed or not */
#define STEADY_USEC      (10 * USEC_PER_SEC) /* the end of a shorter connection is no news */
#define FRESH_USEC       (3 * USEC_PER_SEC)  /* who was heard so lately is there */
#define SILENT_USEC      (7 * USEC_PER_SEC)  /* a control connection without a frame is dead */

struct place {
        char address[SIZE_ADDRESS]; /* "": not known */
        uint16_t port;
};

struct peer {
        struct agent *agent;
        uint64_t node; /* 0: a hint, known by address only */
        /* Where it was connected, or where the leader says that it is; and where mDNS or the config
         * says so.  Anybody on the LAN can say things by mDNS: that is tried too, in turn. */
        struct place proven, seen;
        bool try_seen;
        struct link *link; /* control connection after both hellos, else NULL */
        struct link *dialing;
        usec_t dialed;              /* 'dialing' began */
        bool hinted;                /* from the config or from memory: dialed until it answers */
        struct message_hello hello; /* newest, of 'link' */
        usec_t since;               /* 'link' came up */
        usec_t heard;
        usec_t retry; /* not before */
        usec_t pause; /* doubles with each failure */
};

struct peers {
        struct agent *agent;
        uv_timer_t timer;
        usec_t beat;
        unsigned n;
        struct peer *items[PEERS_MAX];
};

static struct peer *peer_find(const struct agent *a, uint64_t node) {
        for (unsigned i = 0; i < a->peers->n; i++)
                if (a->peers->items[i]->node == node)
                        return a->peers->items[i];
        return NULL;
}

/* Room for one more: the oldest one that is neither connected nor a member goes. */
static struct peer *peer_new(struct agent *a, uint64_t node) {
        struct peers *peers = a->peers;
        struct peer *p;

        for (unsigned i = 0; peers->n == PEERS_MAX && i < peers->n; i++) {
                p = peers->items[i];
                if (p->link || p->dialing || world_member(&a->world, p->node))
                        continue;
                free(p);
                peers->items[i] = peers->items[--peers->n];
        }
        if (peers->n == PEERS_MAX) {
                if (log_once("peers-full"))
                        log_warning("more than %d boards on this network, the rest are ignored",
                                    PEERS_MAX);
                return NULL;
        }
        p = calloc(1, sizeof(*p));
        if (!p)
                return NULL;
        p->agent = a;
        p->node = node;
        p->pause = RETRY_FIRST_USEC;
        peers->items[peers->n++] = p;
        return p;
}

static void peer_drop(struct peer *p) {
        struct peers *peers = p->agent->peers;

        for (unsigned i = 0; i < peers->n; i++) {
                if (peers->items[i] != p)
                        continue;
                peers->items[i] = peers->items[--peers->n];
                free(p);
                return;
        }
}

/* Fresh boards talk to everyone; members to their leader, to everyone while nobody leads; the
 * leader also to strangers, so that two brambles notice each other. */
static bool wanted(const struct agent *a, const struct peer *p) {
        uint64_t leader = membership_leader(a);

        if (p->hinted || a->bramble == 0 || leader == 0)
                return true;
        if (leader == a->board.node)
                return !world_member(&a->world, p->node);
        return p->node == leader;
}

static void place_set(struct place *place, const char *address, uint16_t port) {
        (void)str_copy(place->address, sizeof(place->address), address);
        place->port = port;
}

static bool place_is(const struct place *place, const char *address, uint16_t port) {
        return str_eq(place->address, address) && place->port == port;
}

/* Where it is looked for next. */
static const struct place *peer_place(const struct peer *p) {
        bool seen = p->seen.address[0] && (p->try_seen || !p->proven.address[0]);

        return seen ? &p->seen : &p->proven;
}

static void dial_failed(struct peer *p) {
        p->try_seen = !p->try_seen;
        p->retry = usec_add(agent_now(), p->pause);
        p->pause = p->pause * 2 > RETRY_MOST_USEC ? RETRY_MOST_USEC : p->pause * 2;
}

/* ---- one connection ------------------------------------------------------------------------ */

/* A board that comes and goes all the time is said once. */
static bool say_end(const struct peer *p, const char *address) {
        char key[SIZE_ADDRESS + 8];

        (void)snprintf(key, sizeof(key), "ended-%s", address);
        if (agent_now() - p->since > STEADY_USEC)
                log_again(key);
        return log_once(key);
}

static void peer_lost(struct peer *p, struct link *l, const char *why) {
        struct agent *a = p->agent;

        if (p->dialing == l) {
                p->dialing = NULL;
                dial_failed(p);
                log_debug("cannot reach %s: %s", link_address(l), why);
        }
        if (p->link != l)
                return;
        p->link = NULL;
        p->retry = usec_add(agent_now(), RETRY_FIRST_USEC);
        if (say_end(p, link_address(l)))
                log_info("connection to %s (%s) ended: %s",
                         p->hello.name[0] ? p->hello.name : "a board", link_address(l), why);
        api_link_gone(a, l);
        coordinator_peer_lost(a, p->node);
        membership_peer_lost(a, p->node);
}

static void control_frame(struct peer *p, const struct frame *f) {
        struct agent *a = p->agent;

        p->heard = agent_now();
        switch (f->type) {
        case FRAME_VIEW: {
                struct formation_view view;

                if (message_view_decode(f->body, f->len, &view) < 0 || view.node != p->node)
                        break;
                p->hello.view = view;
                membership_peer(a, &view);
                return;
        }
        case FRAME_JOIN:
                membership_join_request(a, p->link, f);
                return;
        case FRAME_JOINED:
                membership_joined(a, f);
                return;
        case FRAME_REPORT:
                coordinator_report_frame(a, p->node, f);
                return;
        case FRAME_ORDERS:
                membership_orders(a, p->node, f);
                return;
        case FRAME_COUNTS:
                membership_counts(a, p->node, f);
                return;
        case FRAME_REQUEST:
        case FRAME_DATA:
        case FRAME_END:
        case FRAME_EVENT:
        case FRAME_REPLY:
                api_control_frame(a, p->link, f);
                return;
        case FRAME_HELLO:
        case FRAME_RAFT:
        case FRAME_TYPE_MAX:
                break;
        }
        if (log_once(link_address(p->link)))
                log_warning("%s sent a frame that makes no sense here (type %d), connection ends",
                            link_address(p->link), (int)f->type);
        link_close(p->link);
}

/* Two connections between the same two agents: both sides keep the one that the lower node id
 * dialed; a new start of the other agent, or a redial, makes the old one stale. */
static bool replaces(const struct agent *a, const struct peer *p, const struct link *l,
                     const struct message_hello *m) {
        uint64_t dialer = link_dialed(l) ? a->board.node : p->node;

        if (!p->link || p->hello.boot != m->boot || link_dialed(p->link) == link_dialed(l))
                return true;
        return dialer == (a->board.node < p->node ? a->board.node : p->node);
}

static void control_on_frame(struct link *l, void *arg, const struct frame *f) {
        struct peer *p = arg;

        if (p->link == l)
                control_frame(p, f);
}

static void control_on_closed(struct link *l, void *arg, int error, const char *why) {
        (void)error;
        peer_lost(arg, l, why);
}

static void control_on_drained(struct link *l, void *arg) {
        struct peer *p = arg;

        api_link_drained(p->agent, l);
}

static const struct link_ops control_ops = { .frame = control_on_frame,
                                             .drained = control_on_drained,
                                             .closed = control_on_closed };

/* The end of a connection that lost against its twin, or that nobody waits for. */
static void unwanted_frame(struct link *l, void *arg, const struct frame *f) {
        (void)l;
        (void)arg;
        (void)f;
}

static void unwanted_closed(struct link *l, void *arg, int error, const char *why) {
        (void)l;
        (void)arg;
        (void)error;
        (void)why;
}

static const struct link_ops unwanted_ops = { .frame = unwanted_frame, .closed = unwanted_closed };

void peers_discard(struct link *l) {
        link_set_ops(l, &unwanted_ops, NULL);
        link_close(l);
}

/* Another board with the serial of one that is there, at another address: the first one stays.
 * (A board that comes back after a power cut was silent for longer.) */
static bool is_twin(const struct peer *p, const struct link *l, const struct message_hello *m) {
        return p->link && p->hello.boot != m->boot && agent_now() - p->heard <= FRESH_USEC &&
               !str_eq(link_address(p->link), link_address(l));
}

/* Both hellos were exchanged on 'l'. */
static void peer_up(struct agent *a, struct link *l, const struct message_hello *m) {
        struct peer *p = peer_find(a, m->view.node);
        struct link *stale;
        bool back;

        if (!p)
                p = peer_new(a, m->view.node);
        if (p && is_twin(p, l, m)) {
                twin_refused(a, p->node, p->link, l);
                peers_discard(l);
                return;
        }
        if (!p || !replaces(a, p, l, m)) {
                peers_discard(l);
                return;
        }
        stale = p->link;
        back = !stale || p->hello.boot != m->boot;
        if (p->dialing == l)
                p->dialing = NULL;
        p->link = l;
        p->hello = *m;
        p->since = p->heard = agent_now();
        p->pause = RETRY_FIRST_USEC;
        p->hinted = false;
        place_set(&p->proven, link_address(l), m->port);
        p->try_seen = false;
        link_set_ops(l, &control_ops, p);
        if (stale) {
                api_link_gone(a, stale);
                peers_discard(stale);
                coordinator_peer_lost(a, p->node);
        }
        log_debug("connected to %s (%s)", m->name[0] ? m->name : "a fresh board", link_address(l));
        membership_peer(a, &m->view);
        if (back)
                raft_links_renew(a, m->view.node);
        agent_report_soon(a);
}

static void dialed_open(struct link *l, void *arg) {
        struct peer *p = arg;

        if (link_node(l) == p->agent->board.node) { /* one 'peers =' for all boards is fine */
                p->seen.address[0] = '\0';
                link_close(l);
                return;
        }
        if (peers_hello(p->agent, l, PURPOSE_CONTROL) < 0)
                link_close(l);
}

static void dialed_frame(struct link *l, void *arg, const struct frame *f) {
        struct peer *p = arg;
        struct agent *a = p->agent;
        struct message_hello m;

        if (f->type != FRAME_HELLO || message_hello_decode(f->body, f->len, &m) < 0 ||
            m.purpose != PURPOSE_CONTROL || m.view.node != link_node(l)) {
                if (log_once(link_address(l)))
                        log_warning("%s does not speak our protocol: is it an older bramble?",
                                    link_address(l));
                link_close(l);
                return;
        }
        log_again(link_address(l));
        if (p->node == 0) /* a hint has become a board */
                peer_drop(p);
        else
                p->dialing = NULL;
        peer_up(a, l, &m);
}

static void dialed_closed(struct link *l, void *arg, int error, const char *why) {
        struct peer *p = arg;

        if (error == -EKEYREJECTED && log_once(link_address(l)))
                log_warning("%s is not one of us: %s", link_address(l), why);
        peer_lost(p, l, why);
}

static const struct link_ops dialed_ops = { .open = dialed_open,
                                            .frame = dialed_frame,
                                            .closed = dialed_closed };

static void dial(struct peer *p) {
        const struct place *place = peer_place(p);
        struct agent *a = p->agent;
        int r = link_dial_tls(a->loop, &a->pki, place->address, place->port, p->node,
                              DIAL_TIMEOUT_MS, &dialed_ops, p, &p->dialing);

        p->dialed = agent_now();
        if (r < 0) {
                p->dialing = NULL;
                dial_failed(p);
        }
}

static void review(struct peer *p, usec_t now) {
        if (p->link && now - p->heard > SILENT_USEC) {
                struct link *l = p->link;

                peer_lost(p, l, "nothing heard for 7 s");
                peers_discard(l);
        }
        /* A cable that is pulled between the two hellos leaves a connection with nothing to send,
         * which TCP keeps for ever. */
        if (p->dialing && now - p->dialed > SILENT_USEC) {
                struct link *l = p->dialing;

                peer_lost(p, l, "no hello for 7 s");
                peers_discard(l);
        }
        if (!p->link && !p->dialing && peer_place(p)->address[0] && now >= p->retry &&
            wanted(p->agent, p))
                dial(p);
}

void peers_review(struct agent *a) {
        usec_t now = agent_now();

        for (unsigned i = 0; i < a->peers->n; i++)
                review(a->peers->items[i], now);
        if (now - a->peers->beat >= BEAT_USEC) {
                a->peers->beat = now;
                peers_tell(a);
        }
}

static void on_timer(uv_timer_t *timer) {
        struct peers *peers = timer->data;

        peers_review(peers->agent);
}

int peers_open(struct agent *a) {
        struct peers *peers = calloc(1, sizeof(*peers));
        int r;

        if (!peers)
                return -ENOMEM;
        peers->agent = a;
        peers->beat = agent_now();
        a->peers = peers;
        r = uv_timer_init(a->loop, &peers->timer);
        if (r < 0)
                return r;
        peers->timer.data = peers;
        return uv_timer_start(&peers->timer, on_timer, REVIEW_MS, REVIEW_MS);
}

/* ---- what the other parts call ----------------------------------------------------------------
 */

void peers_seen(struct agent *a, uint64_t node, const char *address, uint16_t port) {
        struct peer *p;

        if (node == a->board.node) {
                if (!own_address(address))
                        twin_seen(a, address);
                return;
        }
        p = peer_find(a, node);
        if (!p)
                p = peer_new(a, node);
        if (!p || p->link)
                return;
        if (!place_is(&p->seen, address, port)) {
                place_set(&p->seen, address, port);
                p->try_seen = true;
                p->retry = 0;
                p->pause = RETRY_FIRST_USEC;
        }
        review(p, agent_now());
}

void peers_known(struct agent *a, uint64_t node, const char *address, uint16_t port) {
        struct peer *p = peer_find(a, node);

        if (node == a->board.node)
                return;
        if (!p)
                p = peer_new(a, node);
        if (!p || p->link)
                return;
        if (port == 0)
                port = p->proven.port ? p->proven.port : a->config.port;
        if (!place_is(&p->proven, address, port)) {
                place_set(&p->proven, address, port);
                p->try_seen = false;
                p->retry = 0;
                p->pause = RETRY_FIRST_USEC;
        }
        review(p, agent_now());
}

void peers_hint(struct agent *a, const char *address, uint16_t port) {
        struct peer *p;

        for (unsigned i = 0; i < a->peers->n; i++)
                if (str_eq(a->peers->items[i]->proven.address, address) ||
                    str_eq(a->peers->items[i]->seen.address, address))
                        return;
        p = peer_new(a, 0);
        if (!p)
                return;
        p->hinted = true;
        place_set(&p->seen, address, port);
        review(p, agent_now());
}

struct link *peers_link(const struct agent *a, uint64_t node) {
        const struct peer *p = node ? peer_find(a, node) : NULL;

        return p ? p->link : NULL;
}

uint64_t peers_in_bramble(const struct agent *a, uint64_t bramble) {
        for (unsigned i = 0; i < a->peers->n; i++) {
                const struct peer *p = a->peers->items[i];

                if (p->link && p->hello.view.bramble == bramble)
                        return p->node;
        }
        return 0;
}

const char *peers_address(const struct agent *a, uint64_t node, uint16_t *ret_port) {
        const struct peer *p = node ? peer_find(a, node) : NULL;
        const struct place *place;

        if (!p)
                return NULL;
        place = p->proven.address[0] ? &p->proven : &p->seen;
        *ret_port = place->port;
        return place->address[0] ? place->address : NULL;
}

void peers_tell(struct agent *a) {
        struct formation_view view = membership_view(a);
        auto_buf struct buf b = { 0 };

        if (message_view_encode(&view, &b) < 0)
                return;
        for (unsigned i = 0; i < a->peers->n; i++)
                if (a->peers->items[i]->link)
                        (void)link_send(a->peers->items[i]->link, FRAME_VIEW, 0, b.data, b.len);
}

int peers_hello(struct agent *a, struct link *l, enum message_purpose purpose) {
        struct message_hello m = {
                .protocol = MESSAGE_PROTOCOL,
                .purpose = purpose,
                .boot = a->boot,
                .port = a->config.port,
                .view = membership_view(a),
        };
        auto_buf struct buf b = { 0 };
        int r;

        (void)str_copy(m.name, sizeof(m.name), a->name);
        r = message_hello_encode(&m, &b);
        return r < 0 ? r : link_send(l, FRAME_HELLO, 0, b.data, b.len);
}

int peers_dial(struct agent *a, uint64_t node, const struct link_ops *ops, void *arg,
               struct link **ret) {
        uint16_t port = 0;
        const char *address = peers_address(a, node, &port);

        if (!address)
                return -EHOSTUNREACH;
        return link_dial_tls(a->loop, &a->pki, address, port, node, DIAL_TIMEOUT_MS, ops, arg, ret);
}

void peers_each(const struct agent *a,
                void (*each)(void *arg, uint64_t node, const char *address, uint16_t port),
                void *arg) {
        for (unsigned i = 0; i < a->peers->n; i++) {
                const struct peer *p = a->peers->items[i];

                if (p->node && p->proven.address[0])
                        each(arg, p->node, p->proven.address, p->proven.port);
        }
}

void peers_accept(struct agent *a, struct link *l, const struct message_hello *m) {
        if (peers_hello(a, l, PURPOSE_CONTROL) < 0) {
                peers_discard(l);
                return;
        }
        peer_up(a, l, m);
}
