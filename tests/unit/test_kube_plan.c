#include "core/kube_plan.h"

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define NOW    (1000 * USEC_PER_SEC)
#define SECOND USEC_PER_SEC

static struct world_kube k;
static struct kube_facts f;
static struct kube_plan p;

/* A board of three with a clean card, in a bramble whose control plane is on board 1. */
static void clean(void) {
        k = (struct world_kube){
                .epoch = 1, .founded = true, .n_planes = 1, .planes = { 1 }, .version = "v1.20.2"
        };
        f = (struct kube_facts){ .enabled = true,
                                 .lost_after_usec = 10 * USEC_PER_MIN,
                                 .self = 2,
                                 .bramble = 7,
                                 .name = "w1",
                                 .told = true,
                                 .n_members = 3,
                                 .kube = &k,
                                 .plane_up = true,
                                 .installed = true,
                                 .board_runs = true,
                                 .version_fits = true,
                                 .version = "v1.20.2",
                                 .containerd = true,
                                 .same_ca = true,
                                 .marker_name = "",
                                 .cert_days = INT32_MAX,
                                 .kubelet_cert_days = INT32_MAX,
                                 .clock_ok = true,
                                 .blocked = "" };
        kube_plan_init(&p);
}

/* It has joined and all is well. */
static void worker(void) {
        clean();
        f.marked = f.done = f.files = f.kubelet_active = true;
        f.marker_bramble = 7;
        f.marker_epoch = 1;
        f.marker_role = KUBE_ROLE_WORKER;
        f.marker_name = "w1";
        f.kubelet_cert_days = 200;
        f.kubelet = KUBE_HEALTH_GOOD;
        f.node = KUBE_NODE_READY;
}

static void empty_master(void) {
        clean();
        f.self = 1;
        f.name = "m1";
        f.plane_up = false;
        k.founded = false;
        k.version[0] = '\0';
}

static void master(void) {
        worker();
        f.self = 1;
        f.name = f.marker_name = "m1";
        f.plane_up = false;
        f.marker_role = KUBE_ROLE_PLANE;
        f.plane_files = true;
        f.cert_days = 300;
        f.api = KUBE_HEALTH_GOOD;
}

static void three(void) {
        k.n_planes = 3;
        k.planes[1] = 2;
        k.planes[2] = 3;
}

static void by_hand(void) {
        clean();
        f.self = 1;
        f.files = f.plane_files = f.kubelet_active = true;
        f.kubelet = KUBE_HEALTH_GOOD;
        f.api = KUBE_HEALTH_GOOD;
        k.founded = false;
}

struct want {
        enum kube_action action;
        enum kube_phase phase;
        const char *text;
};

static void expect(int line, struct want want) {
        enum kube_action action = kube_plan_step(&p, &f, NOW);

        if (action == want.action && p.phase == want.phase && str_eq(p.text, want.text))
                return;
        fail_msg("line %d: %s, %s, '%s'", line, kube_action_text(action), kube_phase_text(p.phase),
                 p.text);
}

/* From 'base' with 'changes' comes an action, a phase, and a text. */
#define CASE(base, changes, ...)                                \
        do {                                                    \
                base();                                         \
                changes;                                        \
                expect(__LINE__, (struct want){ __VA_ARGS__ }); \
        } while (0)

#define NOTHING KUBE_DO_NOTHING
#define RESET   KUBE_DO_RESET, KUBE_RESETTING

