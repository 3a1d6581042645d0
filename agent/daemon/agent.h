/* agent - what the parts of bramble-agent share: one struct, one loop, one clock. */
#ifndef BRAMBLE_DAEMON_AGENT_H
#define BRAMBLE_DAEMON_AGENT_H

#include "base/time.h"
#include "core/board.h"
#include "core/charter.h"
#include "core/report.h"
#include "core/world.h"
#include "io/config.h"
#include "io/consensus.h"
#include "io/container.h"
#include "io/fnet.h"
#include "io/link.h"
#include "io/mdns.h"
#include "io/pki.h"
#include "io/sensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct api;
struct coordinator;
struct hostname;
struct images;
struct kube;
struct kube_snapshots;
struct membership;
struct network;
struct peers;
struct reporter;
struct resolver;
struct runner;
struct secret_keeper;
struct sweep;

struct agent {
        uv_loop_t *loop;
        struct config config;
        struct board board;
        struct pki pki;
        uint64_t boot; /* random, new with each start */

        /* Who this board is in its bramble; bramble 0: fresh. Owned by membership. */
        uint64_t bramble;
        uint16_t subnet;
        char name[SIZE_NAME];

        struct fnet_lan lan;    /* index 0: no LAN */
        bool mdns_available;    /* avahi-daemon answers */
        struct world world;     /* newest picture from the coordinator */
        struct charter charter; /* voters only; written by consensus */
        uint32_t problems;      /* PROBLEM_* that only the agent knows of */

        /* Where another board is that calls itself this one; "": none came. */
        char twin[SIZE_ADDRESS];

        /* The parts; each file of this folder owns one. */
        struct fnet *fnet;
        struct network *network;
        struct mdns *mdns;
        struct containers *containers; /* NULL where there is no function support */
        struct peers *peers;
        struct membership *membership;
        struct coordinator *coordinator;
        struct reporter *reporter;
        struct runner *runner;
        struct images *images;
        struct resolver *resolver;
        struct sweep *sweep;
        struct kube *kube;                /* this board's part of the Kubernetes cluster */
        struct kube_snapshots *snapshots; /* of etcd; NULL where Kubernetes is off */
        struct secret_keeper *secret_keeper;
        struct api *api;
        struct hostname *hostname;
};

/* Monotonic microseconds. */
static inline usec_t agent_now(void) {
        return uv_hrtime() / NSEC_PER_USEC;
}

/* Recognises the board; agent_start() does it too. */
int agent_identify(struct agent *a, struct fail *f);
/* Starts every part; -errno with the sentence for the person who started it. */
int agent_start(struct agent *a, struct fail *f);
/* Takes a newer picture of the bramble (owned from here on) and tells every part. */
void agent_take_world(struct agent *a, struct world *world);
/* Something that status shows about this board changed: report it before the next second. */
void agent_report_soon(struct agent *a);
/* Sets or clears PROBLEM_* bits of this board. */
void agent_problem(struct agent *a, uint32_t bit, bool yes);

#endif
