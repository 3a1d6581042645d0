#include "core/kube_plan.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATIENCE_MOST = 4 };

void kube_plan_init(struct kube_plan *p) {
        *p = (struct kube_plan){ .phase = KUBE_WAITING, .deadline = USEC_NEVER };
}

const char *kube_action_text(enum kube_action action) {
        static const char *const texts[KUBE_ACTION_MAX] = {
                [KUBE_DO_NOTHING] = "nothing",
                [KUBE_DO_ADOPT] = "adopting",
                [KUBE_DO_INIT] = "init",
                [KUBE_DO_REBUILD] = "rebuilding",
                [KUBE_DO_TELL] = "telling the bramble",
                [KUBE_DO_JOIN] = "join",
                [KUBE_DO_JOIN_PLANE] = "join as control plane",
                [KUBE_DO_FOLLOW] = "following the control plane",
                [KUBE_DO_RESET] = "reset",
                [KUBE_DO_START_KUBELET] = "starting the kubelet",
                [KUBE_DO_RESTART_KUBELET] = "restarting the kubelet",
                [KUBE_DO_STOP_KUBELET] = "stopping",
                [KUBE_DO_RENEW] = "renewing certificates",
        };

        return (unsigned)action < KUBE_ACTION_MAX ? texts[action] : "?";
}

/* The phase in which an action is seen. */
static enum kube_phase phase_of(enum kube_action action) {
        switch (action) {
        case KUBE_DO_INIT:
        case KUBE_DO_REBUILD:
                return KUBE_INITIALISING;
        case KUBE_DO_JOIN:
        case KUBE_DO_JOIN_PLANE:
                return KUBE_JOINING;
        case KUBE_DO_RESET:
                return KUBE_RESETTING;
        case KUBE_DO_RESTART_KUBELET:
        case KUBE_DO_RENEW:
                return KUBE_REPAIRING;
        case KUBE_DO_STOP_KUBELET:
                return KUBE_FENCED;
        case KUBE_DO_ADOPT:
                return KUBE_FOREIGN;
        case KUBE_DO_TELL:
        case KUBE_DO_FOLLOW:
        case KUBE_DO_START_KUBELET:
                return KUBE_STARTING;
        case KUBE_DO_NOTHING:
        case KUBE_ACTION_MAX:
                break;
        }
        return KUBE_WAITING;
}

__attribute__((format(printf, 3, 4))) static enum kube_action
stay(struct kube_plan *p, enum kube_phase phase, const char *format, ...) {
        va_list args;

        p->phase = phase;
        va_start(args, format);
        (void)vsnprintf(p->text, sizeof(p->text), format, args);
        va_end(args);
        return KUBE_DO_NOTHING;
}

static void wake(struct kube_plan *p, usec_t when) {
        if (when < p->deadline)
                p->deadline = when;
}

static bool rests(const struct kube_plan *p, enum kube_action action, usec_t now) {
        return p->tries[action].retry > now;
}

/* Why it is not done again yet.  A cluster that a person set up stays that, whatever fails. */
static enum kube_action rest(struct kube_plan *p, enum kube_action action, usec_t now) {
        const struct kube_try *t = &p->tries[action];
        usec_t left = t->retry - now;
        bool why = p->failed == action && p->reason[0];
        char text[16];

        wake(p, t->retry);
        if (!t->failed)
                return stay(p, phase_of(action), "%s", kube_action_text(action));
        return stay(p, action == KUBE_DO_ADOPT ? KUBE_FOREIGN : KUBE_FAILED,
                    "%s failed%s%.80s, retry in %s", kube_action_text(action), why ? ": " : "",
                    why ? p->reason : "",
                    str_duration(text, (left + USEC_PER_SEC - 1) / USEC_PER_SEC));
}

/* Does it unless its last end is too recent. */
static enum kube_action act(struct kube_plan *p, enum kube_action action, usec_t now) {
        struct kube_try *t = &p->tries[action];

        if (rests(p, action, now))
                return rest(p, action, now);
        if (usec_sub(now, t->retry) > KUBE_PLAN_REST_USEC)
                t->n = 0;
        p->running = action;
        p->phase = phase_of(action);
        p->text[0] = '\0';
        return action;
}

