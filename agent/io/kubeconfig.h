/* kubeconfig - a kubeconfig file as what a connection to its API server needs. */
#ifndef BRAMBLE_IO_KUBECONFIG_H
#define BRAMBLE_IO_KUBECONFIG_H

#include "core/kubeconfig.h"

#include <stddef.h>

struct kubeconfig {
        char host[SIZE_KUBE_HOST]; /* of the server's URL: a name or an address, no brackets */
        uint16_t port;
        char name[SIZE_KUBE_HOST]; /* what its certificate must say: tls-server-name, else host */
        char *ca;                  /* PEM */
        char *cert;                /* PEM; NULL where the user has none (a token, say) */
        char *key;                 /* PEM; NULL together with cert */
};

/* Reads PATH ("/etc/kubernetes/admin.conf") and the files that it names, all below 'root_fd',
 * links too.  -ENOENT and other errors of the disk, -EMSGSIZE above KUBECONFIG_BYTES for a file,
 * -EBADMSG: not as kubeadm writes it; the sentence begins with the file's name. */
int kubeconfig_read(int root_fd, const char *path, struct kubeconfig *ret, struct fail *f);
/* Wipes the key. */
void kubeconfig_done(struct kubeconfig *k);

/* A whole file below 'root_fd', at most KUBECONFIG_BYTES, with a NUL behind it: for
 * kubeconfig_rewrite().  kubeconfig_wipe() it. */
int kubeconfig_read_text(int root_fd, const char *path, char **ret, size_t *ret_len,
                         struct fail *f);
/* Overwrites and frees a text that may hold a key; NULL is a no-op. */
void kubeconfig_wipe(char *text);

#endif
