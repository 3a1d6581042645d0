#include "daemon/raft_links.h"

#include "core/message.h"
#include "daemon/membership.h"
#include "daemon/peers.h"

#include <stdlib.h>

struct dialing {
        struct agent *agent;
        unsigned epoch; /* of the log that asked */
        void *dial;
};

/* The consensus that asked may be gone: its dials were cancelled with it. */
static void finish(struct dialing *d, struct link *l) {
        if (membership_epoch(d->agent) == d->epoch)
                consensus_dialed(membership_consensus(d->agent), d->dial, l);
        else if (l)
                peers_discard(l);
        free(d);
}

static void on_open(struct link *l, void *arg) {
        struct dialing *d = arg;

        if (peers_hello(d->agent, l, PURPOSE_RAFT) < 0) {
                link_close(l);
                return;
        }
        finish(d, l);
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        (void)l;
        (void)arg;
        (void)f;
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        (void)l;
        (void)error;
        (void)why;
        finish(arg, NULL);
}

static const struct link_ops ops = { .open = on_open, .frame = on_frame, .closed = on_closed };

static void timer_closed(uv_handle_t *handle) {
        free(handle);
}

/* A failed dial is told in a later turn of the loop: libraft is not ready for it inside connect().
 */
static void tell_later(uv_timer_t *timer) {
        struct dialing *d = timer->data;

        finish(d, NULL);
        uv_close((uv_handle_t *)timer, timer_closed);
}

void raft_links_dial(struct agent *a, uint64_t node, void *dial) {
        struct dialing *d = calloc(1, sizeof(*d));
        struct link *l;
        uv_timer_t *timer;

        if (!d)
                return;
        d->agent = a;
        d->epoch = membership_epoch(a);
        d->dial = dial;
        if (peers_dial(a, node, &ops, d, &l) == 0)
                return;
        timer = calloc(1, sizeof(*timer));
        if (!timer || uv_timer_init(a->loop, timer) < 0) {
                free(timer);
                finish(d, NULL);
                return;
        }
        timer->data = d;
        (void)uv_timer_start(timer, tell_later, 0, 0);
}

void raft_links_accepted(struct agent *a, struct link *l) {
        struct consensus *c = membership_consensus(a);

        if (c && a->bramble)
                consensus_accepted(c, l);
        else
                peers_discard(l);
}

void raft_links_renew(struct agent *a, uint64_t node) {
        struct consensus *c = membership_consensus(a);

        if (c && a->bramble)
                consensus_renew(c, node);
}
