/* kube - this board's part of the bramble's Kubernetes cluster: looks at how things are, lets
 * core/kube_plan decide, and does what it says. */
#ifndef BRAMBLE_DAEMON_KUBE_H
#define BRAMBLE_DAEMON_KUBE_H

#include "daemon/agent.h"
#include "io/kube_preflight.h"

/* The name of the control plane that every board keeps in /etc/hosts: when it moves, only the
 * address behind the name changes. */
#define KUBE_ENDPOINT "kubernetes.bramble"
enum { KUBE_API_PORT = 6443 };

int kube_open(struct agent *a, struct fail *f);

/* A newer picture of the bramble has come, or the LAN address changed. */
void kube_world_changed(struct agent *a);
/* containerd came or went. */
void kube_containerd(struct agent *a, bool available);

/* What the agent checks before it starts kubeadm, as it is now; false where this board takes no
 * part in Kubernetes (off, or not installed). */
bool kube_preflight_now(struct agent *a, struct preflight *ret);

void kube_report(const struct agent *a, struct report_kube *ret);

/* The IPv4 address (host order) at which this board finds the API: its own where that answers,
 * else another control plane's; 0: nobody's is known. */
uint32_t kube_endpoint(const struct agent *a);

/* Memory that functions may use on this board, as it carries a control plane or not. */
uint64_t kube_function_bytes(const struct agent *a);

#endif
