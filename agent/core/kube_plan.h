/* kube_plan - what one board does about Kubernetes: init, join, repair, fence, or wait.  Pure.
 *
 * Facts of this moment go in, at most one action comes out; while an action runs (it may take
 * minutes) nothing else is proposed, and its end is fed back.  Failures are tried again with a
 * growing pause. */
#ifndef BRAMBLE_CORE_KUBE_PLAN_H
#define BRAMBLE_CORE_KUBE_PLAN_H

#include "base/time.h"
#include "core/report.h"
#include "core/world.h"

#define KUBE_PLAN_RETRY_FIRST_USEC (10 * USEC_PER_SEC)
#define KUBE_PLAN_RETRY_MOST_USEC  (5 * USEC_PER_MIN)
/* What was not done for so long is as good as new. */
#define KUBE_PLAN_REST_USEC (10 * USEC_PER_MIN)
/* kubeadm starts the kubelet itself and gives it 40 s (kubeadm 1.20 waitcontrolplane.go). */
#define KUBE_PLAN_SICK_USEC (60 * USEC_PER_SEC)
/* A Pi takes minutes until its API server answers. */
#define KUBE_PLAN_API_USEC (4 * USEC_PER_MIN)
/* A Node object that is missing for so long was deleted, and is not just late. */
#define KUBE_PLAN_ABSENT_USEC (20 * USEC_PER_SEC)
/* A control plane stops by itself once the others, after 'lost after', may have rebuilt it
 * elsewhere: this much earlier, but not before half of it. */
#define KUBE_PLAN_FENCE_MARGIN_USEC (30 * USEC_PER_SEC)
/* Without a leader for so long a board makes no control plane: its picture may be old. */
#define KUBE_PLAN_SILENT_USEC (10 * USEC_PER_SEC)
/* Certificates of one year are renewed this early. */
enum { KUBE_PLAN_RENEW_DAYS = 30 };

enum kube_health { KUBE_HEALTH_UNKNOWN, KUBE_HEALTH_GOOD, KUBE_HEALTH_BAD, KUBE_HEALTH_STRANGER };
enum kube_node_state { KUBE_NODE_UNKNOWN, KUBE_NODE_ABSENT, KUBE_NODE_NOT_READY, KUBE_NODE_READY };
enum kube_role { KUBE_ROLE_NONE, KUBE_ROLE_WORKER, KUBE_ROLE_PLANE };

struct kube_facts {
        /* the config, and what the leader says */
        bool enabled;
        usec_t lost_after_usec; /* master_lost_after; 0: never */
        uint64_t self;          /* node id */
        uint64_t bramble;       /* 0: this board belongs to none */
        const char *name;       /* in the bramble; "" */
        bool told;              /* the leader's picture has come since this start */
        /* Since somebody led, was reachable and had sent this board its picture: a link to a leader
         * is no contact before the picture has come over it, else an old control plane would start
         * again by an old picture.  Not forgotten when only the agent starts again. */
        usec_t silent_usec;
        uint32_t n_members;            /* 0: not known */
        const struct world_kube *kube; /* of the newest picture */
        bool plane_up;                 /* a board that carries the control plane answers */
        /* what is installed */
        bool installed;      /* kubeadm and kubelet */
        bool board_runs;     /* this board can run that version (boards/) */
        bool version_fits;   /* this kubelet beside the cluster's API server */
        const char *version; /* kubeadm's; "": it has not said it */
        bool containerd;     /* answers */
        /* what is set up */
        bool marked;       /* bramble set up what is here, or began to */
        bool switched_off; /* agentctl reset: stays off until a person changes it */
        bool done;         /* and finished */
        uint64_t marker_bramble;
        uint32_t marker_epoch;
        enum kube_role marker_role;
        const char *marker_name;   /* the Node's name */
        bool files;                /* of a node, whoever made them */
        bool plane_files;          /* manifests of a control plane */
        bool same_ca;              /* as the charter's; true where either is not known */
        int32_t cert_days;         /* until the first certificate of a control plane ends */
        int32_t kubelet_cert_days; /* the same for the kubelet's; INT32_MAX: none */
        /* how it is */
        bool clock_ok;
        const char *blocked;       /* preflight's first complaint, "" for none */
        bool kubelet_active;       /* its unit runs */
        enum kube_health kubelet;  /* its healthz */
        enum kube_health api;      /* this board's own API server; UNKNOWN where it has none */
        enum kube_node_state node; /* this board's Node object */
};

enum kube_action {
        KUBE_DO_NOTHING,
        KUBE_DO_ADOPT,   /* tell the charter of the cluster that a person set up here */
        KUBE_DO_INIT,    /* make a control plane (what a failed try left goes first) */
        KUBE_DO_REBUILD, /* the same from the newest snapshot */
        KUBE_DO_TELL,    /* tell the charter that the control plane answers */
        KUBE_DO_JOIN,
        KUBE_DO_JOIN_PLANE,
        KUBE_DO_FOLLOW, /* only the marker's epoch: the control plane moved, this worker stays */
        /* Its marker says 'not done' from the beginning, and goes last: what has files and no
         * marker is a person's, and what is done is whole. */
        KUBE_DO_RESET,
        KUBE_DO_START_KUBELET,
        KUBE_DO_RESTART_KUBELET,
        KUBE_DO_STOP_KUBELET, /* and every pod of a control plane */
        KUBE_DO_RENEW,        /* the certificates of a control plane, its kubelet's too */
        KUBE_ACTION_MAX,
};

/* What one action has come to: it is not done again before 'retry', whether it failed or said that
 * all is well and changed nothing. */
struct kube_try {
        unsigned n; /* ends, with no rest between; failures before a success do not count */
        bool failed;
        usec_t retry;
};

struct kube_plan {
        enum kube_phase phase;
        char text[SIZE_REASON];
        enum kube_action running;
        struct kube_try tries[KUBE_ACTION_MAX];
        enum kube_action failed;         /* the newest that did, for 'reason' */
        char reason[SIZE_REASON];        /* of it */
        unsigned restarts;               /* of the kubelet that did not help */
        usec_t sick_since, absent_since; /* 0: is not */
        uint32_t epoch;                  /* of the cluster that 'tries' are about */
        bool fenced;                     /* stopped, and nothing was heard since */
        usec_t deadline;                 /* step again no later; USEC_NEVER */
};

void kube_plan_init(struct kube_plan *p);

/* What to do now.  The caller does it and calls kube_plan_done() at its end. */
enum kube_action kube_plan_step(struct kube_plan *p, const struct kube_facts *f, usec_t now);

/* The action that step() gave is over: 'why' is "" for success, or a short reason ("Mem"). */
void kube_plan_done(struct kube_plan *p, const char *why, usec_t now);

/* Progress of the running action, for status: "making certificates". */
void kube_plan_progress(struct kube_plan *p, const char *text);

/* "kubernetes: init" ...: what an action is called in a log. */
const char *kube_action_text(enum kube_action action);

#endif
