/* cgroup - the control group of a process: what is used in it, and its freezer.  v1 and v2. */
#ifndef BRAMBLE_IO_CGROUP_H
#define BRAMBLE_IO_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { CGROUP_PATH = 256 };

/* Folders below the root that every function gets; "" where this kernel has none. */
struct cgroup {
        bool v2; /* all of them are the same one */
        char cpu[CGROUP_PATH];
        char memory[CGROUP_PATH];
        char freezer[CGROUP_PATH];
};

/* The groups that 'pid' is in.  -ENOENT: there is no such process. */
int cgroup_find(int root_fd, uint32_t pid, struct cgroup *ret);

/* CPU time since the group was made, and memory without what the kernel can drop at once.  What
 * cannot be read is 0; -ENOENT where the group is gone. */
int cgroup_usage(int root_fd, const struct cgroup *g, uint64_t *ret_cpu_usec,
                 uint64_t *ret_memory_bytes);

/* Pauses every process of the group, or lets them go on.  Pausing is asked for and happens within
 * microseconds; a group that is paused answers nothing and uses no CPU.  -ENOTSUP: no freezer. */
int cgroup_freeze(int root_fd, const struct cgroup *g, bool yes);

#endif