static void nothing_is_set_up(void **state) {
        (void)state;
        CASE(clean, (void)0, KUBE_DO_JOIN, KUBE_JOINING, "");
        CASE(clean, f.enabled = false, NOTHING, KUBE_OFF, "switched off in the config");
        CASE(clean, f.installed = false, NOTHING, KUBE_ABSENT,
             "functions only: kubeadm and kubelet are not installed");
        CASE(clean, (f.board_runs = false, f.version = "v1.27.1"), NOTHING, KUBE_UNABLE,
             "functions only: this board cannot run v1.27.1");
        CASE(clean, (f.version_fits = false, f.version = "v1.30.0"), NOTHING, KUBE_UNABLE,
             "functions only: v1.30.0 does not fit the cluster's v1.20.2");
        CASE(clean, f.switched_off = true, NOTHING, KUBE_OFF,
             "taken off; agentctl reset --rejoin brings it back");
        CASE(clean, (k.off = true, k.n_planes = 0), NOTHING, KUBE_OFF,
             "taken off; agentctl reset --all --rejoin brings it back");
        CASE(clean, f.version = "", NOTHING, KUBE_WAITING,
             "waiting for kubeadm and kubelet to say their versions");
        CASE(clean, f.told = false, NOTHING, KUBE_WAITING, "waiting for a bramble");
        CASE(clean, f.bramble = 0, NOTHING, KUBE_WAITING, "waiting for a bramble");
        CASE(clean, k.n_planes = 0, NOTHING, KUBE_WAITING, "waiting for the coordinator");
        CASE(clean, (k.n_planes = 0, (void)strcpy(k.note, "waiting for the master, m1")), NOTHING,
             KUBE_WAITING, "waiting for the master, m1");
        CASE(clean, k.founded = false, NOTHING, KUBE_WAITING, "waiting for the control plane");
        CASE(clean, f.name = "", NOTHING, KUBE_WAITING, "waiting for a name");
        CASE(clean, f.plane_up = false, NOTHING, KUBE_WAITING,
             "waiting for the control plane to come back");
        CASE(clean, f.containerd = false, NOTHING, KUBE_WAITING, "waiting for containerd");
        CASE(clean, f.clock_ok = false, NOTHING, KUBE_WAITING,
             "waiting for clock: it is wrong, and certificates need it");
        CASE(clean, f.blocked = "swap is on", NOTHING, KUBE_WAITING,
             "swap is on (agentctl doctor)");
        CASE(clean, three(), KUBE_DO_JOIN_PLANE, KUBE_JOINING, "");
        CASE(clean, (three(), f.silent_usec = 11 * SECOND), NOTHING, KUBE_WAITING,
             "waiting for a leader within reach");
}

static void makes_the_control_plane(void **state) {
        (void)state;
        CASE(empty_master, (void)0, KUBE_DO_INIT, KUBE_INITIALISING, "");
        CASE(empty_master, k.restore = true, KUBE_DO_REBUILD, KUBE_INITIALISING, "");
        CASE(empty_master, f.clock_ok = false, NOTHING, KUBE_WAITING,
             "waiting for clock: it is wrong, and certificates need it");
        CASE(empty_master, f.blocked = "no cgroup for memory", NOTHING, KUBE_WAITING,
             "no cgroup for memory (agentctl doctor)");
        CASE(empty_master, f.name = "", NOTHING, KUBE_WAITING, "waiting for a name");
        CASE(empty_master, f.silent_usec = 11 * SECOND, NOTHING, KUBE_WAITING,
             "waiting for a leader within reach");
        /* its card was flashed: only the coordinator may decide to make it anew */
        CASE(empty_master, k.founded = true, NOTHING, KUBE_WAITING,
             "this board carried the control plane and is empty now: waiting for the bramble to "
             "decide");
        CASE(empty_master, k.founded = k.restore = true, NOTHING, KUBE_WAITING,
             "this board carried the control plane and is empty now: waiting for the bramble to "
             "decide");
        /* the other two let it in again: a second cluster of the same epoch it must not make */
        CASE(empty_master, (three(), k.founded = k.restore = f.plane_up = true), KUBE_DO_JOIN_PLANE,
             KUBE_JOINING, "");
        /* half-done: the same again */
        CASE(master, f.done = k.founded = false, KUBE_DO_INIT, KUBE_INITIALISING, "");
        CASE(master, (f.done = k.founded = false, k.restore = true), KUBE_DO_REBUILD,
             KUBE_INITIALISING, "");
        CASE(master, f.done = false, RESET, "what is left of its control plane");
        CASE(worker, f.done = false, KUBE_DO_JOIN, KUBE_JOINING, "");
        CASE(worker, (f.done = false, f.plane_up = false), NOTHING, KUBE_WAITING,
             "waiting for the control plane to come back");
        /* half-done among others: etcd may need this board to answer at all */
        CASE(worker,
             (three(), f.done = f.plane_up = f.kubelet_active = false, f.plane_files = true,
              f.marker_role = KUBE_ROLE_PLANE),
             KUBE_DO_START_KUBELET, KUBE_STARTING, "");
        CASE(master, k.founded = false, KUBE_DO_TELL, KUBE_STARTING, "");
}

