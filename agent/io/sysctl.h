/* sysctl - settings of the kernel in /proc/sys. */
#ifndef BRAMBLE_IO_SYSCTL_H
#define BRAMBLE_IO_SYSCTL_H

#include "base/fail.h"

/* Makes proc/sys/NAME ("net/ipv4/ip_forward") say 'value': 1 when it was written, 0 where it said
 * so already (a manager may have set it and made /proc/sys read-only).  Numbers in a row are the
 * same with any blanks between them.  -ENOENT: this kernel has no such setting, a module is not
 * loaded perhaps. */
int sysctl_ensure(int root_fd, const char *name, const char *value, struct fail *f);

#endif
