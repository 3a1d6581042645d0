#include "core/kube_plan.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

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

/* The phase in which an action is seen; the ones that take no time change nothing. */
static enum kube_phase phase_of(enum kube_action action, enum kube_phase now) {
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
        case KUBE_DO_NOTHING:
        case KUBE_DO_ADOPT:
        case KUBE_DO_TELL:
        case KUBE_DO_FOLLOW:
        case KUBE_DO_START_KUBELET:
        case KUBE_ACTION_MAX:
                break;
        }
        return now;
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

/* Does it unless its last failure is too recent. */
static enum kube_action act(struct kube_plan *p, enum kube_action action, usec_t now) {
        char text[16];

        if (p->retry > now && p->failed == action) {
                wake(p, p->retry);
                return stay(p, KUBE_FAILED, "%s failed: %.80s, retry in %s",
                            kube_action_text(action), p->reason,
                            str_duration(text, (p->retry - now) / USEC_PER_SEC + 1));
        }
        p->running = action;
        p->phase = phase_of(action, p->phase);
        p->text[0] = '\0';
        return action;
}

void kube_plan_done(struct kube_plan *p, const char *why, usec_t now) {
        usec_t pause = KUBE_PLAN_RETRY_FIRST_USEC;

        if (!why[0]) {
                if (p->failed == p->running || p->running == KUBE_DO_RESET)
                        p->attempts = 0;
                p->failed = KUBE_DO_NOTHING;
                p->retry = 0;
                p->reason[0] = '\0';
                p->sick_since = p->absent_since = 0;
                p->running = KUBE_DO_NOTHING;
                return;
        }
        if (p->failed != p->running)
                p->attempts = 0;
        for (unsigned i = 0; i < p->attempts && pause < KUBE_PLAN_RETRY_MOST_USEC; i++)
                pause *= 2;
        if (pause > KUBE_PLAN_RETRY_MOST_USEC)
                pause = KUBE_PLAN_RETRY_MOST_USEC;
        p->attempts++;
        p->failed = p->running;
        p->retry = usec_add(now, pause);
        (void)snprintf(p->reason, sizeof(p->reason), "%s", why);
        p->running = KUBE_DO_NOTHING;
}