void kube_plan_progress(struct kube_plan *p, const char *text) {
        (void)snprintf(p->text, sizeof(p->text), "%s", text);
}

static enum kube_action reset(struct kube_plan *p, usec_t now, const char *why) {
        enum kube_action action = act(p, KUBE_DO_RESET, now);

        if (action == KUBE_DO_RESET)
                kube_plan_progress(p, why);
        return action;
}

static usec_t pause_after(unsigned n) {
        usec_t pause = KUBE_PLAN_RETRY_FIRST_USEC;

        while (n-- > 0 && pause < KUBE_PLAN_RETRY_MOST_USEC)
                pause *= 2;
        return pause < KUBE_PLAN_RETRY_MOST_USEC ? pause : KUBE_PLAN_RETRY_MOST_USEC;
}

void kube_plan_done(struct kube_plan *p, const char *why, usec_t now) {
        struct kube_try *t = &p->tries[p->running];

        if (p->running == KUBE_DO_NOTHING)
                return;
        if (t->failed && !why[0])
                t->n = 0;
        t->failed = why[0] != '\0';
        t->retry = usec_add(now, pause_after(t->n++));
        if (t->failed) {
                p->failed = p->running;
                (void)snprintf(p->reason, sizeof(p->reason), "%s", why);
        } else {
                p->sick_since = p->absent_since = 0;
                if (p->running == KUBE_DO_RESET)
                        p->restarts = 0;
                if (p->running == KUBE_DO_STOP_KUBELET)
                        p->fenced = true;
        }
        p->running = KUBE_DO_NOTHING;
}

/* What failed before is no reason to wait any more. */
static void forget_tries(struct kube_plan *p) {
        memset(p->tries, 0, sizeof(p->tries));
        p->failed = KUBE_DO_NOTHING;
        p->reason[0] = '\0';
        p->restarts = 0;
}

/* ---- out of contact ------------------------------------------------------------------------ */

/* The silence after which the others may have rebuilt this board's control plane. */
static usec_t fence_usec(const struct kube_facts *f) {
        usec_t margin = f->lost_after_usec / 2;

        if (margin > KUBE_PLAN_FENCE_MARGIN_USEC)
                margin = KUBE_PLAN_FENCE_MARGIN_USEC;
        return f->lost_after_usec - margin;
}

/* A half-done one may serve too. */
static bool must_fence(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (!f->marked || f->marker_role != KUBE_ROLE_PLANE || f->n_members == 1 ||
            f->lost_after_usec == 0)
                return false;
        if (f->silent_usec > fence_usec(f))
                return true;
        if (f->silent_usec > 0)
                wake(p, usec_add(now, fence_usec(f) - f->silent_usec + 1));
        return false;
}

static enum kube_action fence(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (p->fenced && !f->kubelet_active)
                return stay(p, KUBE_FENCED,
                            "stopped: nobody leads within reach, and the others may have moved "
                            "the control plane");
        return act(p, KUBE_DO_STOP_KUBELET, now);
}

/* A control plane of an epoch that is over. */
static bool moved(const struct kube_facts *f) {
        return f->marked && f->marker_role == KUBE_ROLE_PLANE && f->told &&
               f->marker_bramble == f->bramble && f->marker_epoch < f->kube->epoch;
}

/* A board that bramble leaves as it is, but never as a second cluster. */
__attribute__((format(printf, 5, 6))) static enum kube_action
leave_alone(struct kube_plan *p, const struct kube_facts *f, usec_t now, enum kube_phase phase,
            const char *format, ...) {
        va_list args;

        if (moved(f) && f->kubelet_active)
                return act(p, KUBE_DO_STOP_KUBELET, now);
        p->phase = phase;
        va_start(args, format);
        (void)vsnprintf(p->text, sizeof(p->text), format, args);
        va_end(args);
        return KUBE_DO_NOTHING;
}

