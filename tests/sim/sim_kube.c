/* The Kubernetes cluster of a bramble: core/kube_plan on each board and core/kube_cluster with a
 * real charter where the leader is, through power cuts, cut cables, new cards, agents that start
 * again, kubeadm that fails, and persons.  Who leads is told by an oracle. */
#include "base/str.h"
#include "core/charter.h"
#include "core/kube_cluster.h"
#include "shelf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CHAOS_USEC  (40 * USEC_PER_MIN)
#define HEALED_USEC (90 * USEC_PER_MIN)
/* daemon/coordinator_private.h: silence and settling, in whole ticks */
#define SILENT_USEC (4 * USEC_PER_SEC)
#define SETTLE_USEC (4 * USEC_PER_SEC)
/* From the leader's word to a control plane that does not serve any more. */
#define SMALL_USEC    (30 * USEC_PER_SEC)
#define SNAPSHOT_USEC (5 * USEC_PER_MIN)

enum { NOBODY = SHELF_BOARDS };

struct seen { /* the coordinator's memory of a board */
        bool up;
        usec_t since, heard;
        struct report_kube report;
};

struct bramble {
        struct shelf s;
        struct charter charter;
        usec_t lost_after, chaos, snapshot_at, healed_at, well_since;
        uint32_t wanted;
        unsigned leader; /* NOBODY */
        usec_t led_since, next_leader, quiet_since;
        bool healed, by_person;
        struct seen seen[SHELF_BOARDS];
        char note[SIZE_REASON];
        unsigned served; /* the cluster of the charter's epoch: its etcd */
        uint64_t ca;     /* its authority, as long as nobody takes the cluster off */
};

static bool one_is_up_of(const struct bramble *w, unsigned board) {
        return w->s.boards[board].on && !w->s.boards[board].cut;
}

/* ---- the coordinator ---- */

static void elect(struct bramble *w) {
        struct shelf *s = &w->s;
        unsigned up = 0, at;

        for (unsigned i = 0; i < s->n; i++)
                up += one_is_up_of(w, i);
        if (w->leader != NOBODY && up > s->n / 2 && one_is_up_of(w, w->leader) &&
            !(!w->healed && sim_below(&s->random, 300) == 0))
                return;
        if (w->leader != NOBODY) {
                w->leader = NOBODY;
                w->next_leader = s->now + sim_between(&s->random, 1, 3) * SHELF_TICK_USEC;
        }
        if (up <= s->n / 2 || s->now < w->next_leader)
                return;
        do
                at = sim_below(&s->random, s->n);
        while (!one_is_up_of(w, at));
        w->leader = at;
        w->led_since = s->now;
        w->note[0] = '\0';
        w->quiet_since = 0;
        memset(w->seen, 0, sizeof(w->seen));
        for (unsigned i = 0; i < s->n; i++)
                w->seen[i].since = s->now;
        sim_say(s->now, "%u leads", at);
}

static struct report_kube report_of(const struct bramble *w, unsigned i) {
        const struct pi *b = &w->s.boards[i];
        const struct kube_plan *p = &b->plan;
        struct report_kube r = { .phase = p->phase,
                                 .epoch = b->marked ? b->epoch : 0,
                                 .api = b->plane_files && shelf_api(&w->s, i),
                                 .snapshot = b->snapshot.id };

        r.foreign = p->phase == KUBE_FOREIGN && b->plane_files;
        r.capable = b->installed && p->phase != KUBE_OFF && p->phase != KUBE_ABSENT &&
                    p->phase != KUBE_UNABLE && p->phase != KUBE_FOREIGN && p->phase != KUBE_FENCED;
        (void)str_copy(r.version, sizeof(r.version), b->installed ? "v1.20.2" : "");
        (void)str_copy(r.text, sizeof(r.text), p->text);
        return r;
}

static void hear_reports(struct bramble *w) {
        struct shelf *s = &w->s;

        for (unsigned i = 0; i < s->n; i++) {
                struct seen *seen = &w->seen[i];

                if (w->leader != NOBODY && shelf_connected(s, w->leader, i)) {
                        seen->heard = s->now;
                        /* now and then before the agent has looked at itself */
                        if (s->boards[i].facts.name)
                                seen->report = report_of(w, i);
                        else
                                memset(&seen->report, 0, sizeof(seen->report));
                        if (!seen->up)
                                seen->since = s->now;
                        seen->up = true;
                } else if (seen->up && s->now - seen->heard > SILENT_USEC) {
                        seen->up = false;
                        seen->since = s->now;
                }
        }
}

