/* fuzz_kube_node - lists of nodes come from whatever answers as the API server; patches are made
 * from what they say. */
#include "fuzz.h"

#include "io/kube_node.h"

#include "base/scope.h"

static void on_node(void *arg, const struct kube_node *n) {
        static const struct kube_label labels[] = { { "a", "b" }, { "c", NULL } };
        static const struct kube_taint taints[] = { { "a", "b", "NoSchedule" }, { "c", "", NULL } };
        const struct kube_node_want want = { .labels = labels,
                                             .n_labels = ARRAY_SIZE(labels),
                                             .taints = taints,
                                             .n_taints = ARRAY_SIZE(taints),
                                             .pod_cidr = "10.244.1.0/24",
                                             .schedulable = true };
        char path[SIZE_KUBE_PATH], *patch = NULL;

        (void)arg;
        if (kube_node_path(n->name, path) < 0)
                abort(); /* a node's name is one that can be asked for */
        if (kube_node_patch(n, &want, &patch) == 1)
                free(patch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char more[SIZE_KUBE_CONTINUE], path[SIZE_KUBE_PATH];
        struct fail f = { 0 };

        fuzz_took = kube_nodes_parse((const char *)data, size, on_node, NULL, more, &f) == 0;
        if (fuzz_took && kube_nodes_path(more, path) < 0)
                abort();
        return 0;
}
