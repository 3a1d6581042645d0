/* kubeadm_config - writes what kubeadm is started with: its configuration for init and join in the
 * API that its version takes, the patches of its static pods, its arguments.  Pure. */
#ifndef BRAMBLE_CORE_KUBEADM_CONFIG_H
#define BRAMBLE_CORE_KUBEADM_CONFIG_H

#include "base/fail.h"
#include "core/kube_version.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
        KUBEADM_SANS = 128,               /* extra names in the API server's certificate */
        KUBEADM_LABELS = 16,              /* of one node */
        KUBEADM_TAINTS = 4,               /* besides the control plane's own */
        KUBEADM_CA_HASHES = 2,            /* two while a CA is changed */
        KUBEADM_CONFIG_BYTES = 64 * 1024, /* no configuration is longer */
        KUBEADM_ARGUMENTS = 24,
        KUBEADM_IGNORED = 16, /* preflight errors, and phases that are skipped */
        KUBEADM_LABEL_SIZE = 64,
};

enum kubeadm_api {
        KUBEADM_V1BETA2, /* 1.15 to 1.21 */
        KUBEADM_V1BETA3, /* 1.22 to 1.30 */
        KUBEADM_V1BETA4, /* 1.31 and newer */
};

struct kubeadm_label {
        const char *key;   /* "bramble.io/board" */
        const char *value; /* "3Bplus", perhaps "" */
};

struct kubeadm_taint {
        const char *key;
        const char *value;  /* NULL: none */
        const char *effect; /* "NoSchedule", "PreferNoSchedule", "NoExecute" */
};

/* What is to be.  Texts are borrowed while a call lasts; NULL where "may be NULL" is said. */
struct kubeadm_settings {
        struct kube_version version;    /* of kubeadm itself: chooses the API */
        struct kube_version kubernetes; /* of the control plane; 0.0.0: kubeadm's own */

        /* ---- the cluster (init) ---- */
        const char *cluster_name;     /* may be NULL: kubeadm's "kubernetes" */
        const char *endpoint_name;    /* controlPlaneEndpoint, kept in /etc/hosts by the agents */
        uint16_t endpoint_port;       /* 0: 6443 */
        const char *pod_subnet;       /* "10.244.0.0/16" */
        const char *service_subnet;   /* may be NULL: kubeadm's 10.96.0.0/12 */
        const char *image_repository; /* may be NULL: kubeadm's */
        const char *sans[KUBEADM_SANS];
        size_t n_sans;
        const char *cgroup_driver; /* "cgroupfs", "systemd", or NULL: the kubelet's own */
        bool swap_allowed;         /* the kubelets start although there is swap */
        bool small;                /* boards of 1 GB with SD cards: the figures of the profile */

        /* ---- this node ---- */
        const char *node_name;
        const char *advertise_address; /* of the API server; for workers not needed */
        uint16_t bind_port;            /* of the API server; 0: 6443 */
        const char *cri_socket;        /* "unix:///run/containerd/containerd.sock" or a path */
        const char *node_ip;           /* may be NULL: the kubelet finds its own */
        const char *resolv_conf;       /* may be NULL */
        uint32_t system_reserved_mib;  /* memory that no pod gets; 0: none */
        uint32_t kube_reserved_mib;
        struct kubeadm_label labels[KUBEADM_LABELS];
        size_t n_labels;
        struct kubeadm_taint taints[KUBEADM_TAINTS];
        size_t n_taints;
        bool control_plane_taint; /* the control plane's usual one, for a node that is one */
        bool control_plane;       /* join: as one more control plane */
        bool arm32;               /* etcd on 32-bit Arm must be told that this is meant */
        const char *patches;      /* folder of kubeadm_patch()'s files; may be NULL */