/* The picture may be an old one: no time for a new control plane. */
static bool in_contact(struct kube_plan *p, const struct kube_facts *f) {
        if (f->silent_usec <= KUBE_PLAN_SILENT_USEC)
                return true;
        (void)stay(p, KUBE_WAITING, "waiting for a leader within reach");
        return false;
}

/* ---- before anything is set up ------------------------------------------------------------- */

/* What must be so before kubeadm is let loose. */
static bool ready_for_kubeadm(struct kube_plan *p, const struct kube_facts *f) {
        if (!f->containerd)
                (void)stay(p, KUBE_WAITING, "waiting for containerd");
        else if (!f->clock_ok)
                (void)stay(p, KUBE_WAITING,
                           "waiting for clock: it is wrong, and certificates need it");
        else if (f->blocked[0])
                (void)stay(p, KUBE_WAITING, "%s (agentctl doctor)", f->blocked);
        else
                return true;
        return false;
}

static enum kube_action become_node(struct kube_plan *p, const struct kube_facts *f, bool plane,
                                    usec_t now) {
        if (!f->kube->founded)
                return stay(p, KUBE_WAITING, "waiting for the control plane");
        if (f->kube->adopted)
                return stay(p, KUBE_WAITING,
                            "the cluster was set up by hand: join it with kubeadm");
        if (!f->version_fits)
                return stay(p, KUBE_UNABLE, "functions only: %s does not fit the cluster's %s",
                            f->version, f->kube->version);
        if (!f->name[0])
                return stay(p, KUBE_WAITING, "waiting for a name");
        /* half-way in, this board's etcd may be the one that the quorum lacks */
        if (!f->plane_up && plane && f->marked && f->plane_files && !f->kubelet_active)
                return act(p, KUBE_DO_START_KUBELET, now);
        if (!f->plane_up)
                return stay(p, KUBE_WAITING, "waiting for the control plane to come back");
        if (!ready_for_kubeadm(p, f) || (plane && !in_contact(p, f)))
                return KUBE_DO_NOTHING;
        return act(p, plane ? KUBE_DO_JOIN_PLANE : KUBE_DO_JOIN, now);
}

/* What answered once is never made again in the same epoch: the others' cluster would be another
 * one then.  Where others carry it too, they let this board in again. */
static enum kube_action become_master(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (f->kube->founded && f->kube->n_planes > 1)
                return become_node(p, f, true, now);
        if (f->kube->founded)
                return stay(p, KUBE_WAITING,
                            "this board carried the control plane and is empty "
                            "now: waiting for the bramble to decide");
        if (!f->name[0])
                return stay(p, KUBE_WAITING, "waiting for a name");
        if (!in_contact(p, f) || !ready_for_kubeadm(p, f))
                return KUBE_DO_NOTHING;
        return act(p, f->kube->restore ? KUBE_DO_REBUILD : KUBE_DO_INIT, now);
}

/* ---- what is set up ------------------------------------------------------------------------ */

/* A mark of how long something has been so; when it has been for 'usec' it is believed. */
static bool lasts(usec_t *since, bool so, usec_t now, usec_t usec, struct kube_plan *p) {
        if (!so) {
                *since = 0;
                return false;
        }
        if (*since == 0)
                *since = now;
        if (usec_sub(now, *since) >= usec)
                return true;
        wake(p, usec_add(*since, usec));
        return false;
}

/* Restarts that did not help are followed by longer patience. */
static usec_t longer(const struct kube_plan *p, usec_t usec) {
        return usec * (1 + (p->restarts < PATIENCE_MOST ? p->restarts : PATIENCE_MOST));
}

/* Certificates that end: KUBE_DO_NOTHING where nothing is to be done, or can be done now, or
 * where the rest goes on as long as they are still good. */
static enum kube_action renew(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        bool over = f->cert_days < 0 || f->kubelet_cert_days < 0;

        if (!f->clock_ok)
                return KUBE_DO_NOTHING;
        if (f->marker_role != KUBE_ROLE_PLANE) /* it cannot renew itself any more: joins anew */
                return f->kubelet_cert_days < 0 && f->plane_up ? KUBE_DO_RESET : KUBE_DO_NOTHING;
        if (!over && f->cert_days >= KUBE_PLAN_RENEW_DAYS)
                return KUBE_DO_NOTHING;
        if (over || !rests(p, KUBE_DO_RENEW, now))
                return KUBE_DO_RENEW;
        wake(p, p->tries[KUBE_DO_RENEW].retry);
        return KUBE_DO_NOTHING;
}