static void what_a_person_set_up(void **state) {
        (void)state;
        CASE(by_hand, (void)0, KUBE_DO_ADOPT, KUBE_FOREIGN, "");
        CASE(by_hand, f.enabled = false, NOTHING, KUBE_OFF,
             "switched off in the config; what runs is left alone");
        CASE(by_hand, f.api = KUBE_HEALTH_BAD, NOTHING, KUBE_FOREIGN, "set up by hand: left alone");
        CASE(by_hand, k.founded = k.adopted = true, NOTHING, KUBE_FOREIGN,
             "set up by hand: left alone");
        CASE(by_hand, k.restore = true, NOTHING, KUBE_FOREIGN, "set up by hand: left alone");
        CASE(by_hand, f.plane_files = false, NOTHING, KUBE_FOREIGN, "set up by hand: left alone");
        CASE(by_hand, f.self = 2, NOTHING, KUBE_FOREIGN, "set up by hand: left alone");
        CASE(by_hand, (k.off = true, k.n_planes = 0), NOTHING, KUBE_FOREIGN,
             "set up by hand: left alone");
        CASE(by_hand, f.switched_off = true, KUBE_DO_ADOPT, KUBE_FOREIGN, "");
        CASE(by_hand, (k.epoch = 9, k.planes[0] = 3), NOTHING, KUBE_FOREIGN,
             "set up by hand: left alone");
        CASE(by_hand, f.told = false, NOTHING, KUBE_FOREIGN, "set up by hand: left alone");
        /* that it fails does not make it ours: the phase is what the coordinator goes by */
        by_hand();
        assert_int_equal(kube_plan_step(&p, &f, NOW), KUBE_DO_ADOPT);
        kube_plan_done(&p, "nobody leads", NOW);
        expect(__LINE__, (struct want){ NOTHING, KUBE_FOREIGN,
                                        "adopting failed: nobody leads, retry in 10 s" });
}

static void lives_on(void **state) {
        (void)state;
        CASE(worker, (void)0, NOTHING, KUBE_READY, "");
        CASE(master, (void)0, NOTHING, KUBE_READY, "");
        CASE(worker, f.kubelet_active = false, KUBE_DO_START_KUBELET, KUBE_STARTING, "");
        CASE(master, f.kubelet_active = false, KUBE_DO_START_KUBELET, KUBE_STARTING, "");
        CASE(worker, f.node = KUBE_NODE_NOT_READY, NOTHING, KUBE_STARTING,
             "the node is not Ready yet");
        CASE(worker, f.node = KUBE_NODE_UNKNOWN, NOTHING, KUBE_STARTING,
             "the API server is out of reach");
        CASE(worker, f.node = KUBE_NODE_ABSENT, NOTHING, KUBE_STARTING,
             "the cluster does not know this node");
        CASE(worker, f.kubelet = KUBE_HEALTH_BAD, NOTHING, KUBE_STARTING,
             "the kubelet does not answer");
        CASE(master, f.api = KUBE_HEALTH_BAD, NOTHING, KUBE_STARTING,
             "waiting for this board's API server");
        CASE(master, f.api = KUBE_HEALTH_STRANGER, NOTHING, KUBE_STARTING,
             "a stranger answers on port 6443 of this board");
        /* before the bramble's word: a worker starts, a control plane does not */
        CASE(worker, f.told = false, NOTHING, KUBE_STARTING, "waiting for the bramble");
        CASE(worker, f.told = f.kubelet_active = false, KUBE_DO_START_KUBELET, KUBE_STARTING, "");
        CASE(master, f.told = false, NOTHING, KUBE_STARTING, "waiting for the bramble");
        CASE(master, f.told = f.kubelet_active = false, NOTHING, KUBE_WAITING,
             "waiting for the bramble's word that the control plane has not moved");
        CASE(master, (f.bramble = 0, f.kubelet_active = false), NOTHING, KUBE_WAITING,
             "waiting for the bramble's word that the control plane has not moved");
        CASE(worker, f.version_fits = false, NOTHING, KUBE_READY, "");
        CASE(worker, f.enabled = false, NOTHING, KUBE_OFF,
             "switched off in the config; what runs is left alone");
}

static void goes_away(void **state) {
        (void)state;
        CASE(worker, f.marker_bramble = 6, RESET, "this board has changed its bramble");
        CASE(worker, (k.off = true, k.n_planes = 0), RESET, "taken off");
        CASE(master, (k.off = true, k.n_planes = 0), RESET, "taken off");
        CASE(worker, f.switched_off = true, RESET, "taken off");
        CASE(worker, (f.switched_off = true, f.told = false), RESET, "taken off");
        CASE(worker, f.name = "w9", RESET, "the board has another name now");
        CASE(worker, f.name = "", NOTHING, KUBE_READY, "");
        CASE(master, f.name = "w9", NOTHING, KUBE_READY, "");
        CASE(worker, f.files = false, RESET, "its files are gone");
        CASE(worker, three(), RESET, "to carry the control plane too");
        CASE(master, k.planes[0] = 3, RESET, "it no longer carries the control plane");
        CASE(worker, f.marker_epoch = 2, NOTHING, KUBE_FAILED,
             "this board is of a newer cluster than the bramble: left alone (agentctl reset)");
}

