/* kube_reset - takes Kubernetes off this board: pods, files, network, marker. */
#include "base/scope.h"
#include "daemon/kube_private.h"
#include "io/cni.h"
#include "io/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { QUICK_SEC = 60 };

/* kube-proxy's rules and the CNI plug-ins' outlive them; everybody else's stay. */
static int step_rules(struct kube_job *j) {
        static const char script[] =
                "command -v iptables-save >/dev/null || exit 0; "
                "iptables-save | grep -v -e KUBE- -e CNI- -e '-m comment --comment \"kubernetes' | "
                "iptables-restore";
        static const char *const argv[] = { "/bin/sh", "-c", script, NULL };

        return kube_job_run(j, argv, QUICK_SEC, NULL);
}

static int step_network(struct kube_job *j) {
        struct kube *k = j->k;
        struct fail f = { 0 };

        if (cni_teardown(k->root_fd, k->agent->fnet, &f) < 0 || kube_network(k, false, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        return KUBE_STEP_NEXT;
}

static int step_forget(struct kube_job *j) {
        const struct agent *a = j->k->agent;
        char path[SIZE_PATH + 32];
        struct fail f = { 0 };

        if (kube_marker_remove(a->config.state_dir, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        j->k->seen.marker = (struct kube_marker){ 0 };
        (void)snprintf(path, sizeof(path), "%s/kube/control-plane", a->config.state_dir);
        (void)unlink(path);
        kube_gate(j->k, false);
        return KUBE_STEP_NEXT;
}

const struct kube_step kube_reset_steps[] = { { "leaving the control plane", kube_step_leave },
                                              { NULL, kube_step_undone },
                                              { "stopping the kubelet", kube_step_stop_kubelet },
                                              { "stopping pods", kube_step_list_pods },
                                              { NULL, kube_step_stop_pods },
                                              { "kubeadm reset", kube_step_kubeadm_reset },
                                              { "clearing away", kube_step_wipe },
                                              { NULL, kube_step_cleared },
                                              { NULL, step_rules },
                                              { NULL, step_network },
                                              { NULL, step_forget },
                                              { NULL, NULL } };
