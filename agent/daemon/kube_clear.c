/* kube_clear - steps that take a node away: the kubelet, its pods, kubeadm's files. */
#include "base/str.h"
#include "daemon/kube_private.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RESET_SEC = 180, QUICK_SEC = 60 };

/* A reset that is cut off half-way leaves no whole node. */
int kube_step_undone(struct kube_job *j) {
        struct kube_marker *m = &j->k->seen.marker;
        struct fail f = { 0 };

        if (m->epoch == 0)
                return KUBE_STEP_NEXT;
        m->done = false;
        return kube_marker_write(j->k->agent->config.state_dir, m, &f) < 0
                       ? kube_job_no(j, "%s", fail_text(&f))
                       : KUBE_STEP_NEXT;
}

static void on_job(void *arg, int result, enum unit_state state) {
        struct kube_job *j = arg;

        (void)state;
        if (result == -ENOENT)
                kube_job_next(j); /* there is no such unit: nothing runs */
        else if (result < 0)
                kube_job_fail(j, "systemd: %s", strerror(-result));
        else
                kube_job_next(j);
}

int kube_step_stop_kubelet(struct kube_job *j) {
        int r = units_job(j->k->units, "stop", "kubelet.service", on_job, j);

        return r < 0 ? kube_job_no(j, "systemd does not answer: %s", strerror(-r)) : KUBE_STEP_WAIT;
}

static void on_pods(void *arg, int result, const char *why, const struct cri_pod *pods, size_t n) {
        struct kube_job *j = arg;

        if (result < 0) {
                kube_job_fail(j, "containerd: %s", why);
                return;
        }
        j->n_pods = 0;
        j->pods = calloc(n + 1, sizeof(*j->pods));
        for (size_t i = 0; j->pods && i < n; i++) {
                struct kube_job_pod *p = &j->pods[j->n_pods++];

                (void)str_copy(p->id, sizeof(p->id), pods[i].id);
                (void)snprintf(p->name, sizeof(p->name), "%s", pods[i].name);
        }
        kube_job_next(j);
}

int kube_step_list_pods(struct kube_job *j) {
        j->pod = 0;
        if (cri_pods(j->k->cri, NULL, on_pods, j) < 0)
                return kube_job_no(j, "containerd does not answer");
        return KUBE_STEP_WAIT;
}

static void stop_next(struct kube_job *j);

static void on_removed(void *arg, int result, const char *why) {
        struct kube_job *j = arg;

        if (result < 0)
                log_debug("kubernetes: a pod is not gone yet: %s", why);
        stop_next(j);
}

static void stop_next(struct kube_job *j) {
        while (j->pod < j->n_pods)
                if (cri_pod_remove(j->k->cri, j->pods[j->pod++].id, on_removed, j) == 0)
                        return;
        kube_job_next(j);
}

int kube_step_stop_pods(struct kube_job *j) {
        while (j->pod < j->n_pods)
                if (cri_pod_remove(j->k->cri, j->pods[j->pod++].id, on_removed, j) == 0)
                        return KUBE_STEP_WAIT;
        return KUBE_STEP_NEXT;
}

/* Without these two kubeadm asks nobody: an API server or an etcd that is gone would be waited for,
 * for minutes.  What the cluster remembers of this board the control plane clears away
 * (kube_nodes). */
int kube_step_kubeadm_reset(struct kube_job *j) {
        const struct kube_seen *s = &j->k->seen;
        struct kubeadm_call call = { .verb = KUBEADM_RESET,
                                     .version = s->version,
                                     .program = s->files.programs[KUBE_KUBEADM].path,
                                     .cri_socket = j->k->agent->config.containerd };

        (void)unlinkat(j->k->root_fd, "etc/kubernetes/admin.conf", 0);
        (void)unlinkat(j->k->root_fd, "etc/kubernetes/manifests/etcd.yaml", 0);
        j->forgive = true;
        return kube_job_kubeadm(j, &call, RESET_SEC);
}

/* What kubeadm leaves, so that the next try begins on an empty board.  One file system: what is
 * still mounted is not ours to delete. */
int kube_step_wipe(struct kube_job *j) {
        static const char *const argv[] = { "/usr/bin/find",
                                            "/etc/kubernetes/manifests",
                                            "/etc/kubernetes/pki",
                                            "/etc/kubernetes/admin.conf",
                                            "/etc/kubernetes/super-admin.conf",
                                            "/etc/kubernetes/kubelet.conf",
                                            "/etc/kubernetes/bootstrap-kubelet.conf",
                                            "/etc/kubernetes/controller-manager.conf",
                                            "/etc/kubernetes/scheduler.conf",
                                            "/etc/kubernetes/tmp",
                                            "/var/lib/etcd/",
                                            "/var/lib/kubelet/",
                                            "/run/cni/bramble",
                                            "-xdev",
                                            "-depth",
                                            "!",
                                            "-path",
                                            "/var/lib/etcd/",
                                            "!",
                                            "-path",
                                            "/var/lib/kubelet/",
                                            "-delete",
                                            NULL };

        j->forgive = true; /* not all of these are there; kube_step_cleared() looks */
        return kube_job_run(j, argv, QUICK_SEC, NULL);
}

/* ---- what a failed try left ------------------------------------------------------------------ */

static bool dirty(const struct kube_job *j) {
        return j->k->seen.files.has & KUBE_NODE_FILES;
}

int kube_step_clear_stop(struct kube_job *j) {
        struct kube_files files;

        if (kube_files_read(j->k->root_fd, &files) == 0)
                j->k->seen.files = files;
        j->dirty = dirty(j);
        return j->dirty ? kube_step_stop_kubelet(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_list(struct kube_job *j) {
        return j->dirty ? kube_step_list_pods(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_reset(struct kube_job *j) {
        return j->dirty ? kube_step_kubeadm_reset(j) : KUBE_STEP_NEXT;
}

int kube_step_clear_wipe(struct kube_job *j) {
        return j->dirty ? kube_step_wipe(j) : KUBE_STEP_NEXT;
}

int kube_step_cleared(struct kube_job *j) {
        struct kube_files files;

        if (kube_files_read(j->k->root_fd, &files) < 0)
                return kube_job_no(j, "the card cannot be read");
        j->k->seen.files = files;
        if (dirty(j))
                return kube_job_no(j, "what is in /etc/kubernetes, /var/lib/etcd or "
                                      "/var/lib/kubelet cannot be removed");
        return KUBE_STEP_NEXT;
}