static void epochs(void **state) {
        (void)state;
        /* a worker follows */
        CASE(worker, k.epoch = 2, KUBE_DO_FOLLOW, KUBE_STARTING, "");
        CASE(worker, (k.epoch = 2, k.founded = false), NOTHING, KUBE_STARTING,
             "the control plane is being rebuilt");
        CASE(worker, (k.epoch = 2, f.same_ca = false), RESET, "the control plane has moved");
        CASE(worker, (k.epoch = 2, f.done = false), RESET, "the control plane has moved");
        /* an old master: first it stops, then it goes */
        CASE(master, (k.epoch = 2, k.planes[0] = 3), KUBE_DO_STOP_KUBELET, KUBE_FENCED, "");
        kube_plan_done(&p, "", NOW);
        f.kubelet_active = false;
        expect(__LINE__, (struct want){ RESET, "the control plane has moved" });
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.done = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        kube_plan_done(&p, "systemd does not answer", NOW);
        expect(__LINE__, (struct want){ RESET, "the control plane has moved" });
        /* neither the config nor a missing program keeps an old master alive */
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.enabled = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.installed = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.version = ""), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.board_runs = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        CASE(master, (k.epoch = 2, k.planes[0] = 3, f.enabled = f.kubelet_active = false), NOTHING,
             KUBE_OFF, "switched off in the config; what runs is left alone");
        /* rebuilt where it was */
        CASE(master, (k.epoch = 2, k.restore = true, k.founded = false), KUBE_DO_REBUILD,
             KUBE_INITIALISING, "");
}

static void certificates(void **state) {
        (void)state;
        CASE(master, f.cert_days = 29, KUBE_DO_RENEW, KUBE_REPAIRING, "");
        CASE(master, f.cert_days = -1, KUBE_DO_RENEW, KUBE_REPAIRING, "");
        CASE(master, f.kubelet_cert_days = -1, KUBE_DO_RENEW, KUBE_REPAIRING, "");
        CASE(master, (f.cert_days = -400, f.clock_ok = false), NOTHING, KUBE_READY, "");
        CASE(worker, f.kubelet_cert_days = 10, NOTHING, KUBE_READY, ""); /* renews itself */
        CASE(worker, f.kubelet_cert_days = -1, RESET, "its certificate is over");
        CASE(worker, (f.kubelet_cert_days = -1, f.plane_up = false), NOTHING, KUBE_READY, "");
        CASE(worker, (f.kubelet_cert_days = -1, f.clock_ok = false), NOTHING, KUBE_READY, "");
        /* one that fails is tried again, and hides nothing before the end */
        CASE(master, f.cert_days = 29, KUBE_DO_RENEW, KUBE_REPAIRING, "");
        kube_plan_done(&p, "disk full", NOW);
        expect(__LINE__, (struct want){ NOTHING, KUBE_READY, "" });
        assert_int_equal(p.deadline, NOW + 10 * SECOND);
        f.cert_days = -1;
        expect(__LINE__, (struct want){ NOTHING, KUBE_FAILED,
                                        "renewing certificates failed: disk full, retry in 10 s" });
}

