/* What kubeadm's configuration cannot say about its static pods. */
#include "core/kubeadm_private.h"

#include "base/scope.h"

/* Where the four pods ask for 650m of a core, what else a small board runs finds no room. */
static const struct {
        const char *pod;
        const char *file;
        const char *cpu;
} pods[] = {
        { "etcd", "etcd+strategic.yaml", "50m" },
        { "kube-apiserver", "kube-apiserver+strategic.yaml", "100m" },
        { "kube-controller-manager", "kube-controller-manager+strategic.yaml", "50m" },
        { "kube-scheduler", "kube-scheduler+strategic.yaml", "25m" },
};

/* v1beta4 has extraEnvs. */
static bool wants_environment(const struct kubeadm_settings *s) {
        return s->arm32 && !kube_version_from(s->version, 1, 31);
}

size_t kubeadm_patches(const struct kubeadm_settings *s) {
        if (!kube_version_from(s->version, 1, 19))
                return 0;
        return s->small ? ARRAY_SIZE(pods) : wants_environment(s) ? 1 : 0;
}

int kubeadm_patch(const struct kubeadm_settings *s, size_t i, const char **ret_name,
                  struct buf *out) {
        struct yaml y = { .out = out };

        yaml_document(&y, "v1", "Pod");
        yaml_open(&y, 0, "metadata");
        yaml_text(&y, 1, "name", pods[i].pod);
        yaml_text(&y, 1, "namespace", "kube-system");
        yaml_open(&y, 0, "spec");
        yaml_open(&y, 1, "containers");
        yaml_line(&y, 1, "- name: %s", pods[i].pod);
        if (i == 0 && wants_environment(s)) {
                yaml_open(&y, 2, "env");
                yaml_line(&y, 2, "- name: ETCD_UNSUPPORTED_ARCH");
                yaml_text(&y, 3, "value", "arm");
        }
        if (s->small) {
                yaml_open(&y, 2, "resources");
                yaml_open(&y, 3, "requests");
                yaml_text(&y, 4, "cpu", pods[i].cpu);
                /* a kubelet that has just started does not know its disk yet, and turns the pod
                 * away for good (kubeadm asks for it no more since 1.21) */
                if (i == 0)
                        yaml_text(&y, 4, "ephemeral-storage", "0");
        }
        if (y.error < 0)
                return y.error;
        *ret_name = pods[i].file;
        return 0;
}
