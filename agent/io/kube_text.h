/* kube_text - the few lines that bramble reads in manifests and kubeconfigs of kubeadm.  No I/O. */
#ifndef BRAMBLE_IO_KUBE_TEXT_H
#define BRAMBLE_IO_KUBE_TEXT_H

#include "core/limits.h"

#include <stddef.h>
#include <stdint.h>

/* "https://", a DNS name of 253 characters or an address, and a port. */
enum { SIZE_KUBE_SERVER = 272, SIZE_KUBE_FILE_PATH = 128 };

/* A static pod's manifest.  What is not there, or is not what it should be, is "" or 0. */
struct kube_manifest {
        char image[SIZE_IMAGE];     /* the first container's */
        char address[SIZE_ADDRESS]; /* --advertise-address, or kubeadm's annotation */
        uint16_t port;              /* --secure-port, or the annotation's */
        char name[SIZE_NAME];       /* --name: etcd's member, which kubeadm calls like the node */
};

struct kube_config {
        char server[SIZE_KUBE_SERVER];
        const char *cert_data; /* base64 inside the text that was parsed; NULL: none */
        size_t cert_data_len;
        char cert_path[SIZE_KUBE_FILE_PATH]; /* absolute; "": none */
};

/* YAML as kubeadm writes it, a line at a time: a person may have changed values and order, not
 * turned it into one line.  The first line of a kind counts.  Never fails. */
void kube_text_manifest(const char *text, size_t len, struct kube_manifest *ret);
/* The same for a kubeconfig with one cluster and one user. */
void kube_text_config(const char *text, size_t len, struct kube_config *ret);

#endif
