/* shims - containerd's shims, ended without containerd: where it hangs or is gone, they would hold
 * a power-off for the 90 seconds that systemd has for processes that do not obey. */
#ifndef BRAMBLE_IO_SHIMS_H
#define BRAMBLE_IO_SHIMS_H

/* Kills (SIGKILL) all shims of one namespace of containerd, and the first process of each of their
 * containers, with which the kernel ends the others.  proc_fd is /proc.  How many shims that were,
 * or -errno where /proc cannot be read.  What containerd knows of them is left to it. */
int shims_kill(int proc_fd, const char *containerd_namespace);

#endif
