/* Formation alone: up to 24 boards over a network with delays, cuts, power cuts and clocks that
 * jump.  The brambles themselves are told by an oracle (libraft runs in sim_bramble); what is
 * real is core/formation on each board. */
#include "towns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A message from 'from' to 'to' over their session; in order, and lost with the session. */
static void send_view(struct world *w, int type, unsigned from, unsigned to,
                      const struct formation_view *view, uint64_t bramble) {
        struct session *s = towns_session(w, from, to);
        struct sim_event ev = { .type = type, .a = to, .b = from, .number = s->number };
        usec_t at = w->now + sim_between(&w->random, 1 * MSEC, 20 * MSEC);

        if (!towns_connected(w, from, to) || s->broken)
                return;
        if (at <= s->last[to > from])
                at = s->last[to > from] + 1;
        s->last[to > from] = at;
        ev.at = at;
        ev.view = *view;
        if (type == EV_JOIN || type == EV_JOINED || type == EV_DISSOLVE)
                ev.view.bramble = bramble;
        sim_plan(&w->queue, &ev);
}

static void want_session(struct world *w, unsigned a, unsigned b) {
        struct session *s = towns_session(w, a, b);

        towns_plan(w, sim_between(&w->random, 50 * MSEC, 900 * MSEC), EV_CONNECT, a, b,
                   ++s->attempt);
}

static void break_session(struct world *w, unsigned a, unsigned b, bool fast) {
        struct session *s = towns_session(w, a, b);
        usec_t most = fast ? 20 * MSEC : 2500 * MSEC;

        if (s->broken || (!s->open[0] && !s->open[1]))
                return;
        s->broken = true;
        towns_plan(w, sim_between(&w->random, 1 * MSEC, most), EV_LOST, a, b, s->number);
        towns_plan(w, sim_between(&w->random, 1 * MSEC, most), EV_LOST, b, a, s->number);
}

/* ---- a board ---- */
static void tell(struct world *w, unsigned i) {
        for (unsigned j = 0; j < w->n; j++)
                if (towns_connected(w, i, j))
                        send_view(w, EV_VIEW, i, j, &w->boards[i].f.self, 0);
}

static void start_formation(struct world *w, unsigned i) {
        struct board *b = &w->boards[i];

        /* the first half of the boards is of one kind: equal strength, the lower id wins */
        formation_init(&b->f, &w->config, node_of(i), i < w->n / 2 ? 50 : i, b->disk_bramble,
                       w->now + b->skew);
        for (uint32_t k = 0; k < b->n_disk_left; k++)
                formation_set_folded(&b->f, b->disk_left[k]);
        b->tick = USEC_NEVER;
}

/* Leaves its bramble, keeping its sessions. */
static void become_fresh(struct world *w, unsigned i, uint64_t left) {
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };
        struct board *b = &w->boards[i];

        sim_say(w->now, "%u is fresh again, bramble %" PRIu64 " folded", i, left);
        b->disk_bramble = 0;
        formation_leave(&b->f, w->now + b->skew);
        memcpy(b->disk_left, b->f.left, sizeof(b->disk_left));
        b->n_disk_left = b->f.n_left;
        w->feed(w, i, &tick);
        tell(w, i);
        towns_review(w, left);
}

static void fold(struct world *w, unsigned i, uint64_t into) {
        uint64_t id = w->boards[i].f.self.bramble;
        struct bramble *b = towns_bramble(w, id);

        sim_say(w->now, "%u folds bramble %" PRIu64 " into %" PRIu64, i, id, into);
        if (b->work && b->led && b->leader == i) {
                w->ok = sim_wrong(w->now, "bramble %" PRIu64 " folded with its work", id);
                return;
        }
        if (b->led && b->leader == i)
                for (unsigned j = 0; j < w->n; j++)
                        if (towns_connected(w, i, j))
                                send_view(w, EV_DISSOLVE, i, j, &w->boards[i].f.self, id);
        become_fresh(w, i, id);
}

static void ask_to_join(struct world *w, unsigned i, uint64_t node, uint64_t id) {
        unsigned target = (unsigned)(node - 100);

        sim_say(w->now, "%u asks %u of bramble %" PRIu64, i, target, id);
        for (unsigned j = 0; !towns_connected(w, i, target) && j < w->n; j++)
                for (uint32_t p = 0; p < w->boards[i].f.n_peers; p++)
                        if (w->boards[i].f.peers[p].node == node_of(j) &&
                            w->boards[i].f.peers[p].bramble == id)
                                target = j;
        if (towns_connected(w, i, target))
                send_view(w, EV_JOIN, i, target, &w->boards[i].f.self, id);
}