static struct kube_cluster cluster_of(struct bramble *w, struct kube_board *boards) {
        for (unsigned i = 0; i < w->s.n; i++)
                boards[i] = (struct kube_board){
                        .node = shelf_node(i),
                        .name = charter_member(&w->charter, shelf_node(i))->name,
                        .up = w->seen[i].up,
                        .since = w->seen[i].since,
                        .strength = w->s.boards[i].strength,
                        .small = w->s.boards[i].small,
                        .report = &w->seen[i].report
                };
        return (struct kube_cluster){ .kube = &w->charter.kube,
                                      .master = w->charter.master,
                                      .boards = boards,
                                      .n_boards = w->s.n,
                                      .wanted_planes = w->wanted,
                                      .lost_after_usec = w->lost_after };
}

/* A control plane that answers in sight of the leader is not given up by itself. */
static void check_move(struct bramble *w, const struct kube_decision *d) {
        const struct charter_kube *k = &w->charter.kube;
        const struct shelf *s = &w->s;

        if (k->adopted)
                w->s.ok = sim_wrong(s->now, "a cluster that a person set up is moved");
        if (k->founded && !d->restore)
                w->s.ok = sim_wrong(s->now, "a cluster with objects is made anew");
        for (uint32_t i = 0; i < k->n_planes && k->founded && !w->by_person; i++) {
                unsigned at = (unsigned)(k->planes[i] - shelf_node(0));

                if (shelf_connected(s, w->leader, at) && shelf_api(s, at) && s->boards[at].marked &&
                    s->boards[at].epoch == k->epoch &&
                    s->etcds[s->boards[at].etcd].epoch == k->epoch)
                        w->s.ok = sim_wrong(s->now, "the control plane on %u answers, and is moved",
                                            at);
        }
}

static void submit(struct bramble *w, const struct kube_decision *d) {
        static const enum charter_op ops[] = { [KUBE_CHANGE_MOVE] = CHARTER_KUBE_MOVE,
                                               [KUBE_CHANGE_ADD] = CHARTER_KUBE_PLANE_ADD,
                                               [KUBE_CHANGE_REMOVE] = CHARTER_KUBE_PLANE_REMOVE };
        static const char *const words[] = { [KUBE_CHANGE_MOVE] = "moves to",
                                             [KUBE_CHANGE_ADD] = "is carried by",
                                             [KUBE_CHANGE_REMOVE] = "is not carried by" };
        const struct charter_command cmd = { .op = ops[d->change],
                                             .node = d->node,
                                             .kube_epoch = w->charter.kube.epoch,
                                             .kube_restore = d->restore,
                                             .kube_key = { 1 } };
        int r;

        if (d->change == KUBE_CHANGE_MOVE)
                check_move(w, d);
        r = charter_apply(&w->charter, &cmd);
        sim_say(w->s.now, "coordinator: the control plane %s %u%s, epoch %u (%s)", words[d->change],
                (unsigned)(d->node - shelf_node(0)), d->restore ? " from a snapshot" : "",
                w->charter.kube.epoch, d->note);
        if (r < 0)
                w->s.ok = sim_wrong(w->s.now, "the charter refuses it: %d", r);
}

static void coordinate(struct bramble *w) {
        struct kube_board boards[SHELF_BOARDS];
        struct kube_cluster c;
        struct kube_decision d;

        if (w->leader == NOBODY || w->s.now - w->led_since < SETTLE_USEC)
                return;
        c = cluster_of(w, boards);
        if (kube_cluster_answers(&c))
                w->quiet_since = 0;
        else if (!w->quiet_since)
                w->quiet_since = w->s.now;
        c.quiet_since = w->quiet_since;
        d = kube_cluster_step(&c, w->s.now);
        if (!str_eq(w->note, d.note)) {
                sim_say(w->s.now, "coordinator: %s", d.note);
                (void)str_copy(w->note, sizeof(w->note), d.note);
        }
        if (d.change != KUBE_CHANGE_NONE)
                submit(w, &d);
}

