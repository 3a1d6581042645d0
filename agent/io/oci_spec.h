/* oci_spec - writes the OCI runtime spec of a function's container: what it runs, what it sees and
 * what it may do.  No I/O. */
#ifndef BRAMBLE_IO_OCI_SPEC_H
#define BRAMBLE_IO_OCI_SPEC_H

#include "base/fail.h"
#include "io/container.h"
#include "io/container_host.h"
#include "io/oci_config.h"
#include "io/oci_user.h"

#define OCI_WATCHDOG_PATH "/usr/bin/fwatchdog"
#define OCI_SECRETS_PATH  "/var/openfaas/secrets"

enum { OCI_ID_SIZE = 77 }; /* containerd's limit for identifiers is 76 */

/* containerd's rule for identifiers ("figlet.openfaas-fn.7"): also fit for a cgroup and a folder.
 */
bool oci_id_valid(const char *id);

/* All borrowed. */
struct oci_spec {
        const struct container_spec *spec;
        const struct oci_config *config; /* of the image */
        const struct oci_user *user;
        const struct container_host *host;
        const char *seccomp;  /* JSON; NULL: none */
        const char *hosts;    /* host path of the file that becomes /etc/hosts; NULL: none */
        const char *hostname; /* the same for /etc/hostname */
};

/* One line of JSON, which the caller frees.  -EINVAL: the image has no command, or an id, a path
 * or a variable is none; -ENOMEM.
 *
 * What runs: the image's own entrypoint and command where that is a watchdog, or where the image
 * exposes 8080/tcp and no process is asked for; else the host's fwatchdog, mounted read-only,
 * with fprocess = 'process', or the environment's, or the entrypoint and command joined; with none
 * where the environment says mode=static. */
int oci_spec_write(const struct oci_spec *s, char **ret, struct fail *f);

#endif
