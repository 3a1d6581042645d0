/* kube_budget - divides a board's memory between the system, pods and functions.  Pure. */
#ifndef BRAMBLE_CORE_KUBE_BUDGET_H
#define BRAMBLE_CORE_KUBE_BUDGET_H

#include "core/board.h"

#include <stdbool.h>
#include <stdint.h>

/* Below this a board cannot carry the control plane's pods: they take 394 to 439 MB after init
 * (measured, 1.20), beside 280 MB of system, agent, containerd and kubelet. */
#define KUBE_PLANE_RAM_BYTES ((uint64_t)640 << 20)

struct kube_budget {
        uint64_t function_bytes; /* most that functions may use together */
        uint64_t pod_bytes;      /* what the kubelet may give to pods; 0 without Kubernetes */
        uint64_t system_reserved_bytes; /* the rest of the RAM, functions included: what the
                                           kubelet must keep its hands off (systemReserved) */
};

/* With Kubernetes the system keeps 150 MB, agent and gateway 20, containerd 70, kubelet 40, but
 * never more than three quarters of the RAM.  Of what is left
 *      pods of a worker    get half, at most 250 MB, and a quarter of what RAM is above 1000 MB;
 *      a control plane's   500 MB (less where functions would have below 64 MB), and a quarter of
 *                          what RAM is above 1800 MB; on a PC at most 4 GB;
 *      functions           the rest, and never more than they have without Kubernetes.
 * So pods and functions together never reach the system's part, and all of them grow with the RAM.
 * A 1 GB board that shows 880 MB: worker 250 for pods and 350 for functions, control plane 500 and
 * 100.
 *
 * Without Kubernetes functions have board_function_bytes(), which leaves room for a kubelet that
 * may come later.  They could have 128 MB more on a 1 GB board and 528 MB more from 2 GB up; but
 * then functions that run would have to go when Kubernetes is switched on. */
void kube_budget(const struct board *b, bool carries_control_plane, bool kubernetes,
                 struct kube_budget *ret);

/* Is the board too small for the control plane's pods?  Then its node gets a taint, and it is no
 * candidate for master. */
bool kube_budget_small(const struct board *b);

#endif
