#include "towns.h"

#include "core/voters.h"

#include <inttypes.h>

struct session *towns_session(struct world *w, unsigned a, unsigned b) {
        return a < b ? &w->sessions[a][b] : &w->sessions[b][a];
}

bool towns_connected(struct world *w, unsigned a, unsigned b) {
        return a != b && towns_session(w, a, b)->open[a > b];
}

void towns_plan(struct world *w, usec_t in, int type, unsigned a, unsigned b, uint64_t number) {
        const struct sim_event ev = {
                .at = w->now + in, .type = type, .a = a, .b = b, .number = number
        };

        sim_plan(&w->queue, &ev);
}

struct bramble *towns_bramble(struct world *w, uint64_t id) {
        return &w->brambles[id - 1];
}

bool towns_lives_in(const struct world *w, unsigned i, uint64_t id) {
        return w->boards[i].on && w->boards[i].f.self.bramble == id;
}

/* Can 'i' reach most voters of its bramble over live sessions? */
bool towns_majority(struct world *w, uint64_t id, unsigned i) {
        struct bramble *b = towns_bramble(w, id);
        unsigned voters = 0, reached = 0;

        if (!b->voter[i] || !towns_lives_in(w, i, id))
                return false;
        for (unsigned j = 0; j < w->n; j++) {
                if (!b->voter[j])
                        continue;
                voters++;
                if (j == i || (towns_lives_in(w, j, id) && towns_connected(w, i, j) &&
                               towns_connected(w, j, i) && !towns_session(w, i, j)->broken))
                        reached++;
        }
        return 2 * reached > voters;
}

static unsigned count_members(const struct bramble *b) {
        unsigned n = 0;

        for (unsigned i = 0; i < BOARDS; i++)
                n += b->member[i];
        return n;
}

/* Members that can hear the leader learn at once what their bramble is. */
void towns_tell_members(struct world *w, uint64_t id) {
        struct bramble *b = towns_bramble(w, id);

        for (unsigned i = 0; i < w->n; i++) {
                struct formation_event ev = { .type = FORMATION_EVENT_SELF,
                                              .view = w->boards[i].f.self };

                if (!towns_lives_in(w, i, id))
                        continue;
                ev.view.leader = 0;
                ev.view.mergeable = b->led && b->leader == i;
                if (b->led && (b->leader == i || towns_connected(w, i, b->leader))) {
                        ev.view.leader = node_of(b->leader);
                        ev.view.members = count_members(b);
                        ev.view.work = b->work;
                }
                w->feed(w, i, &ev);
        }
}

/* Somebody came, went or was cut off: does the leader still lead? */
void towns_review(struct world *w, uint64_t id) {
        struct bramble *b = towns_bramble(w, id ? id : 1);

        if (id == 0)
                return;
        if (b->led && !towns_majority(w, id, b->leader)) {
                b->led = false;
                sim_say(w->now, "bramble %" PRIu64 " has no leader", id);
        }
        if (!b->led && !b->electing) {
                b->electing = true;
                towns_plan(w, ELECTION_USEC, EV_ELECT, (unsigned)id, 0, 0);
        }
        towns_tell_members(w, id);
}

void towns_review_all(struct world *w) {
        for (unsigned i = 0; i < w->n_brambles; i++)
                towns_review(w, i + 1);
}

/* The leader gives votes to members that are there, and replaces silent ones. */
void towns_share_votes(struct world *w, uint64_t id) {
        struct bramble *b = towns_bramble(w, id);
        unsigned wanted = voters_wanted(count_members(b)), voters = 0;

        for (unsigned i = 0; i < w->n; i++) {
                if (b->voter[i] && i != b->leader && !towns_lives_in(w, i, id))
                        b->voter[i] = false;
                voters += b->voter[i];
        }
        for (unsigned i = 0; i < w->n && voters < wanted; i++)
                if (b->member[i] && !b->voter[i] && towns_lives_in(w, i, id)) {
                        b->voter[i] = true;
                        voters++;
                }
        if (voters % 2 == 0)
                for (unsigned i = w->n; i-- > 0;)
                        if (b->voter[i] && i != b->leader) {
                                b->voter[i] = false;
                                break;
                        }
}

void towns_elect(struct world *w, uint64_t id) {
        struct bramble *b = towns_bramble(w, id);
        bool somebody = false;

        b->electing = false;
        for (unsigned i = 0; i < w->n; i++) {
                somebody |= w->boards[i].disk_bramble == id;
                if (!towns_majority(w, id, i))
                        continue;
                b->led = true;
                b->leader = i;
                sim_say(w->now, "bramble %" PRIu64 " is led by %u", id, i);
                towns_share_votes(w, id);
                towns_tell_members(w, id);
                break;
        }
        if (!b->led && somebody) {
                b->electing = true;
                towns_plan(w, ELECTION_USEC, EV_ELECT, (unsigned)id, 0, 0);
        }
}
