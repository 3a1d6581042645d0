/* drain - how far a board is from carrying nothing, and who leads in its place.  Pure. */
#ifndef BRAMBLE_CORE_DRAIN_H
#define BRAMBLE_CORE_DRAIN_H

#include "core/limits.h"
#include "core/voters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the leader knows of one board. */
struct drain_facts {
        bool cordoned;
        bool up;
        bool leads;
        bool heir;         /* somebody could lead in its place */
        uint32_t placed;   /* replicas whose place it is */
        uint32_t running;  /* that it still has: older ones end when their calls have */
        bool node;         /* of the Kubernetes cluster, which is looked after */
        bool cleared;      /* of pods */
        const char *stuck; /* why placement could not place something; "" */
};

enum drain_state {
        DRAIN_NONE,    /* it is not cordoned */
        DRAIN_LEADING, /* it hands over leadership */
        DRAIN_MOVING,  /* its replicas go elsewhere */
        DRAIN_ENDING,  /* calls under way end */
        DRAIN_PODS,    /* Kubernetes moves its pods */
        DRAIN_DONE,
};

/* The state, and a sentence for a person without the board's name: "2 replicas are moving", "" for
 * NONE. */
enum drain_state drain_step(const struct drain_facts *facts, char ret[static SIZE_REASON]);

/* What a board that gets no work is called, in Kubernetes' words: "draining", then "cordoned"; ""
 * for any other.  'drained': nothing is left on it. */
const char *drain_word(bool cordoned, bool drained);

/* A board, as far as Kubernetes is to be asked about it. */
struct drain_node {
        uint64_t node;
        bool cordoned, kube;
};

/* A report can name LIMIT_CLEARED nodes that are free of pods.  May 'node' be drained besides those
 * that are? */
bool drain_has_room(const struct drain_node *nodes, size_t n, uint64_t node);

/* A voter. */
struct drain_voter {
        struct voter_board board;
        bool cordoned;
        bool failed; /* it was asked to lead, and did not: another one is asked first */
};

/* The strongest voter that is up and may lead for 'self', which is cordoned; 0: none. */
uint64_t drain_heir(const struct drain_voter *voters, size_t n, uint64_t self);

#endif