static void perform(struct world *w, unsigned i, const struct formation_action *a) {
        switch (a->type) {
        case FORMATION_ACTION_TELL:
                tell(w, i);
                break;
        case FORMATION_ACTION_FOUND:
                sim_say(w->now, "%u founds, seeing %u boards", i, w->boards[i].f.n_peers + 1);
                w->found_at = w->now;
                towns_plan(w, sim_between(&w->random, 20 * MSEC, 200 * MSEC), EV_FOUNDED, i, 0,
                           w->boards[i].life);
                break;
        case FORMATION_ACTION_JOIN:
                ask_to_join(w, i, a->node, a->bramble);
                break;
        case FORMATION_ACTION_FOLD:
                fold(w, i, a->bramble);
                break;
        case FORMATION_ACTION_CLASH:
                sim_say(w->now, "%u complains about bramble %" PRIu64, i, a->bramble);
                w->clashes++;
                break;
        }
}

static void feed(struct world *w, unsigned i, const struct formation_event *ev) {
        struct board *b = &w->boards[i];
        struct formation_actions actions;
        uint64_t life = b->life;
        usec_t due;

        formation_step(&b->f, w->now + b->skew, ev, &actions);
        for (uint32_t k = 0; k < actions.n && b->life == life; k++)
                perform(w, i, &actions.items[k]);
        if (b->f.deadline == USEC_NEVER)
                return;
        due = usec_sub(b->f.deadline, b->skew);
        due = due > w->now ? due : w->now;
        if (b->tick <= due)
                return;
        b->tick = due;
        towns_plan(w, due - w->now, EV_TICK, i, 0, b->life);
}

/* ---- what happens ---- */
static void boot(struct world *w, unsigned i) {
        struct board *b = &w->boards[i];
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };

        if (b->on)
                return;
        b->on = true;
        b->life++;
        w->last_boot = w->now;
        sim_say(w->now, "%u starts%s", i, b->disk_bramble ? " as a member" : "");
        start_formation(w, i);
        for (unsigned j = 0; j < w->n; j++)
                if (j != i && w->boards[j].on && !w->cut[i][j])
                        want_session(w, i, j);
        feed(w, i, &tick);
        towns_review(w, b->disk_bramble);
}

static void power_cut(struct world *w, unsigned i) {
        struct board *b = &w->boards[i];

        if (!b->on)
                return;
        sim_say(w->now, "%u loses power", i);
        b->on = false;
        b->life++;
        b->skew = 0;
        for (unsigned j = 0; j < w->n; j++) {
                if (j == i)
                        continue;
                break_session(w, i, j, false);
                towns_session(w, i, j)->open[i > j] = false;
        }
        towns_review(w, b->disk_bramble);
}

static void set_cut(struct world *w, unsigned a, unsigned b, bool cut) {
        if (a == b || w->cut[a][b] == cut)
                return;
        w->cut[a][b] = w->cut[b][a] = cut;
        if (cut)
                break_session(w, a, b, false);
        else if (w->boards[a].on && w->boards[b].on)
                want_session(w, a, b);
}

static void connect_boards(struct world *w, const struct sim_event *ev) {
        struct session *s = towns_session(w, ev->a, ev->b);

        if (ev->number != s->attempt || !w->boards[ev->a].on || !w->boards[ev->b].on ||
            w->cut[ev->a][ev->b])
                return;
        if (s->open[0] || s->open[1]) { /* one side has not noticed the end of the last one */
                want_session(w, ev->a, ev->b);
                return;
        }
        s->broken = false;
        s->number++;
        s->open[0] = s->open[1] = true;
        send_view(w, EV_HELLO, ev->a, ev->b, &w->boards[ev->a].f.self, 0);
        send_view(w, EV_HELLO, ev->b, ev->a, &w->boards[ev->b].f.self, 0);
        towns_review_all(w);
}

static void lose(struct world *w, const struct sim_event *ev) {
        const struct formation_event lost = { .type = FORMATION_EVENT_PEER_LOST,
                                              .node = node_of(ev->b) };
        struct session *s = towns_session(w, ev->a, ev->b);

        if (ev->number != s->number || !s->open[ev->a > ev->b])
                return;
        s->open[ev->a > ev->b] = false;
        if (w->boards[ev->a].on)
                feed(w, ev->a, &lost);
        if (!s->open[0] && !s->open[1] && w->boards[ev->a].on && w->boards[ev->b].on &&
            !w->cut[ev->a][ev->b])
                want_session(w, ev->a, ev->b);
        towns_review_all(w);
}