        /* ---- secrets ---- */
        const char *token;           /* "abcdef.0123456789abcdef" */
        uint32_t token_ttl_seconds;  /* init: never 0, which kubeadm takes for "for ever" */
        const char *certificate_key; /* 64 hex digits; may be NULL; for further control planes */
        const char *ca_hashes[KUBEADM_CA_HASHES]; /* join: "sha256:" and 64 hex digits */
        size_t n_ca_hashes;
};

/* Which API this kubeadm takes.  -EOPNOTSUPP below 1.15. */
int kubeadm_api(struct kube_version version, enum kubeadm_api *ret, struct fail *f);

/* Adds the configuration to 'out' (cleared by the caller if the call fails).  It holds secrets:
 * mode 0600, and gone after kubeadm ended.  Every value is checked, whoever gave it: -EINVAL with
 * a sentence that names it.  -EOPNOTSUPP where this kubeadm cannot do it. */
int kubeadm_config_init(const struct kubeadm_settings *s, struct buf *out, struct fail *f);
int kubeadm_config_join(const struct kubeadm_settings *s, struct buf *out, struct fail *f);

/* The patches of static pods that these settings want on a node with a control plane: lower CPU
 * requests (small), and etcd's environment (arm32, before v1beta4 could say it).  0 below
 * 1.19, which has no patches, and where none is wanted.  Then 'patches' may be NULL. */
size_t kubeadm_patches(const struct kubeadm_settings *s);
/* The name of the i-th file (static text) and its content, added to 'out'.  -ENOMEM. */
int kubeadm_patch(const struct kubeadm_settings *s, size_t i, const char **ret_name,
                  struct buf *out);

/* A text as the value of a label: "3B+" -> "3Bplus"; other bytes that labels do not take become
 * '-', the ends are trimmed.  Returns dst. */
char *kubeadm_label_value(char dst[static KUBEADM_LABEL_SIZE], const char *text);

enum kubeadm_verb {
        KUBEADM_VERSION,         /* as JSON */
        KUBEADM_INIT,            /* config, ignore, skip, patches, upload_certs */
        KUBEADM_JOIN,            /* config, ignore, skip, patches */
        KUBEADM_RESET,           /* cri_socket, ignore */
        KUBEADM_RENEW,           /* config; may be NULL: what the cluster says */
        KUBEADM_EXPIRY,          /* of the certificates */
        KUBEADM_IMAGES,          /* the list of them; config */
        KUBEADM_MAKE_CA,         /* config: only the CA and its key */
        KUBEADM_MAKE_CERTS,      /* config: all certificates and keys that are missing */
        KUBEADM_MAKE_KUBECONFIG, /* config: all of admin.conf ... that are missing */
        KUBEADM_ADD_TOKEN,       /* config: makes the token in it; never in an argument */
        KUBEADM_UPLOAD_CERTS,    /* config: encrypted by the certificate key in it */
};

struct kubeadm_call {
        enum kubeadm_verb verb;
        struct kube_version version;         /* kubeadm's */
        const char *program;                 /* "/usr/bin/kubeadm" */
        const char *config;                  /* path */
        const char *patches;                 /* folder; may be NULL */
        const char *cri_socket;              /* reset; may be NULL where there is but one */
        const char *ignore[KUBEADM_IGNORED]; /* "Mem", "Swap" ... */
        size_t n_ignore;
        const char *skip[KUBEADM_IGNORED]; /* phases: "addon/kube-proxy" */
        size_t n_skip;
        bool upload_certs; /* init: for further control planes */
};

/* An argv that points into itself and into the call's texts: do not copy. */
struct kubeadm_arguments {
        const char *argv[KUBEADM_ARGUMENTS + 1]; /* NULL at the end */
        size_t n;
        char ignore[512], skip[512], patches[300];
};

/* The arguments in the spelling of this version.  No secret is among them, and kubeadm is told not
 * to print any.  -EINVAL (a value that is none, a config that is missing), -ENAMETOOLONG,
 * -EOPNOTSUPP below 1.15. */
int kubeadm_arguments(const struct kubeadm_call *call, struct kubeadm_arguments *ret,
                      struct fail *f);

#endif
