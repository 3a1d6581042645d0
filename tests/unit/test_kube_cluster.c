#include "core/kube_cluster.h"

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define NOW        (10000 * USEC_PER_SEC)
#define AGO(secs)  (NOW - (secs)*USEC_PER_SEC)
#define SNAP(e, n) ((uint64_t)(e) << 32 | (n))

enum { BOARDS = 4 };

static struct charter_kube k;
static struct report_kube reports[BOARDS];
static struct kube_board boards[BOARDS];
static struct kube_cluster c;

/* m1 (1), w1 (2), w2 (3), w3 (4): all on for long, w2 the strongest; there is no cluster yet. */
static void fresh(void) {
        static const char *const names[BOARDS] = { "m1", "w1", "w2", "w3" };

        k = (struct charter_kube){ 0 };
        for (unsigned i = 0; i < BOARDS; i++) {
                reports[i] = (struct report_kube){ .phase = KUBE_WAITING,
                                                   .version = "v1.20.2",
                                                   .capable = true };
                boards[i] = (struct kube_board){ .node = i + 1,
                                                 .name = names[i],
                                                 .up = true,
                                                 .since = AGO(5000),
                                                 .strength = i == 2 ? 9 : 5,
                                                 .report = &reports[i] };
        }
        c = (struct kube_cluster){ .kube = &k,
                                   .master = 1,
                                   .boards = boards,
                                   .n_boards = BOARDS,
                                   .wanted_planes = 1,
                                   .lost_after_usec = 10 * USEC_PER_MIN };
}

/* The control plane is on m1, the others have joined; w1 and w2 keep snapshots. */
static void one(void) {
        fresh();
        k = (struct charter_kube){ .epoch = 1,
                                   .made = 1,
                                   .founded = true,
                                   .n_planes = 1,
                                   .planes = { 1 },
                                   .version = "v1.20.2" };
        for (unsigned i = 0; i < BOARDS; i++) {
                reports[i].phase = KUBE_READY;
                reports[i].epoch = 1;
        }
        reports[0].api = true;
        reports[0].snapshot = SNAP(1, 9);
        reports[1].snapshot = SNAP(1, 9);
        reports[2].snapshot = SNAP(1, 8);
}

/* On m1, w1 and w2. */
static void three(void) {
        one();
        c.wanted_planes = k.n_planes = 3;
        k.planes[1] = 2;
        k.planes[2] = 3;
        reports[1].api = reports[2].api = true;
}

/* Told to w1, which has not made it yet. */
static void promised(void) {
        fresh();
        k = (struct charter_kube){ .epoch = 1, .made = 1, .n_planes = 1, .planes = { 2 } };
        c.master = 2;
}

static void off(unsigned board, unsigned secs) {
        boards[board].up = false;
        boards[board].since = AGO(secs);
        c.quiet_since = kube_cluster_answers(&c) ? 0 : AGO(secs);
}

/* On again, with an empty card, so long ago. */
static void empty(unsigned board, unsigned secs) {
        reports[board] = (struct report_kube){ .phase = KUBE_WAITING,
                                               .version = "v1.20.2",
                                               .capable = true };
        boards[board].since = AGO(secs);
        c.quiet_since = kube_cluster_answers(&c) ? 0 : AGO(secs);
}

struct want {
        unsigned seconds; /* until the deadline; 0: it is never */
        enum kube_change change;
        uint64_t node;
        bool restore;
        const char *note; /* its beginning */
};

static void compare(int line, const struct kube_decision *d, const struct want *want) {
        usec_t deadline = want->seconds ? NOW + want->seconds * USEC_PER_SEC : USEC_NEVER;

        if (d->change == want->change && d->node == want->node && d->restore == want->restore &&
            str_starts(d->note, want->note) && !d->note[0] == !want->note[0] &&
            d->deadline == deadline)
                return;
        fail_msg("line %d: change %d to %d, restore %d, '%s', in %d s", line, d->change,
                 (int)d->node, d->restore, d->note,
                 d->deadline == USEC_NEVER ? -1 : (int)((d->deadline - NOW) / USEC_PER_SEC));
}

#define CASE(base, changes, ...) CASE_UNTIL(0, base, changes, __VA_ARGS__)
#define CASE_UNTIL(seconds, base, changes, ...)                    \
        do {                                                       \
                const struct want want = { seconds, __VA_ARGS__ }; \
                struct kube_decision d;                            \
                                                                   \
                base();                                            \
                changes;                                           \
                d = kube_cluster_step(&c, NOW);                    \
                compare(__LINE__, &d, &want);                      \
        } while (0)