static void hear(struct world *w, const struct sim_event *ev) {
        struct formation_event peer = { .type = FORMATION_EVENT_PEER, .view = ev->view };

        feed(w, ev->a, &peer);
}

/* Somebody asks board a, which takes it in where it leads, or passes it on to who does. */
static void join(struct world *w, const struct sim_event *ev) {
        uint64_t id = ev->view.bramble;
        struct bramble *b = towns_bramble(w, id);
        unsigned target = ev->a;

        if (!towns_lives_in(w, ev->a, id))
                return;
        if (b->led && b->leader != target && towns_connected(w, target, b->leader))
                target = b->leader;
        if (!b->led || b->leader != target || !towns_majority(w, id, target)) {
                send_view(w, EV_JOINED, ev->a, ev->b, &ev->view, 0);
                return;
        }
        if (!b->member[ev->b])
                sim_say(w->now, "bramble %" PRIu64 " takes %u in", id, ev->b);
        b->member[ev->b] = true;
        send_view(w, EV_JOINED, ev->a, ev->b, &ev->view, id);
}

static void joined(struct world *w, const struct sim_event *ev) {
        struct formation_event answer = { .type = FORMATION_EVENT_REFUSED };
        struct board *b = &w->boards[ev->a];

        if (b->f.state == FORMATION_MEMBER || b->f.state == FORMATION_FOUNDING)
                return;
        if (ev->view.bramble) {
                b->disk_bramble = ev->view.bramble;
                answer = (struct formation_event){ .type = FORMATION_EVENT_FOUNDED,
                                                   .bramble = ev->view.bramble };
                sim_say(w->now, "%u is a member of %" PRIu64, ev->a, ev->view.bramble);
        }
        feed(w, ev->a, &answer);
        if (ev->view.bramble) {
                struct bramble *x = towns_bramble(w, ev->view.bramble);

                if (x->led)
                        towns_share_votes(w, ev->view.bramble);
                towns_review(w, ev->view.bramble);
        }
}

static void founded(struct world *w, unsigned i) {
        struct bramble *b = &w->brambles[w->n_brambles++];
        struct formation_event ev = { .type = FORMATION_EVENT_FOUNDED, .bramble = w->n_brambles };

        b->leader = i;
        b->led = b->member[i] = b->voter[i] = true;
        w->boards[i].disk_bramble = w->n_brambles;
        sim_say(w->now, "%u has founded bramble %u", i, w->n_brambles);
        /* the power may go after the disk has it and before anybody knows */
        if (!w->calm && !w->peace && sim_chance(&w->random, 10)) {
                w->boards[i].f.self.bramble = w->n_brambles;
                power_cut(w, i);
                return;
        }
        feed(w, i, &ev);
        towns_tell_members(w, w->n_brambles);
}

static void dissolve(struct world *w, const struct sim_event *ev) {
        if (towns_lives_in(w, ev->a, ev->view.bramble))
                become_fresh(w, ev->a, ev->view.bramble);
}

static void deploy(struct world *w, const struct sim_event *ev) {
        unsigned start = sim_below(&w->random, BRAMBLES);

        (void)ev;
        for (unsigned k = 0; k < w->n_brambles; k++) {
                uint64_t id = (start + k) % w->n_brambles + 1;
                struct bramble *b = towns_bramble(w, id);

                if (b->led && towns_majority(w, id, b->leader)) {
                        b->work = true;
                        sim_say(w->now, "bramble %" PRIu64 " has work", id);
                        towns_tell_members(w, id);
                        return;
                }
        }
}

static void peace(struct world *w, const struct sim_event *ev) {
        (void)ev;
        sim_say(w->now, "peace");
        w->peace = true;
        for (unsigned i = 0; i < w->n; i++) {
                boot(w, i);
                for (unsigned j = 0; j < i; j++)
                        set_cut(w, i, j, false);
        }
}

static void on_boot(struct world *w, const struct sim_event *ev) {
        boot(w, ev->a);
}

static void on_power_cut(struct world *w, const struct sim_event *ev) {
        if (!w->peace)
                power_cut(w, ev->a);
}

static void on_cut(struct world *w, const struct sim_event *ev) {
        if (!w->peace)
                set_cut(w, ev->a, ev->b, true);
}