static enum kube_action restart(struct kube_plan *p, usec_t *since, usec_t now) {
        if (!rests(p, KUBE_DO_RESTART_KUBELET, now)) {
                *since = 0;
                p->restarts++;
        }
        return act(p, KUBE_DO_RESTART_KUBELET, now);
}

/* A finished node that belongs where it is: keeps it alive. */
static enum kube_action look_after(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        bool plane = f->marker_role == KUBE_ROLE_PLANE;
        usec_t patience = f->kubelet == KUBE_HEALTH_BAD ? KUBE_PLAN_SICK_USEC : KUBE_PLAN_API_USEC;
        enum kube_action renewal;
        bool sick, absent;

        if (!f->kubelet_active)
                return act(p, KUBE_DO_START_KUBELET, now);
        renewal = renew(p, f, now);
        if (renewal == KUBE_DO_RESET)
                return reset(p, now, "its certificate is over");
        if (renewal != KUBE_DO_NOTHING)
                return act(p, renewal, now);
        sick = f->kubelet == KUBE_HEALTH_BAD || (plane && f->api == KUBE_HEALTH_BAD);
        if (lasts(&p->sick_since, sick, now, longer(p, patience), p))
                return restart(p, &p->sick_since, now);
        absent = f->node == KUBE_NODE_ABSENT && !sick;
        if (lasts(&p->absent_since, absent, now, longer(p, KUBE_PLAN_ABSENT_USEC), p)) {
                /* a kubelet makes its Node again when it starts; where that does not help, anew */
                if (p->restarts < 2 || plane)
                        return restart(p, &p->absent_since, now);
                return reset(p, now, "the cluster does not know this node");
        }
        if (plane && f->api == KUBE_HEALTH_STRANGER)
                return stay(p, KUBE_STARTING, "a stranger answers on port 6443 of this board");
        if (plane && f->api != KUBE_HEALTH_GOOD)
                return stay(p, KUBE_STARTING, "waiting for this board's API server");
        if (plane && f->kube->planes[0] == f->self && !f->kube->founded)
                return act(p, KUBE_DO_TELL, now);
        if (f->kubelet == KUBE_HEALTH_BAD)
                return stay(p, KUBE_STARTING, "the kubelet does not answer");
        if (f->node == KUBE_NODE_READY) {
                p->restarts = 0;
                return stay(p, KUBE_READY, "%s", "");
        }
        if (f->node == KUBE_NODE_ABSENT)
                return stay(p, KUBE_STARTING, "the cluster does not know this node");
        if (f->node == KUBE_NODE_UNKNOWN)
                return stay(p, KUBE_STARTING, "the API server is out of reach");
        return stay(p, KUBE_STARTING, "the node is not Ready yet");
}

/* Ours is of an epoch that is over. */
static enum kube_action outdated(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (f->kube->n_planes > 0 && f->kube->planes[0] == f->self)
                return become_master(p, f, now);
        /* first of all it must not serve any more; a reset takes a while, or fails */
        if (moved(f) && f->kubelet_active && p->tries[KUBE_DO_STOP_KUBELET].n == 0)
                return act(p, KUBE_DO_STOP_KUBELET, now);
        if (f->marker_role == KUBE_ROLE_PLANE || !f->same_ca || !f->done)
                return reset(p, now, "the control plane has moved");
        if (!f->kube->founded)
                return stay(p, KUBE_STARTING, "the control plane is being rebuilt");
        return act(p, KUBE_DO_FOLLOW, now);
}