/* The picture goes to every board in reach. */
static void tell(struct bramble *w) {
        const struct charter_kube *k = &w->charter.kube;
        struct world_kube picture = { .epoch = k->epoch,
                                      .off = k->off,
                                      .founded = k->founded,
                                      .restore = k->restore,
                                      .adopted = k->adopted,
                                      .made = k->made,
                                      .n_planes = k->n_planes };

        memcpy(picture.planes, k->planes, sizeof(picture.planes));
        memcpy(picture.version, k->version, sizeof(picture.version));
        memcpy(picture.ca_hash, k->ca_hash, sizeof(picture.ca_hash));
        (void)str_copy(picture.note, sizeof(picture.note), w->note);
        for (unsigned i = 0; i < w->s.n; i++) {
                struct pi *b = &w->s.boards[i];
                bool up = false;

                if (w->leader == NOBODY || w->s.now - w->led_since < SETTLE_USEC ||
                    !shelf_connected(&w->s, w->leader, i)) {
                        b->back = 0;
                        continue;
                }
                for (uint32_t p = 0; p < k->n_planes; p++) {
                        unsigned at = (unsigned)(k->planes[p] - shelf_node(0));

                        up |= at != i && w->seen[at].up && w->seen[at].report.api;
                }
                b->pictured |= !b->told || b->plane_up != up ||
                               memcmp(&b->picture, &picture, sizeof(picture)) != 0;
                if (b->told && b->picture.epoch != picture.epoch)
                        memset(b->ended, 0, sizeof(b->ended));
                b->told = true;
                b->heard = w->s.now;
                b->picture = picture;
                b->plane_up = up || k->adopted;
                if (b->back == 0)
                        b->back = w->s.now;
        }
}

/* ---- a board ---- */

static bool submit_founded(struct bramble *w, unsigned i, bool adopted) {
        struct pi *b = &w->s.boards[i];
        struct charter_command cmd = { .op = CHARTER_KUBE_FOUNDED,
                                       .kube_epoch = b->job.epoch,
                                       .kube_adopted = adopted,
                                       .version = "v1.20.2" };
        const struct charter_kube *k = &w->charter.kube;

        if (w->leader == NOBODY || !shelf_connected(&w->s, w->leader, i) || k->n_planes == 0 ||
            k->planes[0] != shelf_node(i))
                return false;
        (void)shelf_ca_hash(cmd.digest, b->ca);
        if (charter_apply(&w->charter, &cmd) < 0)
                return false;
        w->served = b->etcd;
        sim_say(w->s.now, "%u: founded%s, epoch %u, objects of %.0f s ago", i,
                adopted ? " (adopted)" : "", k->epoch,
                (double)(w->s.now - w->s.etcds[b->etcd].written) / 1e6);
        if (w->ca && w->ca != b->ca)
                w->s.ok = sim_wrong(w->s.now, "%u founds another cluster", i);
        w->ca = b->ca;
        return true;
}

static void work(struct bramble *w, unsigned i) {
        struct pi *b = &w->s.boards[i];
        enum kube_action action = b->job.action;
        const char *why;

        if (action == KUBE_DO_NOTHING || !shelf_work(&w->s, i, &why))
                return;
        if (!why[0] && (action == KUBE_DO_TELL || action == KUBE_DO_ADOPT) &&
            !submit_founded(w, i, action == KUBE_DO_ADOPT))
                why = "nobody leads";
        sim_say(w->s.now, "%u: %s%s%s", i, kube_action_text(action), why[0] ? " failed: " : " done",
                why);
        b->job.action = KUBE_DO_NOTHING;
        b->busy = w->s.now;
        if (b->job.epoch == b->picture.epoch)
                b->ended[action] = w->s.now;
        kube_plan_done(&b->plan, why, w->s.now);
        b->pictured = true;
}

/* Steps where something is new, or the plan asked for it: a deadline that is missing shows. */
static void step(struct bramble *w, unsigned i) {
        struct pi *b = &w->s.boards[i];
        struct kube_facts now, compared;
        enum kube_phase phase = b->plan.phase;
        enum kube_action action;

        shelf_facts(&w->s, i, w->lost_after, &now);
        compared = now;
        compared.silent_usec = now.silent_usec > 0;
        if (!b->pictured && b->plan.deadline > w->s.now &&
            memcmp(&compared, &b->facts, sizeof(compared)) == 0)
                return;
        b->pictured = false;
        b->facts = compared;
        action = kube_plan_step(&b->plan, &now, w->s.now);
        if (b->plan.phase != phase)
                sim_say(w->s.now, "%u: %s%s%s", i, kube_phase_text(b->plan.phase),
                        b->plan.text[0] ? ": " : "", b->plan.text);
        if (action == KUBE_DO_NOTHING)
                return;
        sim_say(w->s.now, "%u: %s begins", i, kube_action_text(action));
        if (b->ended[action] && w->s.now - b->ended[action] < KUBE_PLAN_RETRY_FIRST_USEC)
                w->s.ok = sim_wrong(w->s.now, "%u: %s again without a pause", i,
                                    kube_action_text(action));
        shelf_begin(&w->s, i, action);
}

