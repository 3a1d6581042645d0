/* kube_preflight_fix - puts right what preflight found and the agent may change: two kernel modules
 * and two sysctls, nothing else. */
#ifndef BRAMBLE_IO_KUBE_PREFLIGHT_FIX_H
#define BRAMBLE_IO_KUBE_PREFLIGHT_FIX_H

#include <uv.h>

struct preflight_fix;

/* 'result': 0, or negative errno with the sentence of what is still wrong first.  Once a fix; the
 * fix is gone when it is called. */
typedef void (*preflight_fix_cb)(void *arg, int result, const char *why);

/* Loads overlay and br_netfilter where the kernel does not have them (modprobe, 30 s at most: a
 * child, so that the loop does not wait), then sets net.ipv4.ip_forward and
 * net.bridge.bridge-nf-call-iptables to 1 where they are not.  Borrows 'root_fd' until 'done',
 * which always comes later, from the loop.  -ENOMEM and other errors of the start: 'done' is not
 * called. */
int preflight_fix_start(uv_loop_t *loop, int root_fd, preflight_fix_cb done, void *arg,
                        struct preflight_fix **ret);
/* Before 'done': 'done' will not be called, and modprobe is killed.  NULL is no-op. */
void preflight_fix_close(struct preflight_fix *x);

#endif
