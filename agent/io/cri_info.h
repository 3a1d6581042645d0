/* cri_info - what a container runtime says about itself: its configuration as JSON, its
 * conditions, its address.  Bytes in, bounded structs out; no I/O. */
#ifndef BRAMBLE_IO_CRI_INFO_H
#define BRAMBLE_IO_CRI_INFO_H

#include "base/fail.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>

enum {
        SIZE_CRI_PATH = 256,   /* of a CNI directory */
        SIZE_CRI_SOCKET = 108, /* sockaddr_un's */
};

/* What decides whether kubeadm can use the runtime.  All zero before anything is known. */
struct cri_runtime {
        char sandbox_image[SIZE_IMAGE];   /* as it is configured; "" where it does not say */
        char cni_bin_dir[SIZE_CRI_PATH];  /* the first, where there are more; "" likewise */
        char cni_conf_dir[SIZE_CRI_PATH]; /* "" likewise */
        bool systemd_cgroup;              /* of the default runtime; false also: it does not say */
        bool runtime_ready;
        bool network_ready;       /* false until a CNI configuration is there */
        char reason[SIZE_REASON]; /* why not ready (the runtime before the network), or "" */
};

/* Reads the value that containerd (1.4 to 2.x) has under "config" in the info of a verbose Status
 * into the first four fields; what it does not say, or what does not fit, is left alone. -EINVAL
 * for what is no JSON object (CRI-O has TOML here), -E2BIG. */
int cri_info_config(const char *json, size_t len, struct cri_runtime *ret, struct fail *f);

/* Takes one condition of Status; 'type' is "RuntimeReady", "NetworkReady", or of no interest. */
void cri_info_condition(struct cri_runtime *r, const char *type, bool good, const char *reason,
                        const char *message);

/* "unix:///run/x.sock" and "/run/x.sock" -> "/run/x.sock".  -EINVAL for anything else,
 * -ENAMETOOLONG. */
int cri_info_socket(const char *endpoint, char ret[static SIZE_CRI_SOCKET], struct fail *f);

#endif
