/* oci_seccomp - the default seccomp profile: an allow-list, as the OCI runtime spec writes it. */
#ifndef BRAMBLE_IO_OCI_SECCOMP_H
#define BRAMBLE_IO_OCI_SECCOMP_H

#include "base/buf.h"

/* For an image's architecture in Go's words ("arm64").  Appends one JSON object; -ENOMEM.
 * Everything that is not named fails with EPERM, clone3 with ENOSYS, so that libc falls back to
 * clone, whose flags the filter can see.  The runtime adds its own architecture, and a call of any
 * other ends the process.  No more than these two are named, because each costs the start of a
 * container 6 ms in libseccomp (three: crun run 20.9 ms, one: 8.3 ms). */
int oci_seccomp_write(const char *architecture, struct buf *out);

#endif
