/* world - the coordinator's picture of the bramble, the same bytes to every board: who is where,
 * which functions there are, what runs on which board.  From it a board knows what to run, where
 * to route, and what its gateway serves.  Pure. */
#ifndef BRAMBLE_CORE_WORLD_H
#define BRAMBLE_CORE_WORLD_H

#include "core/limits.h"
#include "core/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct world_member {
        uint64_t node;
        char name[SIZE_NAME];
        uint16_t subnet;
        uint32_t address; /* LAN IPv4, host order; 0: not known */
        bool up;
        bool api;      /* its Kubernetes API answers */
        bool kube;     /* it is set up as a node of the cluster of now, or about to be */
        bool cordoned; /* a person wants nothing to run there */
};

struct world_image {
        char name[SIZE_IMAGE];
        char digest[SIZE_DIGEST];
        uint64_t size_bytes;
        uint32_t n_holders; /* boards that have it */
        uint64_t *holders;
};

struct world_instance {
        uint32_t id;
        uint32_t function; /* index into functions */
        uint32_t generation;
        uint64_t node;
        enum instance_state state;
        uint32_t address; /* IPv4, host order */
        uint16_t port;
};

struct world_function {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        char image[SIZE_IMAGE];
        uint32_t replicas;  /* wanted */
        uint32_t available; /* ready */
        uint32_t generation;
        uint64_t memory_bytes;
        uint64_t created_unix;
        uint64_t invocations;
        bool stuck;               /* none is ready, and none will be soon: 'reason' says why */
        char reason[SIZE_REASON]; /* why fewer are ready than wanted, or "" */
        char *spec;               /* JSON, NUL-terminated */
        uint32_t spec_len;
};

/* What is wrong with a member. */
struct world_alarm {
        uint64_t node;
        enum alarm_kind kind;
        enum severity severity;
        uint32_t age_sec; /* when the picture was made */
        char text[SIZE_REASON];
};

/* What every board must know of the Kubernetes cluster: core/charter.h has the words. */
struct world_kube {
        uint32_t epoch;
        bool off, founded, restore, adopted;
        uint32_t made;
        uint32_t n_planes;
        uint64_t planes[LIMIT_PLANES];
        char version[SIZE_VERSION];
        char ca_hash[SIZE_DIGEST];
        char note[SIZE_REASON]; /* what the coordinator waits for, "" for nothing */
};

/* Owns its arrays; world_done() frees them.  All zero is an empty world. */
struct world {
        uint64_t term;
        uint64_t version; /* grows with each change in one term */
        uint64_t bramble;
        uint64_t leader;
        uint64_t master;
        uint64_t fold; /* not 0: leave this bramble for that one */
        char cluster[SIZE_CLUSTER];
        char user[SIZE_USER]; /* the gateway's credentials: a secret */
        char password[SIZE_PASSWORD];
        struct world_kube kube;
        uint64_t secrets_version; /* grows with each change of a secret: boards ask anew */
        uint64_t last_event; /* newest id of the leader's events: boards ask for what they lack */
        uint32_t n_members, n_functions, n_instances, n_images, n_alarms;
        struct world_member *members;
        struct world_function *functions;
        struct world_instance *instances;
        struct world_image *images;
        struct world_alarm *alarms; /* in order of the members and kinds */
};

void world_done(struct world *w);

/* -ENOMEM, or -EMSGSIZE (above LIMIT_FRAME_BYTES, which charter's limits keep it from). */
int world_encode(const struct world *w, struct buf *out);
/* Fills 'ret', which the caller frees.  -EBADMSG and -ENOMEM leave nothing to free. */
int world_decode(const void *data, size_t len, struct world *ret);

const struct world_member *world_member(const struct world *w, uint64_t node);
const struct world_member *world_member_by_name(const struct world *w, const char *name);
const struct world_function *world_function(const struct world *w, const char *name,
                                            const char *namespace);
/* NULL where nothing is wrong there. */
const struct world_alarm *world_alarm(const struct world *w, uint64_t node, enum alarm_kind kind);
bool world_kube_carries(const struct world_kube *k, uint64_t node);
const struct world_image *world_image(const struct world *w, const char *name);

#endif
