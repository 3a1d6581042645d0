/* container_host - what this board offers to containers: cgroups, runtime, resolver, user names. */
#ifndef BRAMBLE_IO_CONTAINER_HOST_H
#define BRAMBLE_IO_CONTAINER_HOST_H

#include <stdbool.h>

struct container_host {
        bool cgroup_v2; /* pure v2; else v1, perhaps hybrid */
        bool memory;    /* the memory controller is there (a Pi's kernel may have it off) */
        bool swap;      /* and swap can be limited */
        bool cpu;
        bool pids;
        char runtime[64];     /* path of crun or runc; "" leaves it to containerd: runc */
        char resolv_conf[64]; /* the file that containers get as /etc/resolv.conf; "" none */
};

/* Looks below 'root_fd' ("/" on a board).  'runtime' "" or NULL picks crun where it works: it
 * refuses hybrid cgroups (v1 with the v2 tree at /sys/fs/cgroup/unified).  Never fails. */
void container_host_read(int root_fd, const char *runtime, struct container_host *ret);

#endif
