#include "core/kubeadm_private.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>

/* A slow board's patience: five minutes are not enough for an API server on a 3B with a cold
 * cache; kubeadm's own are 4, 4, 5, 5, 1 and 2 minutes. */
#define PATIENCE "15m0s"

struct argument {
        const char *name;
        const char *value; /* NULL: not given */
};

/* For boards of 1 GB; the figures ran in 1 GB (apiserver, kubelet), or suit SD cards, whose fsync
 * stalls for seconds (etcd, leases). */
#define LEASES                                                                              \
        { "leader-elect-lease-duration", "30s" }, { "leader-elect-renew-deadline", "20s" }, \
                { "leader-elect-retry-period", "2s" }, {                                    \
                "profiling", "false"                                                        \
        }

static const struct argument apiserver_small[] = {
        { "default-watch-cache-size", "20" },
        { "event-ttl", "30m" },
        { "max-mutating-requests-inflight", "50" },
        { "max-requests-inflight", "100" },
        { "profiling", "false" },
};
/* The agents give each node its part of the pods' subnet. */
static const struct argument manager[] = { { "allocate-node-cidrs", "false" } };
static const struct argument manager_small[] = {
        { "allocate-node-cidrs", "false" },
        LEASES,
        { "terminated-pod-gc-threshold", "10" },
};
static const struct argument scheduler_small[] = { LEASES };
static const struct argument etcd_small[] = {
        { "election-timeout", "5000" },
        { "heartbeat-interval", "500" },
        { "quota-backend-bytes", "268435456" },
        { "snapshot-count", "5000" },
};

int kubeadm_api(struct kube_version version, enum kubeadm_api *ret, struct fail *f) {
        char text[KUBE_VERSION_SIZE];

        if (version.major != 1 || version.minor < 15)
                return fail(f, -EOPNOTSUPP, "kubeadm %s is not supported: 1.15 and newer are",
                            kube_version_text(text, version));
        *ret = version.minor < 22   ? KUBEADM_V1BETA2
               : version.minor < 31 ? KUBEADM_V1BETA3
                                    : KUBEADM_V1BETA4;
        return 0;
}

static const char *api_text(enum kubeadm_api api) {
        switch (api) {
        case KUBEADM_V1BETA2:
                return "kubeadm.k8s.io/v1beta2";
        case KUBEADM_V1BETA3:
                return "kubeadm.k8s.io/v1beta3";
        case KUBEADM_V1BETA4:
                return "kubeadm.k8s.io/v1beta4";
        }
        return "";
}

/* A map up to v1beta3, a list of names and values from v1beta4 on. */
static void arguments(struct yaml *y, enum kubeadm_api api, unsigned level, const char *key,
                      const struct argument *list, size_t n) {
        bool opened = false;

        for (size_t i = 0; i < n; i++) {
                if (!list[i].value)
                        continue;
                if (!opened)
                        yaml_open(y, level, key);
                opened = true;
                if (api == KUBEADM_V1BETA4) {
                        yaml_line(y, level, "- name: %s", list[i].name);
                        yaml_text(y, level + 1, "value", list[i].value);
                } else {
                        yaml_text(y, level + 1, list[i].name, list[i].value);
                }
        }
}

/* "bramble-api:6443" */
static const char *endpoint(char dst[static 300], const struct kubeadm_settings *s) {
        unsigned port = s->endpoint_port ? s->endpoint_port : (unsigned)KUBEADM_PORT;

        (void)snprintf(dst, 300, "%s:%u", s->endpoint_name, port);
        return dst;
}

static void taint(struct yaml *y, const char *key, const char *value, const char *effect) {
        yaml_line(y, 1, "- effect: %s", effect);
        yaml_text(y, 2, "key", key);
        yaml_text(y, 2, "value", value);
}

/* All of them are written out: a list that is not there would mean kubeadm's own. */
static void taints(struct yaml *y, const struct kubeadm_settings *s, bool control_plane) {
        bool own = control_plane && s->control_plane_taint;

        if (!own && s->n_taints == 0) {
                yaml_line(y, 1, "taints: []");
                return;
        }
        yaml_open(y, 1, "taints");
        /* renamed in 1.24, which wants both */
        if (own && !kube_version_from(s->version, 1, 25))
                taint(y, "node-role.kubernetes.io/master", NULL, "NoSchedule");
        if (own && kube_version_from(s->version, 1, 24))
                taint(y, "node-role.kubernetes.io/control-plane", NULL, "NoSchedule");
        for (size_t i = 0; i < s->n_taints; i++)
                taint(y, s->taints[i].key, s->taints[i].value, s->taints[i].effect);
}

static int label_list(const struct kubeadm_settings *s, struct buf *out) {
        int r = buf_add_text(out, "");

        for (size_t i = 0; r == 0 && i < s->n_labels; i++)
                r = buf_printf(out, "%s%s=%s", i ? "," : "", s->labels[i].key, s->labels[i].value);
        return r;
}

static const char *memory(char dst[static 32], uint32_t mib) {
        if (mib == 0)
                return NULL;
        (void)snprintf(dst, 32, "memory=%luMi", (unsigned long)mib);
        return dst;
}

