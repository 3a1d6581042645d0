/* kube_private - what the files of daemon/kube*.c share. */
#ifndef BRAMBLE_DAEMON_KUBE_PRIVATE_H
#define BRAMBLE_DAEMON_KUBE_PRIVATE_H

#include "core/kube_plan.h"
#include "core/kube_version.h"
#include "core/kubeadm_config.h"
#include "core/kubeadm_output.h"
#include "daemon/kube.h"
#include "io/cri.h"
#include "io/kube_api.h"
#include "io/kube_files.h"
#include "io/kube_marker.h"
#include "io/kube_preflight.h"
#include "io/process.h"
#include "io/units.h"

#include <cjson/cJSON.h>

/* Below this the wall clock of a board without one has not been set: the program is younger. */
#ifndef BRAMBLE_BUILT
#define BRAMBLE_BUILT 1763942400 /* 2025-11-24 */
#endif
/* Two boards' clocks may differ by this before a certificate of one seems not yet valid to the
 * other: client-go backdates by five minutes. */
enum { KUBE_CLOCK_SKEW_SEC = 240 };

/* What no board has before somebody made a node of it, or tried to. */
enum {
        KUBE_NODE_FILES = KUBE_HAS_ADMIN_CONF | KUBE_HAS_KUBELET_CONF | KUBE_HAS_BOOTSTRAP_CONF |
                          KUBE_HAS_API_MANIFEST | KUBE_HAS_ETCD_MANIFEST | KUBE_HAS_CA_CERT |
                          KUBE_HAS_ETCD_DATA | KUBE_HAS_KUBELET_CONFIG,
};

/* What was seen last of each thing that takes a question. */
struct kube_seen {
        struct kube_files files;
        struct kube_marker marker;                           /* epoch 0: none */
        bool switched_off;                                   /* agentctl reset */
        struct kube_version version, kubelet_version;        /* 0.0.0: not known */
        struct kube_program_file kubeadm_file, kubelet_file; /* whose versions those are */
        enum unit_state unit;
        enum kube_health kubelet, api;
        enum kube_node_state node;
        struct cri_runtime runtime;
        bool sandbox; /* its image is on the card */
        struct preflight preflight;
        bool work; /* somebody's own pods run */
};

struct kube_drain;
struct kube_job;
struct kube_nodes;

struct kube {
        struct agent *agent;
        int root_fd;
        uv_timer_t timer;
        struct kube_plan plan;
        struct kube_seen seen;
        struct units *units;
        struct cri *cri;
        struct kube_job *job; /* the action that runs; NULL: none */
        struct kube_nodes *nodes;
        struct kube_drain *drain;
        struct process *asking; /* kubeadm or kubelet, for its version */
        bool asking_kubeadm;
        char asked_line[96];        /* what it said */
        usec_t files_at, health_at; /* when to look again; files_at 0: nothing is known */
        unsigned questions;         /* of this round that are not answered */
        bool containerd;
        bool told;                      /* the leader's picture has come since this start */
        bool reset_once;                /* agentctl reset --rejoin: off until it is clean */
        const struct link *leader_link; /* as of the last look */
        bool pictured;                  /* and a picture has come over it */
        usec_t trim_at;                 /* 0: not planned */
        usec_t heard;                   /* when somebody led and was reachable last */
        uint32_t hosts;                 /* the endpoint's address in /etc/hosts; 0: none */
        bool network_on;                /* routes and rules for pods */
        enum kube_phase said;           /* last in the log */
        struct kube_api *own;   /* this board's API server, no certificate: only its health */
        struct kube_api *node;  /* the API as this board's kubelet sees it */
        uint32_t node_address;  /* where 'node' dials */
        struct kube_api *admin; /* this board's API server with admin.conf */
        uint64_t admin_inode, node_inode; /* of the files that they were made from */
};

/* ---- kube.c ---- */
void kube_look(struct kube *k);
/* The end of a job: "" or a short reason. */
void kube_job_over(struct kube *k, const char *why);
/* Whether the kubelet may start: systemd/kubelet.service.d looks for this file. */
void kube_gate(struct kube *k, bool open);
/* Names, routes, rules and the CNI file for the cluster of now; off: takes them away, but for the
 * CNI file, which is reset's. */
int kube_network(struct kube *k, bool on, struct fail *f);
bool kube_small_profile(const struct agent *a);

/* ---- kube_facts.c ---- */
int kube_facts_open(struct kube *k);
/* Looks again at what is due. */
void kube_facts_look(struct kube *k, usec_t now);
/* Everything, at once: something was done. */
void kube_facts_again(struct kube *k);
void kube_facts_fill(struct kube *k, struct kube_facts *ret, usec_t now);
/* Preflight of now, for a board that will carry a control plane or not. */
void kube_facts_preflight(struct kube *k, bool plane, struct preflight *ret);

/* ---- kube_job.c: an action as a table of steps ---- */
enum { KUBE_STEP_WAIT = 0, KUBE_STEP_NEXT = 1, KUBE_IMAGES_MAX = 12 };