#define PROMOTE(base, node_, changes, ...)                   \
        do {                                                 \
                const struct want want = { 0, __VA_ARGS__ }; \
                struct kube_decision d;                      \
                                                             \
                base();                                      \
                changes;                                     \
                d = kube_cluster_promote(&c, node_);         \
                compare(__LINE__, &d, &want);                \
        } while (0)

#define NONE KUBE_CHANGE_NONE, 0, false
#define MOVE KUBE_CHANGE_MOVE

static void founds(void **state) {
        (void)state;
        CASE(fresh, (void)0, MOVE, 1, false, "");
        CASE(fresh, k.off = true, NONE, "");
        /* the master cannot: it is given a while, then the strongest does */
        CASE(fresh, reports[0].capable = false, MOVE, 3, false,
             "the master cannot carry the control plane, w2 does");
        CASE_UNTIL(15, fresh, (reports[0].capable = false, boards[0].since = AGO(5)), NONE,
                   "waiting for the master, m1");
        CASE(fresh, boards[0].small = true, MOVE, 3, false, "the master cannot carry");
        CASE(fresh, off(0, 21), MOVE, 3, false, "the master cannot carry");
        CASE(fresh, (boards[0].small = boards[2].small = true), MOVE, 2, false,
             "the master cannot carry the control plane, w1 does"); /* ties: the lower id */
        CASE(fresh,
             reports[0].capable = reports[1].capable = reports[2].capable = reports[3].capable =
                     false,
             NONE, "");
        /* what a person set up is taken as it is, wherever */
        CASE(fresh, (reports[3].foreign = true, reports[3].capable = false), MOVE, 4, false,
             "w3 has a cluster that was set up by hand");
        CASE(fresh, (reports[3].foreign = true, off(3, 5)), MOVE, 1, false, "");
}

static void is_being_made(void **state) {
        (void)state;
        CASE(promised, (void)0, NONE, "");
        CASE_UNTIL(540, promised, off(1, 60), NONE,
                   "w1 is off: after 10 min without it the control plane moves");
        CASE(promised, off(1, 600), MOVE, 3, false, "");
        CASE(promised, (c.lost_after_usec = 0, off(1, 9000)), NONE,
             "w1 is off: bring it back, or agentctl promote BOARD");
        CASE(promised,
             (off(1, 600), reports[0].capable = reports[2].capable = reports[3].capable = false),
             NONE, "w1 was to carry the control plane and is off: no other board can");
        CASE(promised, (reports[1].foreign = true, reports[1].capable = false), NONE,
             "w1 has a cluster that was set up by hand: waiting for its API server");
        /* rebuilt: from a snapshot again, but not there */
        CASE(promised, (k.restore = true, k.epoch = 2, reports[3].snapshot = SNAP(1, 4)), NONE, "");
        CASE(promised,
             (k.restore = true, k.epoch = 2, reports[3].snapshot = SNAP(1, 4), off(1, 600)), MOVE,
             4, true, "the control plane is lost: w3 rebuilds it");
        CASE(promised, (k.restore = true, k.epoch = 2), NONE,
             "the control plane is lost and no board that is up keeps a snapshot");
        CASE(promised, (k.restore = true, k.epoch = 2, off(1, 600)), NONE,
             "the control plane is lost and no board that is up keeps a snapshot");
}

static void one_is_lost(void **state) {
        (void)state;
        CASE(one, (void)0, NONE, "");
        CASE_UNTIL(1, one, off(0, 599), NONE,
                   "m1 is off: after 10 min without it the control plane moves");
        CASE(one, off(0, 600), MOVE, 2, true,
             "the control plane is lost: w1 rebuilds it from the newest snapshot");
        CASE(one, (c.lost_after_usec = 0, off(0, 90000)), NONE,
             "m1 is off: bring it back, or agentctl promote BOARD");
        /* who keeps the newest is not fit: the strongest fetches it */
        CASE(one, (boards[1].small = true, off(0, 600)), MOVE, 3, true,
             "the control plane is lost");
        CASE(one, ((void)strcpy(reports[1].version, "v1.19.0"), off(0, 600)), MOVE, 3, true,
             "the control plane is lost: w2");
        /* a version that fits is worth more than strength */
        CASE(one,
             (boards[1].small = true, (void)strcpy(reports[2].version, "v1.19.0"), off(0, 600)),
             MOVE, 4, true, "the control plane is lost: w3");
        CASE(one, (reports[1].snapshot = reports[2].snapshot = 0, off(0, 600)), NONE,
             "the control plane is lost and no board that is up keeps a snapshot");
        CASE(one,
             (off(0, 600), reports[1].capable = reports[2].capable = reports[3].capable = false),
             NONE, "the control plane is lost and no board that is up could carry it");
        /* it runs and does not answer: nobody knows better than a person */
        CASE(one, (reports[0].api = false, c.quiet_since = AGO(9000)), NONE,
             "the control plane does not answer");
        /* a new leader counts from its own beginning */
        CASE_UNTIL(597, one, off(0, 3), NONE, "m1 is off");
        CASE(one, (k.adopted = true, off(0, 9000)), NONE, "");
        CASE(one, (k.off = true, off(0, 9000)), NONE, "");
}