/* ---- the cluster's life ---- */

/* What answers is written to.  The first control plane takes members out of etcd that the charter
 * does not know, and ships a snapshot now and then. */
static void live(struct bramble *w) {
        struct shelf *s = &w->s;
        const struct charter_kube *k = &w->charter.kube;
        bool due = s->now >= w->snapshot_at;
        uint32_t planes = 0;

        for (uint32_t i = 0; i < k->n_planes; i++)
                planes |= 1u << (k->planes[i] - shelf_node(0));
        for (unsigned i = 0; i < s->n; i++) {
                struct pi *b = &s->boards[i];
                struct etcd *e = &s->etcds[b->etcd];
                unsigned copies = 0;

                shelf_register(s, i);
                if (!b->plane_files || !shelf_api(s, i))
                        continue;
                e->written = s->now;
                if (b->by_hand || !b->done || !b->told || b->picture.epoch != b->epoch ||
                    b->epoch != k->epoch || w->leader == NOBODY ||
                    !shelf_connected(s, i, w->leader) || !k->founded)
                        continue;
                for (unsigned j = 0; j < s->n; j++)
                        if (!(planes & 1u << j))
                                (void)shelf_remove_member(s, b->etcd, j);
                if (!due)
                        continue;
                due = false;
                w->snapshot_at = s->now + SNAPSHOT_USEC;
                b->snapshot = (struct etcd_snapshot){ .id = (uint64_t)e->epoch << 32 | ++e->number,
                                                      .ca = e->ca,
                                                      .written = e->written,
                                                      .nodes = e->nodes };
                for (unsigned j = 0, at = sim_below(&s->random, s->n); j < s->n && copies < 2;
                     j++, at = (at + 1) % s->n)
                        if (at != i && shelf_connected(s, i, at)) {
                                s->boards[at].snapshot = b->snapshot;
                                copies++;
                        }
        }
}

/* ---- what must always be so ---- */

static void check(struct bramble *w) {
        struct shelf *s = &w->s;
        const struct charter_kube *k = &w->charter.kube;

        for (unsigned i = 0; i < s->n; i++) {
                const struct pi *b = &s->boards[i];
                const struct etcd *e = &s->etcds[b->etcd];
                usec_t told = b->back > b->busy ? b->back : b->busy;

                if (b->by_hand || !b->plane_files || !shelf_api(s, i))
                        continue;
                if (b->job.action != KUBE_DO_NOTHING || (b->busy && s->now - b->busy < SMALL_USEC))
                        continue;
                if (w->lost_after && s->now - b->heard > w->lost_after)
                        s->ok = sim_wrong(s->now, "%u serves, alone for %.0f s", i,
                                          (double)(s->now - b->heard) / 1e6);
                if (b->back && b->picture.epoch > e->epoch && b->picture.n_planes > 0 &&
                    b->picture.planes[0] != shelf_node(i) && k->epoch == b->picture.epoch &&
                    s->now - told > SMALL_USEC)
                        s->ok = sim_wrong(s->now, "%u serves epoch %u, and knows of %u", i,
                                          e->epoch, k->epoch);
                for (unsigned j = 0; j < i; j++)
                        if (shelf_connected(s, i, j) && s->boards[j].etcd != b->etcd &&
                            s->boards[j].plane_files && !s->boards[j].by_hand && shelf_api(s, j) &&
                            s->etcds[s->boards[j].etcd].epoch == e->epoch)
                                s->ok = sim_wrong(s->now,
                                                  "%u and %u serve two clusters of epoch %u", i, j,
                                                  e->epoch);
        }
}