static void on_heal(struct world *w, const struct sim_event *ev) {
        set_cut(w, ev->a, ev->b, false);
}

static void on_reset(struct world *w, const struct sim_event *ev) {
        break_session(w, ev->a, ev->b, true);
}

static void on_founded(struct world *w, const struct sim_event *ev) {
        if (w->boards[ev->a].life == ev->number)
                founded(w, ev->a);
}

static void on_tick(struct world *w, const struct sim_event *ev) {
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };
        struct board *b = &w->boards[ev->a];

        if (b->life != ev->number || !b->on || b->tick != w->now)
                return;
        b->tick = USEC_NEVER;
        feed(w, ev->a, &tick);
}

static void on_elect(struct world *w, const struct sim_event *ev) {
        towns_elect(w, ev->a);
}

static void on_jump(struct world *w, const struct sim_event *ev) {
        const struct formation_event tick = { .type = FORMATION_EVENT_TICK };

        sim_say(w->now, "the clock of %u jumps by %.1f s", ev->a,
                (double)ev->number / (double)USEC_PER_SEC);
        if (!w->boards[ev->a].on)
                return;
        w->boards[ev->a].skew += ev->number;
        feed(w, ev->a, &tick);
}

static void happen(struct world *w, const struct sim_event *ev) {
        static const struct {
                void (*handle)(struct world *w, const struct sim_event *ev);
                bool message; /* only over the session that it was sent on */
        } events[EV_END + 1] = {
                [EV_BOOT] = { on_boot, false },     [EV_POWER_CUT] = { on_power_cut, false },
                [EV_CUT] = { on_cut, false },       [EV_HEAL] = { on_heal, false },
                [EV_RESET] = { on_reset, false },   [EV_CONNECT] = { connect_boards, false },
                [EV_HELLO] = { hear, true },        [EV_VIEW] = { hear, true },
                [EV_LOST] = { lose, false },        [EV_JOIN] = { join, true },
                [EV_JOINED] = { joined, true },     [EV_FOUNDED] = { on_founded, false },
                [EV_DISSOLVE] = { dissolve, true }, [EV_TICK] = { on_tick, false },
                [EV_ELECT] = { on_elect, false },   [EV_WORK] = { deploy, false },
                [EV_JUMP] = { on_jump, false },     [EV_PEACE] = { peace, false },
        };

        if (events[ev->type].message) {
                struct session *s = towns_session(w, ev->a, ev->b);

                if (!w->boards[ev->a].on || s->number != ev->number || s->broken ||
                    !towns_connected(w, ev->a, ev->b))
                        return;
        }
        events[ev->type].handle(w, ev);
}

/* ---- what is planned, what must be ---- */
static void plan_partition(struct world *w, usec_t at, usec_t until) {
        unsigned side[BOARDS];

        for (unsigned i = 0; i < w->n; i++)
                side[i] = sim_below(&w->random, 2);
        for (unsigned i = 0; i < w->n; i++)
                for (unsigned j = 0; j < i; j++)
                        if (side[i] != side[j]) {
                                towns_plan(w, at, EV_CUT, i, j, 0);
                                towns_plan(w, until, EV_HEAL, i, j, 0);
                        }
}

static void plan_trouble(struct world *w) {
        unsigned troubles = sim_below(&w->random, 2 * w->n);

        for (unsigned k = 0; k < troubles; k++) {
                unsigned a = sim_below(&w->random, w->n), b = sim_below(&w->random, w->n);
                usec_t at = sim_between(&w->random, 0, CHAOS_USEC);
                usec_t until = sim_between(&w->random, at, CHAOS_USEC), jump;

                switch (sim_below(&w->random, 6)) {
                case 0:
                        plan_partition(w, at, until);
                        break;
                case 1:
                        towns_plan(w, at, EV_POWER_CUT, a, 0, 0);
                        towns_plan(w, until, EV_BOOT, a, 0, 0);
                        break;
                case 2:
                        if (a != b)
                                towns_plan(w, at, EV_RESET, a, b, 0);
                        break;
                case 3: /* a short jump passes unseen; the sum stays below the settle time */
                        if (sim_chance(&w->random, 30))
                                jump = sim_between(&w->random, 0, USEC_PER_SEC / 2);
                        else
                                jump = sim_between(&w->random, 4 * USEC_PER_SEC, USEC_PER_HOUR);
                        towns_plan(w, at, EV_JUMP, a, 0, jump);
                        break;
                default:
                        if (a != b) {
                                towns_plan(w, at, EV_CUT, a, b, 0);
                                towns_plan(w, until, EV_HEAL, a, b, 0);
                        }
                        break;
                }
        }
}

