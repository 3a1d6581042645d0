/* kube_preflight - is this board ready for kubeadm?  Named checks, each failure with what to do. */
#ifndef BRAMBLE_IO_KUBE_PREFLIGHT_H
#define BRAMBLE_IO_KUBE_PREFLIGHT_H

#include "io/kube_files.h"

#include <stdbool.h>
#include <stdint.h>

enum preflight_severity {
        PREFLIGHT_BLOCKS, /* kubeadm is not started while it fails */
        PREFLIGHT_FIXED,  /* the same, but preflight_fix() puts it right */
        PREFLIGHT_NOTE,   /* said, and nothing else */
};

enum { PREFLIGHT_CHECKS = 24 };

/* What the caller knows and files do not tell.  Borrowed; text may be NULL. */
struct preflight_facts {
        const struct kube_files *files; /* never NULL */
        const char *name;               /* the board's name in the bramble; "": none yet */
        bool control_plane;             /* it will carry one */
        bool images_present;            /* Kubernetes' images are on the card already */
        bool needs_crictl;              /* kubeadm up to 1.30 */
        uint64_t ram_bytes;
        uint64_t disk_free_bytes;    /* of /var/lib */
        int64_t clock_seconds;       /* Unix seconds of now */
        int64_t clock_floor;         /* a clock below it is wrong: the latest of the program's own
                                        date, the charter's, kube_files.certs_begin */
        bool cri_answers;            /* containerd's CRI; the next three are known only then */
        bool cri_systemd_cgroup;     /* SystemdCgroup of its runtime */
        bool sandbox_present;        /* the image below is on the card */
        const char *sandbox_image;   /* "": not known */
        const char *cri_why;         /* why it does not answer; "": not known */
        bool kubelet_systemd_cgroup; /* what the kubelet is or will be told */
        const char *cni_bin_dir;     /* of containerd; "": not known, the usual ones */
};

struct preflight_check {
        const char *name; /* of a static table */
        bool pass;
        enum preflight_severity severity;
        char text[SIZE_REASON * 2];   /* what was found */
        char advice[SIZE_REASON * 2]; /* what to do where it fails, else "" */
};

struct preflight {
        uint32_t n;
        struct preflight_check checks[PREFLIGHT_CHECKS];
        bool swap; /* something is swapped to: kubeadm is to ignore "Swap" */
};

/* Looks below 'root_fd' ("/" on a board).  Never fails: what cannot be read does not pass. */
void kube_preflight(int root_fd, const struct preflight_facts *in, struct preflight *ret);

/* The first check that keeps kubeadm from starting, or NULL. */
const struct preflight_check *preflight_blocker(const struct preflight *p);
/* Is there something for preflight_fix() to do? */
bool preflight_fixable(const struct preflight *p);

/* Is the filesystem there, as a module or built in? */
bool preflight_has_overlay(int root_fd);
/* Does the kernel show bridged packets to iptables, where it is asked to? */
bool preflight_has_bridge_netfilter(int root_fd);

#define PREFLIGHT_IP_FORWARD       "proc/sys/net/ipv4/ip_forward"
#define PREFLIGHT_BRIDGE_NETFILTER "proc/sys/net/bridge/bridge-nf-call-iptables"

#endif