static bool well(const struct bramble *w) {
        const struct charter_kube *k = &w->charter.kube;
        unsigned able = 0, carry = 0, here = 0;

        if (!k->founded)
                return false;
        for (unsigned i = 0; i < w->s.n; i++) {
                const struct pi *b = &w->s.boards[i];
                bool fits = b->installed && b->runs && !b->switched_off && !b->by_hand;

                if (!fits)
                        continue;
                able += !b->small;
                here++;
                /* whoever made the cluster lets boards in, too */
                if (k->adopted && !b->marked && b->plan.phase == KUBE_WAITING)
                        continue;
                if (b->plan.phase != KUBE_READY || b->epoch != k->epoch)
                        return false;
                if (charter_kube_carries(k, shelf_node(i))) {
                        carry++;
                        if (!shelf_api(&w->s, i))
                                return false;
                }
                if (b->role == KUBE_ROLE_PLANE &&
                    (b->etcd != w->served || !charter_kube_carries(k, shelf_node(i))))
                        return false;
        }
        if (k->adopted)
                return true;
        return carry == k->n_planes && (w->wanted == 1 || able < 3 ? carry >= 1 : carry == 3);
}

/* ---- trouble ---- */

static void promote(struct bramble *w, unsigned i) {
        struct kube_board boards[SHELF_BOARDS];
        struct kube_cluster c;
        struct kube_decision d;

        if (w->leader == NOBODY || w->s.now - w->led_since < SETTLE_USEC)
                return;
        c = cluster_of(w, boards);
        d = kube_cluster_promote(&c, shelf_node(i));
        sim_say(w->s.now, "a person promotes %u: %s", i,
                d.change == KUBE_CHANGE_NONE ? d.note : "");
        if (d.change == KUBE_CHANGE_NONE)
                return;
        w->by_person = true;
        submit(w, &d);
        w->by_person = false;
}

/* agentctl reset --all --rejoin, or without the latter. */
static void off(struct bramble *w, bool is_off) {
        const struct charter_command cmd = { .op = CHARTER_KUBE_OFF,
                                             .kube_epoch = w->charter.kube.epoch,
                                             .kube_off = is_off };

        if (w->leader == NOBODY || w->charter.kube.adopted)
                return;
        sim_say(w->s.now, "a person takes the cluster %s", is_off ? "off" : "on again");
        (void)charter_apply(&w->charter, &cmd);
        w->ca = 0;
}

static void befall(struct bramble *w, unsigned i) {
        struct shelf *s = &w->s;
        struct pi *b = &s->boards[i];

        switch (sim_below(&s->random, 16)) {
        case 0:
        case 1:
        case 2:
                if (b->on) {
                        sim_say(s->now, "%u: the power goes", i);
                        shelf_power_off(s, i);
                }
                break;
        case 3:
        case 4:
        case 5:
                b->cut = !b->cut;
                sim_say(s->now, "%u: the cable is %s", i, b->cut ? "cut" : "whole again");
                break;
        case 6:
                if (b->by_hand || sim_chance(&s->random, 50))
                        break;
                sim_say(s->now, "%u: gets a new card", i);
                shelf_flash(s, i);
                shelf_start_agent(s, i);
                break;
        case 7:
        case 8:
                if (b->on) {
                        sim_say(s->now, "%u: the agent starts again", i);
                        shelf_start_agent(s, i);
                }
                break;
        case 9:
                sim_say(s->now, "%u: its node is deleted", i);
                if (w->served)
                        s->etcds[w->served].nodes &= ~(1u << i);
                break;
        case 10:
                promote(w, i);
                break;
        case 11:
                if (b->marked) {
                        sim_say(s->now, "%u: certificates end", i);
                        b->certs_over = b->role == KUBE_ROLE_PLANE;
                        b->kubelet_cert_over = true;
                }
                break;
        case 12:
                b->wrong_clock = !b->wrong_clock;
                sim_say(s->now, "%u: its clock is %s", i, b->wrong_clock ? "wrong" : "right");
                break;
        case 13:
                if (b->kubelet && !b->by_hand) {
                        sim_say(s->now, "%u: the kubelet hangs", i);
                        b->hung = true;
                }
                break;
        case 14:
                if (b->kubelet && !b->by_hand) {
                        sim_say(s->now, "%u: the kubelet dies", i);
                        b->kubelet = b->hung = false;
                }
                break;
        default:
                if (sim_chance(&s->random, 70)) /* but not where all would end */
                        b->switched_off = !b->switched_off && !b->by_hand &&
                                          w->charter.kube.planes[0] != shelf_node(i);
                else if (sim_chance(&s->random, 30))
                        off(w, !w->charter.kube.off);
                break;
        }
}

static void trouble(struct bramble *w) {
        struct shelf *s = &w->s;

        for (unsigned i = 0; i < s->n; i++)
                if (!s->boards[i].on && sim_below(&s->random, 60) == 0) {
                        sim_say(s->now, "%u: power", i);
                        shelf_start_agent(s, i);
                }
        if (sim_below(&s->random, 40) == 0)
                befall(w, sim_below(&s->random, s->n));
}