static void fences(void **state) {
        (void)state;
        CASE(master, f.silent_usec = 569 * SECOND, NOTHING, KUBE_READY, "");
        assert_int_equal(p.deadline, NOW + SECOND + 1);
        CASE(master, f.silent_usec = 570 * SECOND + 1, KUBE_DO_STOP_KUBELET, KUBE_FENCED, "");
        kube_plan_done(&p, "", NOW);
        f.kubelet_active = false;
        expect(__LINE__, (struct want){ NOTHING, KUBE_FENCED,
                                        "stopped: nobody leads within reach, and the others may "
                                        "have moved the control plane" });
        /* somebody else started it */
        f.kubelet_active = true;
        assert_int_equal(kube_plan_step(&p, &f, NOW + 10 * SECOND), KUBE_DO_STOP_KUBELET);
        kube_plan_done(&p, "", NOW + 10 * SECOND);
        /* contact, and it has not moved */
        f.kubelet_active = false;
        f.silent_usec = 0;
        assert_int_equal(kube_plan_step(&p, &f, NOW + 11 * SECOND), KUBE_DO_START_KUBELET);
        /* a stop that fails is done again */
        CASE(master, f.silent_usec = 571 * SECOND, KUBE_DO_STOP_KUBELET, KUBE_FENCED, "");
        kube_plan_done(&p, "systemd does not answer", NOW);
        expect(__LINE__,
               (struct want){ NOTHING, KUBE_FAILED,
                              "stopping failed: systemd does not answer, retry in 10 s" });
        assert_int_equal(kube_plan_step(&p, &f, NOW + 10 * SECOND), KUBE_DO_STOP_KUBELET);
        /* half-done, untold, switched off in the config: it serves all the same */
        CASE(master, (f.silent_usec = 571 * SECOND, f.done = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        CASE(master, (f.silent_usec = 571 * SECOND, f.told = false, f.n_members = 0),
             KUBE_DO_STOP_KUBELET, KUBE_FENCED, "");
        CASE(master, (f.silent_usec = 571 * SECOND, f.enabled = false), KUBE_DO_STOP_KUBELET,
             KUBE_FENCED, "");
        /* not a worker, not the only board, not where nothing moves by itself */
        CASE(worker, f.silent_usec = USEC_PER_HOUR, NOTHING, KUBE_READY, "");
        CASE(master, (f.silent_usec = USEC_PER_HOUR, f.n_members = 1), NOTHING, KUBE_READY, "");
        CASE(master, (f.silent_usec = USEC_PER_HOUR, f.lost_after_usec = 0), NOTHING, KUBE_READY,
             "");
        /* a short limit leaves half of it */
        CASE(master, (f.lost_after_usec = 20 * SECOND, f.silent_usec = 10 * SECOND), NOTHING,
             KUBE_READY, "");
        CASE(master, (f.lost_after_usec = 20 * SECOND, f.silent_usec = 10 * SECOND + 1),
             KUBE_DO_STOP_KUBELET, KUBE_FENCED, "");
}

static void back_off(void **state) {
        static const unsigned pauses[] = { 10, 20, 40, 80, 160, 300, 300, 300 };
        usec_t now = NOW;

        (void)state;
        clean();
        for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
                assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_JOIN);
                kube_plan_progress(&p, "kubeadm join");
                assert_string_equal(p.text, "kubeadm join");
                now += 20 * USEC_PER_MIN;                                       /* a slow one */
                assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING); /* it runs */
                assert_int_equal(p.deadline, USEC_NEVER);
                kube_plan_done(&p, "Mem", now);
                assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING);
                assert_int_equal(p.phase, KUBE_FAILED);
                assert_int_equal(p.deadline, now + pauses[i] * SECOND);
                now += pauses[i] * SECOND;
                assert_int_equal(kube_plan_step(&p, &f, now - 1), KUBE_DO_NOTHING);
        }
        /* the cluster has moved: what failed before says nothing */
        k.epoch++;
        assert_int_equal(kube_plan_step(&p, &f, now - 1), KUBE_DO_JOIN);
        kube_plan_done(&p, "Mem", now);
        assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING);
        assert_int_equal(p.deadline, now + 10 * SECOND);
        /* after a long time it counts anew */
        now += USEC_PER_HOUR;
        assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_JOIN);
        kube_plan_done(&p, "Mem", now);
        assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING);
        assert_int_equal(p.deadline, now + 10 * SECOND);
}

/* Two that fail in turn do not make each other forget; what says that it went well and changes
 * nothing is no loop either. */
static void no_loop(void **state) {
        (void)state;
        CASE(worker, f.name = "w9", RESET, "the board has another name now");
        kube_plan_done(&p, "disk full", NOW);
        f.name = "w1";
        f.kubelet_active = false;
        assert_int_equal(kube_plan_step(&p, &f, NOW), KUBE_DO_START_KUBELET);
        kube_plan_done(&p, "no unit", NOW);
        f.name = "w9";
        expect(__LINE__, (struct want){ NOTHING, KUBE_FAILED, "reset failed, retry in 10 s" });

        CASE(worker, f.kubelet_active = false, KUBE_DO_START_KUBELET, KUBE_STARTING, "");
        kube_plan_done(&p, "", NOW);
        expect(__LINE__, (struct want){ NOTHING, KUBE_STARTING, "starting the kubelet" });
        assert_int_equal(p.deadline, NOW + 10 * SECOND);
        assert_int_equal(kube_plan_step(&p, &f, NOW + 10 * SECOND), KUBE_DO_START_KUBELET);
        kube_plan_done(&p, "", NOW + 10 * SECOND);
        assert_int_equal(kube_plan_step(&p, &f, NOW + 29 * SECOND), KUBE_DO_NOTHING);
        assert_int_equal(p.deadline, NOW + 30 * SECOND);

        CASE(master, k.founded = false, KUBE_DO_TELL, KUBE_STARTING, "");
        kube_plan_done(&p, "", NOW); /* the picture is not new yet */
        expect(__LINE__, (struct want){ NOTHING, KUBE_STARTING, "telling the bramble" });
        k.founded = true;
        expect(__LINE__, (struct want){ NOTHING, KUBE_READY, "" });
        kube_plan_done(&p, "", NOW); /* nothing runs: nothing happens */
        assert_int_equal(p.running, KUBE_DO_NOTHING);
}