/* Flags of this kubelet alone: the KubeletConfiguration is one for all nodes. */
static void kubelet_flags(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api,
                          const char *labels) {
        /* from 1.34 on the kubelet asks the runtime, and the flag goes */
        bool asks = kube_version_from(s->version, 1, 34);
        char system[32], kube[32];
        const struct argument flags[] = {
                { "cgroup-driver", asks ? NULL : s->cgroup_driver },
                { "kube-reserved", memory(kube, s->kube_reserved_mib) },
                { "node-ip", s->node_ip },
                { "node-labels", labels[0] ? labels : NULL },
                { "resolv-conf", s->resolv_conf },
                { "system-reserved", memory(system, s->system_reserved_mib) },
        };

        arguments(y, api, 1, "kubeletExtraArgs", flags, ARRAY_SIZE(flags));
}

static void node(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api,
                 bool control_plane) {
        auto_buf struct buf labels = { 0 };
        char socket[300];

        if (y->error == 0)
                y->error = label_list(s, &labels);
        if (y->error < 0)
                return;
        yaml_open(y, 0, "nodeRegistration");
        yaml_text(y, 1, "name", s->node_name);
        /* without the scheme it is deprecated from 1.24 on; before, both go */
        (void)snprintf(socket, sizeof(socket), "%s%s",
                       kube_version_from(s->version, 1, 24) && s->cri_socket[0] == '/' ? "unix://"
                                                                                       : "",
                       s->cri_socket);
        yaml_text(y, 1, "criSocket", socket);
        taints(y, s, control_plane);
        kubelet_flags(y, s, api, labels.data);
}

static void local_endpoint(struct yaml *y, const struct kubeadm_settings *s, unsigned level) {
        yaml_open(y, level, "localAPIEndpoint");
        yaml_text(y, level + 1, "advertiseAddress", s->advertise_address);
        yaml_line(y, level + 1, "bindPort: %d", s->bind_port ? s->bind_port : KUBEADM_PORT);
}

/* Before v1beta3 the folder is an argument. */
static void patches(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api) {
        if (api == KUBEADM_V1BETA2 || kubeadm_patches(s) == 0)
                return;
        yaml_open(y, 0, "patches");
        yaml_text(y, 1, "directory", s->patches);
}

static void timeouts(struct yaml *y, enum kubeadm_api api) {
        if (api != KUBEADM_V1BETA4)
                return;
        yaml_open(y, 0, "timeouts");
        yaml_line(y, 1, "controlPlaneComponentHealthCheck: " PATIENCE);
        yaml_line(y, 1, "discovery: 5m0s");
        yaml_line(y, 1, "etcdAPICall: 5m0s");
        yaml_line(y, 1, "kubeletHealthCheck: " PATIENCE);
        yaml_line(y, 1, "kubernetesAPICall: 5m0s");
        yaml_line(y, 1, "tlsBootstrap: " PATIENCE);
}

static void init_configuration(struct yaml *y, const struct kubeadm_settings *s,
                               enum kubeadm_api api) {
        yaml_document(y, api_text(api), "InitConfiguration");
        yaml_open(y, 0, "bootstrapTokens");
        yaml_line(y, 0, "- groups:");
        yaml_item(y, 1, "system:bootstrappers:kubeadm:default-node-token");
        yaml_text(y, 1, "token", s->token);
        yaml_line(y, 1, "ttl: %lus", (unsigned long)s->token_ttl_seconds);
        yaml_open(y, 1, "usages");
        yaml_item(y, 1, "signing");
        yaml_item(y, 1, "authentication");
        yaml_text(y, 0, "certificateKey", s->certificate_key);
        local_endpoint(y, s, 0);
        node(y, s, api, true);
        patches(y, s, api);
        timeouts(y, api);
}

static void api_server(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api) {
        if (api == KUBEADM_V1BETA4 && !s->small && s->n_sans == 0)
                return;
        yaml_open(y, 0, "apiServer");
        if (s->n_sans > 0)
                yaml_open(y, 1, "certSANs");
        for (size_t i = 0; i < s->n_sans; i++)
                yaml_item(y, 1, s->sans[i]);
        if (s->small)
                arguments(y, api, 1, "extraArgs", apiserver_small, ARRAY_SIZE(apiserver_small));
        if (api != KUBEADM_V1BETA4)
                yaml_line(y, 1, "timeoutForControlPlane: " PATIENCE);
}

static void etcd(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api) {
        yaml_open(y, 0, "etcd");
        yaml_open(y, 1, "local");
        yaml_line(y, 2, "dataDir: /var/lib/etcd");
        if (s->small)
                arguments(y, api, 2, "extraArgs", etcd_small, ARRAY_SIZE(etcd_small));
        if (s->arm32 && api == KUBEADM_V1BETA4) {
                yaml_open(y, 2, "extraEnvs");
                yaml_line(y, 2, "- name: ETCD_UNSUPPORTED_ARCH");
                yaml_text(y, 3, "value", "arm");
        }
}

