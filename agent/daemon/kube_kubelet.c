/* kube_kubelet - starting, restarting and stopping what is set up, and renewing its certificates.
 */
#include "base/str.h"
#include "daemon/kube_private.h"
#include "io/log.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RENEW_SEC = 120 };

static void on_job(void *arg, int result, enum unit_state state) {
        struct kube_job *j = arg;

        (void)state;
        if (result < 0)
                kube_job_fail(j, "systemd: %s", strerror(-result));
        else
                kube_job_next(j);
}

static int job(struct kube_job *j, const char *verb) {
        int r = units_job(j->k->units, verb, "kubelet.service", on_job, j);

        return r < 0 ? kube_job_no(j, "systemd does not answer: %s", strerror(-r)) : KUBE_STEP_WAIT;
}

static int step_open_gate(struct kube_job *j) {
        struct fail f = { 0 };

        if (kube_network(j->k, true, &f) < 0)
                return kube_job_no(j, "%s", fail_text(&f));
        kube_gate(j->k, true);
        return KUBE_STEP_NEXT;
}

static int step_close_gate(struct kube_job *j) {
        kube_gate(j->k, false);
        return KUBE_STEP_NEXT;
}

static int step_start(struct kube_job *j) {
        return job(j, "start");
}

static int step_restart(struct kube_job *j) {
        return job(j, "restart");
}

/* ---- certificates ---------------------------------------------------------------------------- */

static int step_renew(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_call call = { .verb = KUBEADM_RENEW,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path };

        return kube_job_kubeadm(j, &call, RENEW_SEC);
}

/* `certs renew` leaves the kubelet's own alone, which the kubelet renews; not once it has ended. */
static int step_kubelet_conf(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_call call = { .verb = KUBEADM_MAKE_KUBECONFIG,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .config = kube_job_path(j, "kubeadm.yaml") };
        int r;

        if (s->files.kubelet_expires == 0 || s->files.kubelet_expires > (int64_t)time(NULL))
                return KUBE_STEP_NEXT;
        r = kube_step_token(j); /* the configuration wants one; nobody learns it */
        if (r != KUBE_STEP_NEXT || (r = kube_step_config(j)) != KUBE_STEP_NEXT)
                return r;
        (void)unlinkat(j->k->root_fd, "etc/kubernetes/kubelet.conf", 0);
        return kube_job_kubeadm(j, &call, RENEW_SEC);
}

/* The programs of a control plane read their certificates when they start: their pods go, and the
 * kubelet makes them again. */
static int step_keep_control_plane(struct kube_job *j) {
        static const char *const names[] = { "etcd-", "kube-apiserver-", "kube-controller-manager-",
                                             "kube-scheduler-" };
        unsigned kept = 0;

        for (unsigned i = 0; i < j->n_pods; i++)
                for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
                        if (str_starts(j->pods[i].name, names[n])) {
                                j->pods[kept++] = j->pods[i];
                                break;
                        }
        j->n_pods = kept;
        return KUBE_STEP_NEXT;
}

const struct kube_step kube_start_steps[] = { { NULL, step_open_gate },
                                              { "starting the kubelet", step_start },
                                              { NULL, NULL } };
const struct kube_step kube_restart_steps[] = { { NULL, step_open_gate },
                                                { "restarting the kubelet", step_restart },
                                                { NULL, NULL } };
const struct kube_step kube_stop_steps[] = { { NULL, step_close_gate },
                                             { "stopping the kubelet", kube_step_stop_kubelet },
                                             { "stopping pods", kube_step_list_pods },
                                             { NULL, kube_step_stop_pods },
                                             { NULL, NULL } };
const struct kube_step kube_renew_steps[] = { { "renewing certificates", step_renew },
                                              { NULL, step_kubelet_conf },
                                              { NULL, step_restart },
                                              { "starting the control plane again",
                                                kube_step_list_pods },
                                              { NULL, step_keep_control_plane },
                                              { NULL, kube_step_stop_pods },
                                              { NULL, NULL } };
/* The control plane was rebuilt with an older etcd: what the kubelet watches begins anew. */
const struct kube_step kube_follow_steps[] = { { NULL, step_restart },
                                               { NULL, kube_step_finish },
                                               { NULL, NULL } };