static void heal(struct bramble *w) {
        sim_say(w->s.now, "all is healed");
        w->healed = true;
        w->healed_at = w->s.now;
        w->s.fails_percent = 0;
        for (unsigned i = 0; i < w->s.n; i++) {
                struct pi *b = &w->s.boards[i];

                b->cut = b->wrong_clock = b->switched_off = false;
                if (!b->on)
                        shelf_start_agent(&w->s, i);
        }
}

/* A person does what the coordinator says. */
static void help(struct bramble *w) {
        bool hopeless = w->s.now - w->healed_at > 30 * USEC_PER_MIN && w->lost_after == 0;

        if (strstr(w->note, "is gone: agentctl promote") ||
            (hopeless && strstr(w->note, "if it never does")))
                promote(w, sim_below(&w->s.random, w->s.n));
        if (w->charter.kube.off)
                off(w, false);
        else if (strstr(w->note, "agentctl reset --all"))
                off(w, true);
}

/* ---- a seed ---- */

static void add_member(struct bramble *w, unsigned i) {
        struct charter_command cmd = { .op = i ? CHARTER_MEMBER_ADD : CHARTER_FOUND,
                                       .bramble = 7,
                                       .cluster = "home",
                                       .user = "admin",
                                       .password = "secret",
                                       .board = { .node = shelf_node(i) } };

        if (charter_apply(&w->charter, &cmd) < 0)
                w->s.ok = sim_wrong(0, "no charter");
}

static void set_up(struct bramble *w, uint64_t seed) {
        struct shelf *s = &w->s;

        memset(w, 0, sizeof(*w));
        s->random.state = seed;
        s->ok = true;
        s->now = USEC_PER_HOUR;
        s->n = 3 + sim_below(&s->random, SHELF_BOARDS - 2);
        s->fails_percent = sim_chance(&s->random, 50) ? 20 : 0;
        w->leader = NOBODY;
        w->wanted = sim_chance(&s->random, 50) ? 3 : 1;
        w->lost_after =
                sim_chance(&s->random, 90) ? sim_between(&s->random, 1, 6) * USEC_PER_MIN : 0;
        w->chaos = sim_chance(&s->random, 90) ? CHAOS_USEC : 0;
        for (unsigned i = 0; i < s->n; i++) {
                struct pi *b = &s->boards[i];

                b->strength = sim_below(&s->random, 4);
                b->installed = i == 1 || sim_chance(&s->random, 95);
                b->runs = i == 1 || sim_chance(&s->random, 95);
                b->small = i != 1 && sim_chance(&s->random, 15);
                add_member(w, i);
        }
        if (sim_chance(&s->random, 8))
                shelf_by_hand(s, sim_below(&s->random, s->n));
        for (unsigned i = 0; i < s->n; i++)
                shelf_start_agent(s, i);
}

static void tick(struct bramble *w) {
        struct shelf *s = &w->s;

        if (!w->healed)
                trouble(w);
        else
                help(w);
        elect(w);
        hear_reports(w);
        coordinate(w);
        tell(w);
        for (unsigned i = 0; i < s->n; i++) {
                if (!s->boards[i].on)
                        continue;
                work(w, i);
                if (s->boards[i].job.action == KUBE_DO_NOTHING)
                        step(w, i);
        }
        live(w);
        check(w);
}

static bool run(uint64_t seed) {
        static struct bramble w;
        usec_t start, last;

        set_up(&w, seed);
        start = w.s.now;
        sim_say(w.s.now, "%u boards, %u control planes, lost after %.0f s", w.s.n, w.wanted,
                (double)w.lost_after / 1e6);
        for (last = start + w.chaos + HEALED_USEC; w.s.ok && w.s.now < last;
             w.s.now += SHELF_TICK_USEC) {
                if (!w.healed && w.s.now >= start + w.chaos)
                        heal(&w);
                tick(&w);
                if (!w.healed || !well(&w))
                        w.well_since = 0;
                else if (!w.well_since)
                        w.well_since = w.s.now;
                else if (w.s.now - w.well_since > 2 * USEC_PER_MIN)
                        break;
        }
        if (w.s.ok && w.s.now >= last)
                w.s.ok = sim_wrong(w.s.now, "it does not become well: %s", w.note);
        charter_done(&w.charter);
        return w.s.ok;
}

int main(void) {
        return sim_main("sim_kube", run);
}
