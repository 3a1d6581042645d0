#include "core/kube_budget.h"

#include "base/str.h"

#define MB ((uint64_t)1 << 20)

enum {
        SYSTEM_MB = 150 + 20 + 70 + 40, /* system, agent and gateway, containerd, kubelet */
        WORKER_PODS_MB = 250,
        WORKER_BASE_MB = 1000, /* above it a quarter goes to pods */
        PLANE_PODS_MB = 500,
        PLANE_BASE_MB = 1800,
        FUNCTIONS_LEAST_MB = 64, /* one small function beside a control plane */
        PC_PODS_MOST_MB = 4096,
};

static uint64_t smaller(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

/* a - b, 0 where b is larger. */
static uint64_t above(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

static uint64_t worker_pods(uint64_t ram, uint64_t left) {
        return smaller(WORKER_PODS_MB * MB, left / 2) + above(ram, WORKER_BASE_MB * MB) / 4;
}

static uint64_t plane_pods(uint64_t ram, uint64_t left) {
        uint64_t functions = smaller(FUNCTIONS_LEAST_MB * MB, left / 2);

        return smaller(PLANE_PODS_MB * MB, left - functions) + above(ram, PLANE_BASE_MB * MB) / 4;
}

void kube_budget(const struct board *b, bool carries_control_plane, bool kubernetes,
                 struct kube_budget *ret) {
        bool pc = str_eq(b->id, "PC");
        uint64_t ram = b->ram_bytes, functions = board_function_bytes(ram, pc), left, pods;

        if (!kubernetes) {
                *ret = (struct kube_budget){ .function_bytes = functions,
                                             .system_reserved_bytes = ram };
                return;
        }
        left = larger(above(ram, SYSTEM_MB * MB), ram / 4);
        pods = carries_control_plane ? plane_pods(ram, left) : worker_pods(ram, left);
        if (pc)
                pods = smaller(pods, PC_PODS_MOST_MB * MB);
        *ret = (struct kube_budget){ .function_bytes = smaller(functions, left - pods),
                                     .pod_bytes = pods,
                                     .system_reserved_bytes = ram - pods };
}

bool kube_budget_small(const struct board *b) {
        return b->ram_bytes < KUBE_PLANE_RAM_BYTES;
}