struct kube_job {
        struct kube *k;
        enum kube_action action;
        const struct kube_step *steps; /* ends with a step without 'run' */
        bool plane;                    /* this board will carry a control plane */
        struct process *process;
        struct board_ask *ask; /* of another board; NULL: none */
        bool dirty;            /* something of an earlier try is here */
        bool forgive;          /* the next step follows whatever the program's end is */
        struct kubeadm_output output;
        char program[24]; /* what runs, for messages */
        char why[SIZE_REASON];
        /* what steps tell later ones */
        char images[KUBE_IMAGES_MAX][SIZE_IMAGE];
        unsigned n_images, image;
        char missing[SIZE_REASON];
        char token[32]; /* a secret */
        char ca_hash[SIZE_DIGEST];
        cJSON *pki; /* of the answer; NULL: none */
        char restore_dir[SIZE_PATH];
        struct kube_job_pod *pods; /* to be stopped */
        unsigned n_pods, pod;
};

struct kube_job_pod {
        char id[72];
        char name[SIZE_NAME * 2];
};

/* A join's token lives so long; one board's kubeadm needs minutes. */
enum { KUBE_TOKEN_SEC = 30 * 60 };

/* What a control plane shares with the others: names below /etc/kubernetes/pki, ends with NULL. */
extern const char *const kube_pki_files[];
bool kube_pki_file(const char *name);

struct kube_step {
        const char *progress; /* for status; NULL: takes no time */
        /* KUBE_STEP_NEXT, KUBE_STEP_WAIT (kube_job_next() or kube_job_fail() follows), or what
         * kube_job_no() gave. */
        int (*run)(struct kube_job *j);
};

void kube_job_start(struct kube *k, enum kube_action action);
/* The files that a job may have left that was cut off: secrets are in them. */
void kube_job_clean(const struct agent *a);
void kube_job_next(struct kube_job *j);
/* In a callback: the job is over. */
void kube_job_fail(struct kube_job *j, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* In a step: 'return kube_job_no(j, ...)'. */
int kube_job_no(struct kube_job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A program of this board with a limit of time; the next step follows its success.  'line' sees
 * its output (may be NULL). */
int kube_job_run(struct kube_job *j, const char *const *argv, unsigned timeout_sec,
                 process_line_cb line);
/* kubeadm; its words become progress and reasons. */
int kube_job_kubeadm(struct kube_job *j, const struct kubeadm_call *call, unsigned timeout_sec);

/* ---- kube_init.c, kube_join.c, kube_reset.c, kube_kubelet.c: the tables ---- */
extern const struct kube_step kube_init_steps[], kube_rebuild_steps[], kube_join_steps[],
        kube_join_plane_steps[], kube_reset_steps[], kube_renew_steps[], kube_start_steps[],
        kube_restart_steps[], kube_stop_steps[], kube_tell_steps[], kube_adopt_steps[],
        kube_follow_steps[];

/* Steps that more than one table has. */
int kube_step_prepare(struct kube_job *j); /* modules, sysctls, names, CNI, marker */
int kube_step_stop_kubelet(struct kube_job *j);
int kube_step_list_pods(struct kube_job *j);
int kube_step_stop_pods(struct kube_job *j);
int kube_step_kubeadm_reset(struct kube_job *j);
int kube_step_wipe(struct kube_job *j);
int kube_step_list_images(struct kube_job *j);
int kube_step_pull_images(struct kube_job *j);
int kube_step_sandbox(struct kube_job *j);
int kube_step_place_pki(struct kube_job *j);
int kube_step_ask(struct kube_job *j);
int kube_step_leave(struct kube_job *j);
int kube_step_undone(struct kube_job *j);     /* the marker no longer says done */
int kube_step_clear_stop(struct kube_job *j); /* and the four below: what a failed try left */
int kube_step_clear_list(struct kube_job *j);
int kube_step_clear_reset(struct kube_job *j);
int kube_step_clear_wipe(struct kube_job *j);
int kube_step_cleared(struct kube_job *j);
int kube_step_token(struct kube_job *j);
int kube_step_config(struct kube_job *j);
int kube_step_kubeadm(struct kube_job *j);
int kube_step_finish(struct kube_job *j); /* the marker says done */
/* What kubeadm is told about this board and this cluster. */
void kube_settings(struct kube_job *j, struct kubeadm_settings *ret);
/* A file of a job below run_dir, 0600; a secret may be in it. */
int kube_job_file(struct kube_job *j, const char *name, const struct buf *content);
const char *kube_job_path(struct kube_job *j, const char *name);

/* ---- kube_nodes.c: Node objects, where this board's API server is the first that answers ---- */
int kube_nodes_open(struct kube *k);
void kube_nodes_look(struct kube *k, usec_t now);
void kube_nodes_again(struct kube *k);
/* Removes the pod of etcd's of a node that is gone, or begins anew; 'admin' is there. */
void kube_nodes_forget_etcd(struct kube *k, const char *node);
/* Is this the control plane that looks after things? */
bool kube_primary(const struct kube *k);

/* ---- kube_drain.c: nodes of boards that are taken out of use ---- */
/* On a node that bramble keeps free of pods; one that a person cordons is a person's. */
#define KUBE_CORDON_LABEL "bramble.io/cordoned"
int kube_drain_open(struct kube *k);
void kube_drain_look(struct kube *k, usec_t now);
/* Boards whose node has no pod any more that could go elsewhere. */
uint32_t kube_drain_cleared(const struct kube *k, uint64_t ret[static LIMIT_CLEARED]);

#endif