static void cluster_configuration(struct yaml *y, const struct kubeadm_settings *s,
                                  enum kubeadm_api api) {
        char version[KUBE_VERSION_SIZE], name[300];
        bool own = s->kubernetes.major == 0;

        yaml_document(y, api_text(api), "ClusterConfiguration");
        yaml_text(y, 0, "clusterName", s->cluster_name);
        yaml_text(y, 0, "controlPlaneEndpoint", endpoint(name, s));
        yaml_text(y, 0, "imageRepository", s->image_repository);
        yaml_text(y, 0, "kubernetesVersion",
                  kube_version_text(version, own ? s->version : s->kubernetes));
        yaml_open(y, 0, "networking");
        yaml_text(y, 1, "podSubnet", s->pod_subnet);
        yaml_text(y, 1, "serviceSubnet", s->service_subnet);
        api_server(y, s, api);
        yaml_open(y, 0, "controllerManager");
        if (s->small)
                arguments(y, api, 1, "extraArgs", manager_small, ARRAY_SIZE(manager_small));
        else
                arguments(y, api, 1, "extraArgs", manager, ARRAY_SIZE(manager));
        if (s->small) {
                yaml_open(y, 0, "scheduler");
                arguments(y, api, 1, "extraArgs", scheduler_small, ARRAY_SIZE(scheduler_small));
        }
        etcd(y, s, api);
}

static void kubelet_configuration(struct yaml *y, const struct kubeadm_settings *s) {
        yaml_document(y, "kubelet.config.k8s.io/v1beta1", "KubeletConfiguration");
        yaml_text(y, 0, "cgroupDriver", s->cgroup_driver);
        yaml_line(y, 0, "failSwapOn: %s", s->swap_allowed ? "false" : "true");
        if (!s->small)
                return;
        yaml_line(y, 0, "containerLogMaxFiles: 2");
        yaml_line(y, 0, "containerLogMaxSize: 2Mi");
        /* given one, the kubelet's other thresholds are gone: they are all here */
        yaml_open(y, 0, "evictionHard");
        yaml_line(y, 1, "imagefs.available: \"5%%\"");
        yaml_line(y, 1, "memory.available: 50Mi");
        yaml_line(y, 1, "nodefs.available: \"5%%\"");
        yaml_line(y, 1, "nodefs.inodesFree: \"5%%\"");
        yaml_line(y, 0, "maxPods: 20");
        yaml_line(y, 0, "nodeStatusUpdateFrequency: 10s");
        yaml_line(y, 0, "serializeImagePulls: true");
}

static void proxy_configuration(struct yaml *y, const struct kubeadm_settings *s) {
        yaml_document(y, "kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration");
        yaml_text(y, 0, "clusterCIDR", s->pod_subnet);
        yaml_open(y, 0, "conntrack");
        yaml_line(y, 1, "maxPerCore: 0"); /* leaves the kernel's limit alone */
}

int kubeadm_config_init(const struct kubeadm_settings *s, struct buf *out, struct fail *f) {
        struct yaml y = { .out = out };
        enum kubeadm_api api = KUBEADM_V1BETA2;
        int r = kubeadm_api(s->version, &api, f);

        if (r == 0)
                r = kubeadm_check_init(s, f);
        if (r < 0)
                return r;
        init_configuration(&y, s, api);
        cluster_configuration(&y, s, api);
        kubelet_configuration(&y, s);
        proxy_configuration(&y, s);
        return y.error < 0 ? fail(f, y.error, "no memory for kubeadm's configuration") : 0;
}

static void discovery(struct yaml *y, const struct kubeadm_settings *s, enum kubeadm_api api) {
        char name[300];

        yaml_open(y, 0, "discovery");
        yaml_open(y, 1, "bootstrapToken");
        yaml_text(y, 2, "apiServerEndpoint", endpoint(name, s));
        yaml_open(y, 2, "caCertHashes");
        for (size_t i = 0; i < s->n_ca_hashes; i++)
                yaml_item(y, 2, s->ca_hashes[i]);
        yaml_text(y, 2, "token", s->token);
        if (api != KUBEADM_V1BETA4)
                yaml_line(y, 1, "timeout: 5m0s");
        yaml_text(y, 1, "tlsBootstrapToken", s->token);
}

int kubeadm_config_join(const struct kubeadm_settings *s, struct buf *out, struct fail *f) {
        struct yaml y = { .out = out };
        enum kubeadm_api api = KUBEADM_V1BETA2;
        int r = kubeadm_api(s->version, &api, f);

        if (r == 0)
                r = kubeadm_check_join(s, f);
        if (r < 0)
                return r;
        yaml_document(&y, api_text(api), "JoinConfiguration");
        if (s->control_plane) {
                yaml_open(&y, 0, "controlPlane");
                yaml_text(&y, 1, "certificateKey", s->certificate_key);
                local_endpoint(&y, s, 1);
        }
        discovery(&y, s, api);
        node(&y, s, api, s->control_plane);
        if (s->control_plane)
                patches(&y, s, api);
        timeouts(&y, api);
        return y.error < 0 ? fail(f, y.error, "no memory for kubeadm's configuration") : 0;
}
