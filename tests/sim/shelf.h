/* shelf - what sim_kube plays with: boards with a small model of kubeadm, kubelet, API server and
 * etcd each, and the network between them. */
#ifndef BRAMBLE_TESTS_SHELF_H
#define BRAMBLE_TESTS_SHELF_H

#include "core/kube_plan.h"
#include "sim.h"

#define SHELF_TICK_USEC (2 * USEC_PER_SEC)

enum { SHELF_BOARDS = 7, SHELF_ETCDS = 64 };

/* What one etcd knows, on however many boards it runs. */
struct etcd {
        uint64_t ca;
        uint32_t epoch;          /* 0: a person's */
        uint32_t number;         /* of its newest snapshot */
        usec_t written;          /* its newest object */
        uint32_t members, nodes; /* boards, as bits */
};

struct etcd_snapshot {
        uint64_t id; /* epoch << 32 | number; 0: none */
        uint64_t ca;
        usec_t written;
        uint32_t nodes;
};

/* kubeadm at work, or less. */
struct job {
        enum kube_action action; /* KUBE_DO_NOTHING: none */
        usec_t middle, end;      /* kubelet and API come up in the middle */
        bool came_so_far, fails, refused;
        uint32_t epoch; /* of the picture that it began with */
        bool restore;
};

struct pi {
        /* what it is */
        bool installed, runs, small;
        uint64_t strength;
        /* on the card */
        bool marked, done, files, plane_files, by_hand, switched_off;
        uint32_t epoch;
        enum kube_role role;
        uint64_t ca;
        unsigned etcd; /* 0: none */
        struct etcd_snapshot snapshot;
        bool certs_over, kubelet_cert_over;
        /* until the power goes */
        bool on, cut, wrong_clock;
        bool kubelet, hung, registered;
        usec_t kubelet_since; /* 0: does not run */
        usec_t slow;          /* so long until its API server answers */
        /* the agent */
        struct kube_plan plan;
        struct kube_facts facts; /* of the last step */
        struct world_kube picture;
        bool pictured; /* a picture is new */
        bool plane_up; /* as the picture says */
        bool told;
        usec_t heard; /* the leader's picture came last */
        usec_t back;  /* when contact began; 0: there is none */
        struct job job;
        usec_t ended[KUBE_ACTION_MAX]; /* when it did last, in the present epoch */
        usec_t busy;                   /* until when the last job ran */
};

struct shelf {
        struct sim_random random;
        usec_t now;
        bool ok;
        unsigned n, fails_percent;
        struct pi boards[SHELF_BOARDS];
        unsigned n_etcds;
        struct etcd etcds[SHELF_ETCDS]; /* [0] is nobody's */
        uint64_t next_ca;
};

static inline uint64_t shelf_node(unsigned i) {
        return 100 + i;
}

/* As the charter has it. */
const char *shelf_ca_hash(char dst[static SIZE_DIGEST], uint64_t ca);
bool shelf_connected(const struct shelf *s, unsigned a, unsigned b);
/* The API server of board 'i' answers: it runs, and its etcd has a quorum. */
bool shelf_api(const struct shelf *s, unsigned i);
/* What the agent of board 'i' sees; borrows from it. */
void shelf_facts(const struct shelf *s, unsigned i, usec_t lost_after, struct kube_facts *ret);
/* kubeadm and the rest begin to do what the plan says. */
void shelf_begin(struct shelf *s, unsigned i, enum kube_action action);
/* The job of board 'i' goes on: true once it is over, 'why' then says how. */
bool shelf_work(struct shelf *s, unsigned i, const char **why);
/* A kubelet makes its Node once after it started, as soon as it reaches the API. */
void shelf_register(struct shelf *s, unsigned i);
void shelf_power_off(struct shelf *s, unsigned i);
void shelf_start_agent(struct shelf *s, unsigned i);
/* Takes board 'i' out of an etcd, as etcd allows it: true where it is no member. */
bool shelf_remove_member(struct shelf *s, unsigned etcd, unsigned i);
/* A new card. */
void shelf_flash(struct shelf *s, unsigned i);
/* A person runs kubeadm init. */
void shelf_by_hand(struct shelf *s, unsigned i);

#endif