static enum kube_action marked(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        bool plane = world_kube_carries(f->kube, f->self);

        if (f->marker_bramble != f->bramble)
                return reset(p, now, "this board has changed its bramble");
        if (f->kube->off)
                return reset(p, now, "taken off");
        if (f->marker_epoch > f->kube->epoch)
                return stay(p, KUBE_FAILED,
                            "this board is of a newer cluster than the bramble: "
                            "left alone (agentctl reset)");
        if (f->marker_epoch < f->kube->epoch)
                return outdated(p, f, now);
        if ((f->marker_role == KUBE_ROLE_PLANE) != plane && f->done)
                return reset(p, now,
                             plane ? "to carry the control plane too"
                                   : "it no longer carries the control plane");
        if (!str_eq(f->marker_name, f->name) && f->name[0] && f->marker_role != KUBE_ROLE_PLANE)
                return reset(p, now, "the board has another name now");
        if (f->done && !f->files)
                return reset(p, now, "its files are gone");
        if (f->done)
                return look_after(p, f, now);
        /* begun and not finished: the same again, which clears away first */
        if (f->kube->n_planes > 0 && f->kube->planes[0] == f->self) {
                if (f->kube->founded && f->kube->n_planes == 1) /* half taken apart: no use */
                        return reset(p, now, "what is left of its control plane");
                return become_master(p, f, now);
        }
        return become_node(p, f, plane, now);
}

static enum kube_action by_hand(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        const struct world_kube *k = f->kube;

        if (f->told && k->n_planes > 0 && k->planes[0] == f->self && !k->founded && !k->restore &&
            f->plane_files && f->api == KUBE_HEALTH_GOOD)
                return act(p, KUBE_DO_ADOPT, now);
        return stay(p, KUBE_FOREIGN, "set up by hand: left alone");
}

/* Nobody has said yet how things are. */
static enum kube_action untold(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (!f->marked || !f->done)
                return stay(p, KUBE_WAITING, "waiting for a bramble");
        if (f->kubelet_active)
                return stay(p, KUBE_STARTING, "waiting for the bramble");
        if (f->marker_role == KUBE_ROLE_PLANE)
                return stay(p, KUBE_WAITING,
                            "waiting for the bramble's word that the control plane has not moved");
        return act(p, KUBE_DO_START_KUBELET, now);
}

static enum kube_action empty(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        const struct world_kube *k = f->kube;

        if (k->off)
                return stay(p, KUBE_OFF, "taken off; agentctl reset --all --rejoin brings it back");
        if (k->n_planes == 0)
                return stay(p, KUBE_WAITING, "%s",
                            k->note[0] ? k->note : "waiting for the coordinator");
        if (k->planes[0] == f->self)
                return become_master(p, f, now);
        return become_node(p, f, world_kube_carries(k, f->self), now);
}

static enum kube_action decide(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (must_fence(p, f, now))
                return fence(p, f, now);
        p->fenced = false;
        if (!f->enabled)
                return leave_alone(p, f, now, KUBE_OFF, "switched off in the config%s",
                                   f->files ? "; what runs is left alone" : "");
        if (!f->installed)
                return leave_alone(p, f, now, KUBE_ABSENT,
                                   "functions only: kubeadm and kubelet are not installed");
        if (!f->marked && f->files)
                return by_hand(p, f, now);
        if (f->switched_off && f->marked)
                return reset(p, now, "taken off");
        if (f->switched_off)
                return stay(p, KUBE_OFF, "taken off; agentctl reset --rejoin brings it back");
        if (!f->version[0])
                return leave_alone(p, f, now, KUBE_WAITING,
                                   "waiting for kubeadm and kubelet to say their versions");
        if (!f->board_runs)
                return leave_alone(p, f, now, KUBE_UNABLE,
                                   "functions only: this board cannot run %s", f->version);
        if (f->bramble == 0 || !f->told)
                return untold(p, f, now);
        return f->marked ? marked(p, f, now) : empty(p, f, now);
}

enum kube_action kube_plan_step(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        p->deadline = USEC_NEVER;
        if (p->running != KUBE_DO_NOTHING)
                return KUBE_DO_NOTHING;
        if (f->told && f->kube->epoch != p->epoch) {
                if (p->epoch)
                        forget_tries(p);
                p->epoch = f->kube->epoch;
        }
        return decide(p, f, now);
}