static void one_is_empty(void **state) {
        (void)state;
        CASE(one, empty(0, 30), MOVE, 2, true, "the control plane is lost: w1");
        CASE_UNTIL(15, one, empty(0, 5), NONE, "the control plane does not answer");
        CASE(one, (c.lost_after_usec = 0, empty(0, 30)), NONE,
             "m1 is on, but its control plane is gone: agentctl promote BOARD");
        CASE(one,
             (c.lost_after_usec = 0, empty(0, 30), reports[1].snapshot = reports[2].snapshot = 0),
             NONE, "the control plane is lost and no board that is up keeps a snapshot");
        /* only it could carry one, and does so again */
        CASE(one, (empty(0, 30), boards[1].small = boards[2].small = boards[3].small = true), MOVE,
             1, true, "the control plane is lost: m1");
        /* an agent that has just started has not looked at itself */
        CASE(one, reports[0] = (struct report_kube){ 0 }, NONE,
             "the control plane does not answer");
        CASE(one, (reports[0] = (struct report_kube){ 0 }, reports[0].phase = KUBE_ABSENT), NONE,
             "the control plane does not answer");
        /* its marker cannot be read: what runs there looks like a person's */
        CASE(one, (empty(0, 30), reports[0].foreign = true, reports[0].capable = false), NONE,
             "the control plane does not answer");
        CASE(one, (empty(0, 30), reports[0].api = true), NONE, "the control plane does not answer");
}

static void becomes_three(void **state) {
        (void)state;
        CASE(one, c.wanted_planes = 3, KUBE_CHANGE_ADD, 3, false,
             "w2 carries the control plane too");
        CASE(one, (c.wanted_planes = 3, boards[2].small = true), KUBE_CHANGE_ADD, 2, false,
             "w1 carries");
        CASE(one, (c.wanted_planes = 3, reports[2].phase = KUBE_FAILED), KUBE_CHANGE_ADD, 2, false,
             "w1 carries");
        CASE(one, (c.wanted_planes = 3, (void)strcpy(reports[2].version, "v1.19.8")),
             KUBE_CHANGE_ADD, 2, false, "w1 carries"); /* kubeadm refuses another version */
        CASE(one, (c.wanted_planes = 3, reports[2].epoch = 0), KUBE_CHANGE_ADD, 2, false,
             "w1 carries");
        /* two fail more often than one */
        CASE(one, (c.wanted_planes = 3, boards[2].small = boards[3].small = true), NONE, "");
        CASE(one, (c.wanted_planes = 3, reports[0].api = false), NONE,
             "the control plane does not answer");
        /* one at a time */
        CASE(three, (k.n_planes = 2, k.planes[2] = 0, reports[2].api = false), KUBE_CHANGE_ADD, 3,
             false, "w2 carries");
        CASE(three, (k.n_planes = 2, k.planes[2] = 0, reports[1].api = reports[2].api = false),
             NONE, "");
        CASE(three, (void)0, NONE, "");
        CASE(three, c.wanted_planes = 1, NONE, "");
        /* the second one is being reset to join anew: that is no loss */
        CASE(three, (k.n_planes = 2, k.planes[2] = 0, empty(1, 5000)), NONE, "");
        CASE_UNTIL(570, three,
                   (k.n_planes = 2, k.planes[2] = 0, empty(1, 5000), reports[0].api = false,
                    c.quiet_since = AGO(30)),
                   NONE, "the control plane does not answer");
}

