/* kube_private - what the files of daemon/kube*.c share. */
#ifndef BRAMBLE_DAEMON_KUBE_PRIVATE_H
#define BRAMBLE_DAEMON_KUBE_PRIVATE_H

#include "core/kube_plan.h"
#include "core/kube_version.h"
#include "daemon/kube.h"
#include "io/cri.h"
#include "io/kube_api.h"
#include "io/kube_files.h"
#include "io/kube_marker.h"
#include "io/kube_preflight.h"
#include "io/process.h"
#include "io/units.h"

struct kube_job;
struct kube_nodes;

/* What was seen last of each thing that takes a question; 'asked' 0: never. */
struct kube_seen {
        struct kube_files files;
        struct kube_marker marker;   /* epoch 0: none */
        bool switched_off;           /* agentctl reset */
        struct kube_version version; /* of kubeadm, 0.0.0: not known */
        struct kube_version kubelet_version;
        struct kube_program_file kubeadm, kubelet; /* whose versions those are */
        enum unit_state unit;
        enum kube_health kubelet, api;
        enum kube_node node;
        struct cri_runtime runtime;
        struct preflight preflight;
        bool work; /* somebody's own pods */
};

struct kube {
        struct agent *agent;
        int root_fd;
        uv_timer_t timer;
        struct kube_plan plan;
        struct kube_seen seen;
        struct units *units;
        struct cri *cri;
        struct kube_job *job;     /* the action that runs; NULL: none */
        struct kube_nodes *nodes; /* looking after Node objects, where this board carries the API */
        struct process *asking;   /* kubeadm or kubelet, for its version */
        usec_t files_at, health_at, node_at, preflight_at, nodes_at; /* when to look again */
        unsigned health_open;     /* questions of this round that have not been answered */
        bool containerd;
        bool told;                /* the leader's picture has come since this start */
        usec_t heard;             /* when somebody led and was reachable last */
        bool gate;                /* the kubelet may start */
        uint32_t hosts_address;   /* in /etc/hosts now */
        enum kube_phase said;     /* last in the log */
        struct kube_api *own;     /* this board's API server, no certificate: for its health */
        struct kube_api *cluster; /* the API as this board's kubelet sees it */
        struct kube_api *admin;   /* the same with admin.conf; NULL where this board has none */
};

/* ---- kube_facts.c: looks again at what is due; kube_changed() when something has ---- */
void kube_facts_look(struct kube *k, usec_t now);
void kube_facts_again(struct kube *k); /* everything, at once: something was done */
void kube_facts_fill(const struct kube *k, struct kube_facts *ret, usec_t now);
void kube_facts_close_clients(struct kube *k);

/* ---- kube.c ---- */
void kube_look(struct kube *k);
/* The end of a job: "" or a short reason. */
void kube_job_over(struct kube *k, const char *why);
/* Lets the kubelet start (systemd/kubelet.service.d/20-bramble.conf looks for this file). */
void kube_gate(struct kube *k, bool open);
/* Names, routes and CNI for the cluster of now. */
void kube_network(struct kube *k, bool on);

/* ---- kube_job.c: an action as a table of steps ---- */
enum { KUBE_STEP_WAIT = 0, KUBE_STEP_NEXT = 1 };
struct kube_join_answer {
        char token[24];
        char ca_hash[SIZE_DIGEST];
        char endpoint[SIZE_NAME];
        int64_t wall_sec;
};
#define KUBE_IMAGES_MAX 12
struct kube_job {
        struct kube *k;
        enum kube_action action;
        const struct kube_step *steps;
        unsigned at;
        struct process *process;
        struct link *link; /* to the board that is asked */
        usec_t deadline;   /* of what is waited for over the network */
        struct kubeadm_output *output;
        bool over;
        char why[SIZE_REASON];
        /* what earlier steps found out */
        char images[KUBE_IMAGES_MAX][SIZE_IMAGE];
        unsigned n_images, image;
        bool no_coredns;
        struct kube_join_answer answer;
        char restore_dir[SIZE_PATH];
};
struct kube_step {
        const char *progress; /* for status; NULL: no time is spent here */
        /* KUBE_STEP_NEXT, KUBE_STEP_WAIT (kube_job_next() follows), or negative: failed, and
         * job->why says why. */
        int (*run)(struct kube_job *j);
};
int kube_job_start(struct kube *k, enum kube_action action);
void kube_job_next(struct kube_job *j);
int kube_job_fail(struct kube_job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
void kube_job_failed(struct kube_job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- kube_steps.c, kube_join.c, kube_reset.c ---- */

#endif