void kube_plan_progress(struct kube_plan *p, const char *text) {
        (void)snprintf(p->text, sizeof(p->text), "%s", text);
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

static enum kube_action become_master(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (f->kube->founded && !f->kube->restore)
                return stay(p, KUBE_WAITING,
                            "this board carried the control plane and is empty "
                            "now: waiting for the bramble to decide");
        if (!ready_for_kubeadm(p, f))
                return KUBE_DO_NOTHING;
        return act(p, f->kube->restore ? KUBE_DO_REBUILD : KUBE_DO_INIT, now);
}

static enum kube_action become_node(struct kube_plan *p, const struct kube_facts *f, bool plane,
                                    usec_t now) {
        if (!f->kube->founded)
                return stay(p, KUBE_WAITING, "waiting for the control plane");
        if (!f->version_fits)
                return stay(p, KUBE_UNABLE, "functions only: %s does not fit the cluster's %s",
                            f->version, f->kube->version);
        if (!f->name[0])
                return stay(p, KUBE_WAITING, "waiting for a name");
        if (!f->plane_up)
                return stay(p, KUBE_WAITING, "waiting for the control plane to come back");
        if (!ready_for_kubeadm(p, f))
                return KUBE_DO_NOTHING;
        return act(p, plane ? KUBE_DO_JOIN_PLANE : KUBE_DO_JOIN, now);
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
        if (now - *since >= usec)
                return true;
        wake(p, usec_add(*since, usec));
        return false;
}

/* A finished node that belongs where it is: keeps it alive. */
static enum kube_action look_after(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        bool plane = f->marker_role == KUBE_ROLE_PLANE;
        usec_t patience = f->kubelet == KUBE_HEALTH_BAD ? KUBE_PLAN_SICK_USEC : KUBE_PLAN_API_USEC;
        bool sick, absent;

        if (!f->kubelet_active) {
                (void)stay(p, KUBE_STARTING, "starting the kubelet");
                return act(p, KUBE_DO_START_KUBELET, now);
        }
        if (plane && f->cert_days < KUBE_PLAN_RENEW_DAYS && f->clock_ok)
                return act(p, KUBE_DO_RENEW, now);
        if (!plane && f->kubelet_cert_days < 0 && f->clock_ok && f->plane_up)
                return act(p, KUBE_DO_RESET, now); /* it cannot renew itself any more: joins anew */
        sick = f->kubelet == KUBE_HEALTH_BAD || (plane && f->api == KUBE_HEALTH_BAD);
        if (lasts(&p->sick_since, sick, now, patience * (p->attempts + 1), p)) {
                p->sick_since = 0;
                p->attempts++; /* the next one takes longer */
                return act(p, KUBE_DO_RESTART_KUBELET, now);
        }
        absent = f->node == KUBE_NODE_ABSENT && !sick;
        if (lasts(&p->absent_since, absent, now, KUBE_PLAN_ABSENT_USEC * (p->attempts + 1), p)) {
                p->absent_since = 0;
                /* a kubelet makes its Node again when it starts; where that does not help, anew */
                if (p->attempts++ < 2 || plane)
                        return act(p, KUBE_DO_RESTART_KUBELET, now);
                return act(p, KUBE_DO_RESET, now);
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
                p->attempts = 0;
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
        if (f->marker_role == KUBE_ROLE_PLANE || !f->same_ca || !f->done) {
                (void)stay(p, KUBE_RESETTING, "the control plane has moved");
                return act(p, KUBE_DO_RESET, now);
        }
        if (!f->kube->founded)
                return stay(p, KUBE_STARTING, "the control plane is being rebuilt");
        return act(p, KUBE_DO_FOLLOW, now);
}

static enum kube_action marked(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        bool plane = world_kube_carries(f->kube, f->self);

        if (f->marker_bramble != f->bramble) {
                (void)stay(p, KUBE_RESETTING, "this board has changed its bramble");
                return act(p, KUBE_DO_RESET, now);
        }
        if (f->kube->off) {
                (void)stay(p, KUBE_RESETTING, "switched off");
                return act(p, KUBE_DO_RESET, now);
        }
        if (f->marker_epoch > f->kube->epoch)
                return stay(p, KUBE_FAILED,
                            "this board is of a newer cluster than the bramble: "
                            "left alone (agentctl reset)");
        if (f->marker_epoch < f->kube->epoch)
                return outdated(p, f, now);
        if ((f->marker_role == KUBE_ROLE_PLANE) != plane && f->done) {
                (void)stay(p, KUBE_RESETTING,
                           plane ? "to carry the control plane too"
                                 : "it no longer carries the control plane");
                return act(p, KUBE_DO_RESET, now);
        }
        if (!str_eq(f->marker_name, f->name) && f->name[0] && f->marker_role != KUBE_ROLE_PLANE) {
                (void)stay(p, KUBE_RESETTING, "the board has another name now");
                return act(p, KUBE_DO_RESET, now);
        }
        if (f->done && !f->files) {
                (void)stay(p, KUBE_RESETTING, "its files are gone");
                return act(p, KUBE_DO_RESET, now);
        }
        if (f->done)
                return look_after(p, f, now);
        /* begun and not finished: the same again, which clears away first */
        if (f->kube->n_planes > 0 && f->kube->planes[0] == f->self)
                return become_master(p, f, now);
        return become_node(p, f, plane, now);
}

/* The others may have rebuilt this control plane elsewhere, and it cannot know. */
static bool must_fence(const struct kube_facts *f) {
        usec_t most = usec_sub(f->lost_after_usec, KUBE_PLAN_FENCE_MARGIN_USEC);

        return f->marked && f->done && f->marker_role == KUBE_ROLE_PLANE && f->n_members > 1 &&
               f->lost_after_usec > 0 && f->silent_usec > most;
}

static enum kube_action decide(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        if (!f->enabled)
                return stay(p, KUBE_OFF, "switched off in the config%s",
                            f->files ? "; what runs is left alone" : "");
        if (!f->installed)
                return stay(p, KUBE_ABSENT,
                            "functions only: kubeadm and kubelet are not installed");
        if (!f->marked && f->files) {
                if (f->told && f->kube->n_planes > 0 && f->kube->planes[0] == f->self &&
                    !f->kube->founded && f->plane_files && f->api == KUBE_HEALTH_GOOD)
                        return act(p, KUBE_DO_ADOPT, now);
                return stay(p, KUBE_FOREIGN, "set up by hand: left alone");
        }
        if (f->switched_off && f->marked)
                return act(p, KUBE_DO_RESET, now);
        if (f->switched_off)
                return stay(p, KUBE_OFF, "taken off; agentctl reset --rejoin brings it back");
        if (!f->version[0])
                return stay(p, KUBE_WAITING,
                            "waiting for kubeadm and kubelet to say their versions");
        if (!f->board_runs)
                return stay(p, KUBE_UNABLE, "functions only: this board cannot run %s", f->version);
        if (must_fence(f)) {
                if (p->fenced)
                        return stay(p, KUBE_FENCED,
                                    "stopped: nobody leads within reach, and the "
                                    "others may have moved the control plane");
                p->fenced = true;
                return act(p, KUBE_DO_STOP_KUBELET, now);
        }
        if (f->bramble == 0 || !f->told) {
                if (f->marked && f->done && f->marker_role == KUBE_ROLE_PLANE && !f->kubelet_active)
                        return stay(p, KUBE_WAITING,
                                    "waiting for the bramble's word that the "
                                    "control plane has not moved");
                if (f->marked && f->done)
                        return f->kubelet_active ? stay(p, KUBE_STARTING, "waiting for the bramble")
                                                 : act(p, KUBE_DO_START_KUBELET, now);
                return stay(p, KUBE_WAITING, "waiting for a bramble");
        }
        p->fenced = false;
        if (f->marked)
                return marked(p, f, now);
        if (f->kube->off)
                return stay(p, KUBE_OFF, "taken off; agentctl reset --all --rejoin brings it back");
        if (f->kube->n_planes == 0)
                return stay(p, KUBE_WAITING, "%s",
                            f->kube->note[0] ? f->kube->note : "waiting for the coordinator");
        if (f->kube->planes[0] == f->self)
                return become_master(p, f, now);
        return become_node(p, f, world_kube_carries(f->kube, f->self), now);
}

enum kube_action kube_plan_step(struct kube_plan *p, const struct kube_facts *f, usec_t now) {
        p->deadline = USEC_NEVER;
        if (p->running != KUBE_DO_NOTHING)
                return KUBE_DO_NOTHING;
        return decide(p, f, now);
}