static void of_three_are_lost(void **state) {
        (void)state;
        CASE_UNTIL(300, three, off(2, 300), NONE, "w2 is off");
        CASE(three, off(2, 600), KUBE_CHANGE_REMOVE, 3, false,
             "w2 is lost: it no longer carries the control plane");
        CASE(three, off(0, 600), KUBE_CHANGE_REMOVE, 1, false, "m1 is lost");
        /* it went silent after this look had begun: that is no long time */
        CASE_UNTIL(601, three, (off(2, 0), boards[2].since = NOW + USEC_PER_SEC), NONE,
                   "w2 is off");
        CASE(three, (c.lost_after_usec = 0, off(0, 600)), NONE, "m1 is off: bring it back");
        /* an empty card joins again by itself; what a person took off does not */
        CASE(three, empty(2, 300), NONE, "");
        CASE(three, (empty(2, 300), reports[2].phase = KUBE_OFF, reports[2].capable = false),
             KUBE_CHANGE_REMOVE, 3, false, "w2 is lost");
        /* a majority and all */
        CASE_UNTIL(200, three,
                   (off(1, 400), off(2, 700), reports[0].api = false, c.quiet_since = AGO(700)),
                   NONE, "w1 is off");
        CASE(three, (off(1, 600), off(2, 700), reports[0].api = false, c.quiet_since = AGO(600)),
             MOVE, 1, true, "the control plane is lost: m1");
        CASE(three, (off(0, 600), off(1, 600), off(2, 600), reports[3].snapshot = SNAP(1, 3)), MOVE,
             4, true, "the control plane is lost: w3");
        CASE(three, (off(0, 600), off(1, 600), off(2, 600)), NONE,
             "the control plane is lost and no board that is up keeps a snapshot");
        CASE(three, (c.lost_after_usec = 0, off(0, 600), off(1, 600), off(2, 600)), NONE,
             "w2 is off: bring it back");
        /* most are on and one is gone, but none answers: etcd's members are not those of the
         * charter */
        CASE_UNTIL(
                1, three,
                (empty(2, 5000), reports[0].api = reports[1].api = false, c.quiet_since = AGO(599)),
                NONE, "the control plane does not answer");
        CASE(three,
             (empty(2, 5000), reports[0].api = reports[1].api = false, c.quiet_since = AGO(600)),
             MOVE, 1, true, "the control plane is lost: m1");
        /* all are on and slow */
        CASE(three,
             (reports[0].api = reports[1].api = reports[2].api = false, c.quiet_since = AGO(9000)),
             NONE, "the control plane does not answer");
        /* whoever answers has the quorum */
        CASE(three, (empty(1, 5000), empty(2, 5000)), NONE, "");
}

static void holders(void **state) {
        uint64_t snapshot = 1;

        (void)state;
        one();
        reports[0].snapshot = 0;
        assert_int_equal(kube_cluster_holder(&c, &snapshot), 2);
        assert_int_equal(snapshot, SNAP(1, 9));
        boards[1].up = false;
        assert_int_equal(kube_cluster_holder(&c, NULL), 3);
        reports[3].snapshot = SNAP(2, 1); /* a later life of it */
        assert_int_equal(kube_cluster_holder(&c, NULL), 4);
        reports[3].snapshot = SNAP(1, 8); /* the same: the one that is fit */
        boards[2].small = true;
        assert_int_equal(kube_cluster_holder(&c, NULL), 4);
        k.epoch = k.made = 5; /* those are of another cluster */
        assert_int_equal(kube_cluster_holder(&c, &snapshot), 0);
        assert_int_equal(snapshot, 0);
}

static void promotes(void **state) {
        (void)state;
        PROMOTE(one, 3, (void)0, MOVE, 3, true, "");
        PROMOTE(one, 3, off(0, 5), MOVE, 3, true, "");
        PROMOTE(one, 1, reports[0].api = false, MOVE, 1, true, "");
        PROMOTE(one, 3, c.lost_after_usec = 0, MOVE, 3, true, "");
        PROMOTE(one, 1, (void)0, NONE, "m1 carries the control plane already");
        PROMOTE(one, 3, k.adopted = true, NONE, "a person set this cluster up");
        PROMOTE(one, 3, k.off = true, NONE, "this bramble has no Kubernetes cluster yet");
        PROMOTE(fresh, 3, (void)0, NONE, "this bramble has no Kubernetes cluster yet");
        PROMOTE(one, 3, off(2, 5), NONE, "that board is not up");
        PROMOTE(one, 9, (void)0, NONE, "that board is not up");
        PROMOTE(one, 3, boards[2].small = true, NONE, "w2 has too little memory");
        PROMOTE(one, 3,
                (reports[2].capable = false, (void)strcpy(reports[2].text, "functions only")), NONE,
                "w2 cannot carry a control plane: functions only");
        PROMOTE(one, 3, (reports[2].capable = false, reports[2].phase = KUBE_ABSENT), NONE,
                "w2 cannot carry a control plane: not installed");
        PROMOTE(one, 3, (reports[0].snapshot = reports[1].snapshot = reports[2].snapshot = 0), NONE,
                "no board keeps a snapshot");
        /* where there never was one nothing is lost */
        PROMOTE(promised, 3, (void)0, MOVE, 3, false, "");
        PROMOTE(promised, 3, k.restore = true, NONE, "no board keeps a snapshot");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(founds),        cmocka_unit_test(is_being_made),
                cmocka_unit_test(one_is_lost),   cmocka_unit_test(one_is_empty),
                cmocka_unit_test(becomes_three), cmocka_unit_test(of_three_are_lost),
                cmocka_unit_test(holders),       cmocka_unit_test(promotes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
