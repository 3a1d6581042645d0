/* oci_seccomp - the default seccomp profile: an allow-list, as the OCI runtime spec writes it. */
#ifndef BRAMBLE_IO_OCI_SECCOMP_H
#define BRAMBLE_IO_OCI_SECCOMP_H

#include "base/buf.h"

/* 'machine' as uname says it.  Appends one JSON object; -ENOMEM.  Everything that is not named
 * fails with EPERM, clone3 with ENOSYS, so that libc falls back to clone, whose flags the filter
 * can see.  Unknown machines get no list of architectures: the runtime's own. */
int oci_seccomp_write(const char *machine, struct buf *out);

#endif