/* Two halves that start apart, found a bramble each, and perhaps both get work. */
static void plan_two_brambles(struct world *w) {
        w->config.settle_usec = 2 * USEC_PER_SEC;
        plan_partition(w, 0, sim_between(&w->random, 6 * USEC_PER_SEC, CHAOS_USEC));
        for (unsigned k = sim_below(&w->random, 4); k-- > 0;)
                towns_plan(w, sim_between(&w->random, 5 * USEC_PER_SEC, CHAOS_USEC), EV_WORK, 0, 0,
                           0);
}

static void set_up(struct world *w, uint64_t seed) {
        usec_t most;

        memset(w, 0, sizeof(*w));
        w->random.state = seed;
        w->feed = feed;
        w->ok = true;
        w->n = 1 + sim_below(&w->random, BOARDS);
        w->config.join_retry_usec = RETRY_USEC;
        w->calm = sim_chance(&w->random, 20);
        if (sim_chance(&w->random, 50)) {
                w->config.expect = w->n;
                w->config.settle_usec = 30 * USEC_PER_SEC;
        } else {
                w->config.settle_usec = sim_between(&w->random, 2, 8) * USEC_PER_SEC;
                if (!w->calm && sim_chance(&w->random, 60))
                        plan_two_brambles(w);
        }
        most = sim_chance(&w->random, 60) ? 100 * MSEC : 10 * USEC_PER_SEC;
        for (unsigned i = 0; i < w->n; i++)
                towns_plan(w, sim_between(&w->random, 0, most), EV_BOOT, i, 0, 0);
        if (!w->calm)
                plan_trouble(w);
        towns_plan(w, CHAOS_USEC, EV_PEACE, 0, 0, 0);
        towns_plan(w, CHAOS_USEC + HEALED_USEC, EV_END, 0, 0, 0);
}

static bool check(struct world *w) {
        unsigned alive = 0, with_work = 0;

        for (unsigned k = 0; k < w->n_brambles; k++) {
                bool lives = false;

                for (unsigned i = 0; i < w->n; i++)
                        lives |= w->boards[i].f.self.bramble == k + 1;
                alive += lives;
                with_work += lives && w->brambles[k].work;
                if (!lives && w->brambles[k].work)
                        return sim_wrong(w->now, "bramble %u and its work are lost", k + 1);
                if (lives && !w->brambles[k].led)
                        return sim_wrong(w->now, "bramble %u has no leader", k + 1);
        }
        for (unsigned i = 0; i < w->n; i++)
                if (w->boards[i].f.state != FORMATION_MEMBER)
                        return sim_wrong(w->now, "%u is no member: state %d", i,
                                         w->boards[i].f.state);
        if (w->config.expect && w->n_brambles != 1)
                return sim_wrong(w->now, "%u brambles were founded with expect = %u", w->n_brambles,
                                 w->config.expect);
        if (with_work > 1 && w->clashes < with_work)
                return sim_wrong(w->now, "%u brambles have work and nobody complains", with_work);
        if (alive != (with_work > 1 ? with_work : 1))
                return sim_wrong(w->now, "%u brambles, %u with work", alive, with_work);
        /* discovery takes at most 0.9 s here, a message 20 ms */
        if (w->calm && w->config.expect > 1 && w->found_at > w->last_boot + 1100 * MSEC)
                return sim_wrong(w->now, "founded %.3f s after the last start",
                                 (double)(w->found_at - w->last_boot) / (double)USEC_PER_SEC);
        return true;
}

static bool run(uint64_t seed) {
        static struct world w;
        struct sim_event ev;
        bool ok;

        set_up(&w, seed);
        sim_say(0, "%u boards, expect %u, %s", w.n, w.config.expect, w.calm ? "calm" : "trouble");
        while (w.ok && sim_next(&w.queue, &ev) && ev.type != EV_END) {
                w.now = ev.at;
                if (w.n_brambles == BRAMBLES)
                        w.ok = sim_wrong(w.now, "brambles without end");
                else
                        happen(&w, &ev);
        }
        w.now = ev.at;
        ok = w.ok && check(&w);
        sim_queue_done(&w.queue);
        return ok;
}

int main(void) {
        return sim_main("sim_formation", run);
}
