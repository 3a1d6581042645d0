/* kube_files - what this board's card says about Kubernetes: programs, files, certificates. */
#ifndef BRAMBLE_IO_KUBE_FILES_H
#define BRAMBLE_IO_KUBE_FILES_H

#include "io/kube_text.h"

#include <stdbool.h>
#include <stdint.h>

enum kube_program { KUBE_KUBEADM, KUBE_KUBELET, KUBE_KUBECTL, KUBE_CRICTL, KUBE_PROGRAMS };

/* A program, and what changes when another one is put in its place: ask for its version again
 * only then. */
struct kube_program_file {
        char path[40]; /* absolute; "": not there */
        uint64_t inode;
        uint64_t size_bytes;
        int64_t mtime_nsec;
};

/* Files that are there and not empty (a crash leaves empty ones). */
enum kube_has {
        KUBE_HAS_ADMIN_CONF = 1 << 0,
        KUBE_HAS_KUBELET_CONF = 1 << 1,
        KUBE_HAS_BOOTSTRAP_CONF = 1 << 2, /* a join began, and the kubelet has no certificate yet */
        KUBE_HAS_CONTROLLER_CONF = 1 << 3,
        KUBE_HAS_SCHEDULER_CONF = 1 << 4,
        KUBE_HAS_API_MANIFEST = 1 << 5,
        KUBE_HAS_CONTROLLER_MANIFEST = 1 << 6,
        KUBE_HAS_SCHEDULER_MANIFEST = 1 << 7,
        KUBE_HAS_ETCD_MANIFEST = 1 << 8,
        KUBE_HAS_CA_CERT = 1 << 9,
        KUBE_HAS_CA_KEY = 1 << 10,
        KUBE_HAS_ETCD_CA_CERT = 1 << 11,
        KUBE_HAS_ETCD_CA_KEY = 1 << 12,
        KUBE_HAS_FRONT_CA_CERT = 1 << 13,
        KUBE_HAS_FRONT_CA_KEY = 1 << 14,
        KUBE_HAS_SA_KEY = 1 << 15,
        KUBE_HAS_KUBELET_CONFIG = 1 << 16,
        KUBE_HAS_KUBELET_FLAGS = 1 << 17,
        KUBE_HAS_KUBELET_CERT = 1 << 18, /* kubelet-client-current.pem */
        KUBE_HAS_ETCD_DATA = 1 << 19,    /* a folder */
        KUBE_HAS_KUBELET_UNIT = 1 << 20, /* and it is not masked */
};

/* The CNI plug-ins that a pod of bramble needs: bit i is called kube_cni_names[i]. */
enum { KUBE_CNI_PLUGINS = 4 };
extern const char *const kube_cni_names[KUBE_CNI_PLUGINS];

enum kube_cni {
        KUBE_CNI_BRIDGE = 1 << 0,
        KUBE_CNI_HOST_LOCAL = 1 << 1,
        KUBE_CNI_PORTMAP = 1 << 2,
        KUBE_CNI_LOOPBACK = 1 << 3,
        KUBE_CNI_ALL = (1 << KUBE_CNI_PLUGINS) - 1,
};

/* A value.  Text that is not known is "", a number 0. */
struct kube_files {
        struct kube_program_file programs[KUBE_PROGRAMS];
        uint32_t has;                          /* enum kube_has */
        char cni_dir[24];                      /* the folder with the most plug-ins, absolute */
        uint32_t cni;                          /* enum kube_cni, in that folder */
        struct kube_manifest api, etcd;        /* what the two manifests say */
        char server[SIZE_KUBE_SERVER];         /* of kubelet.conf */
        char ca_hash[SIZE_DIGEST];             /* for kubeadm join --discovery-token-ca-cert-hash */
        char node_name[SIZE_NAME];             /* whom the kubelet's client certificate is for */
        int64_t kubelet_expires;               /* Unix seconds: the kubelet's client certificate */
        int64_t certs_expire;                  /* the soonest of pki/ and of the control plane's
                                                  kubeconfigs, authorities and kubelet left out */
        char certs_first[SIZE_KUBE_FILE_PATH]; /* the file that expires then */
        int64_t certs_begin;                /* the latest beginning of any certificate seen: with a
                                               clock below it nothing works */
        uint32_t n_bad_certs;               /* files without a certificate in them */
        char bad_cert[SIZE_KUBE_FILE_PATH]; /* the first of them */
};

/* Looks below 'root_fd' ("/" on a board).  Reads some twenty small files: once a minute is fine,
 * every second is not.  0, or -errno where the card cannot be read: then nothing is known, and
 * 'ret' is not filled. A missing or damaged file is no error. */
int kube_files_read(int root_fd, struct kube_files *ret);

static inline bool kube_files_have(const struct kube_files *k, uint32_t all) {
        return (k->has & all) == all;
}

/* Is it the very file whose version is known? */
bool kube_program_same(const struct kube_program_file *a, const struct kube_program_file *b);

/* Plug-ins (enum kube_cni) in a folder, with or without a leading '/'. */
uint32_t kube_files_cni(int root_fd, const char *dir);

#endif