/* Steps at each deadline until something is to be done; the seconds that this takes. */
static unsigned until(usec_t *now, enum kube_action want) {
        usec_t start = *now;
        enum kube_action action;

        while ((action = kube_plan_step(&p, &f, *now)) == KUBE_DO_NOTHING) {
                assert_true(p.deadline > *now && p.deadline != USEC_NEVER);
                *now = p.deadline;
        }
        assert_int_equal(action, want);
        kube_plan_done(&p, "", *now);
        return (unsigned)((*now - start) / SECOND);
}

static void patience(void **state) {
        usec_t now = NOW;

        (void)state;
        worker();
        f.kubelet = KUBE_HEALTH_BAD;
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 60);
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 120);
        for (unsigned i = 0; i < 20; i++)
                (void)until(&now, KUBE_DO_RESTART_KUBELET);
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 300);
        f.kubelet = KUBE_HEALTH_GOOD;
        assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING);
        assert_int_equal(p.phase, KUBE_READY);
        f.kubelet = KUBE_HEALTH_BAD;
        now += USEC_PER_HOUR;
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 60);

        master();
        f.api = KUBE_HEALTH_BAD;
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 240);
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 480);

        /* a Node that was deleted by hand: the kubelet makes it again, else the board joins anew */
        worker();
        f.node = KUBE_NODE_ABSENT;
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 20);
        assert_int_equal(until(&now, KUBE_DO_RESTART_KUBELET), 40);
        assert_int_equal(until(&now, KUBE_DO_RESET), 60);
        master();
        f.node = KUBE_NODE_ABSENT;
        for (unsigned i = 0; i < 5; i++)
                (void)until(&now, KUBE_DO_RESTART_KUBELET); /* never away by itself */
        /* a moment's trouble is none */
        worker();
        f.node = KUBE_NODE_ABSENT;
        assert_int_equal(kube_plan_step(&p, &f, now), KUBE_DO_NOTHING);
        f.node = KUBE_NODE_READY;
        assert_int_equal(kube_plan_step(&p, &f, now + 19 * SECOND), KUBE_DO_NOTHING);
        f.node = KUBE_NODE_ABSENT;
        assert_int_equal(kube_plan_step(&p, &f, now + 21 * SECOND), KUBE_DO_NOTHING);
        assert_int_equal(p.deadline, now + 41 * SECOND);
}

static void texts(void **state) {
        (void)state;
        for (int a = 0; a < KUBE_ACTION_MAX; a++)
                assert_true(strlen(kube_action_text((enum kube_action)a)) > 3);
        assert_string_equal(kube_action_text(KUBE_ACTION_MAX), "?");
        clean();
        assert_int_equal(kube_plan_step(&p, &f, NOW), KUBE_DO_JOIN);
        kube_plan_done(&p,
                       "0123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789cut012345678901234567890123456789012345678901234567890123456"
                       "789012345678901234567890123456789",
                       NOW);
        expect(__LINE__, (struct want){ NOTHING, KUBE_FAILED,
                                        "join failed: 0123456789012345678901234567890123456789"
                                        "0123456789012345678901234567890123456789, "
                                        "retry in 10 s" });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_set_up),
                cmocka_unit_test(makes_the_control_plane),
                cmocka_unit_test(what_a_person_set_up),
                cmocka_unit_test(lives_on),
                cmocka_unit_test(goes_away),
                cmocka_unit_test(epochs),
                cmocka_unit_test(certificates),
                cmocka_unit_test(fences),
                cmocka_unit_test(back_off),
                cmocka_unit_test(no_loop),
                cmocka_unit_test(patience),
                cmocka_unit_test(texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
