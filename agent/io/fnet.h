/* fnet - the function network: a bridge, a network namespace a container, routes to the other
 * boards' functions and pods, by rtnetlink (libmnl); one nftables table of our own. */
#ifndef BRAMBLE_IO_FNET_H
#define BRAMBLE_IO_FNET_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A board with the charter's subnet number S has 10.62.S.0/24 for functions and 10.244.S.0/24 for
 * pods (kubeadm's podSubnet is the whole of it).  The bridge of pods is made by the CNI plug-in;
 * see io/cni.h. */
#define FNET_FUNCTIONS_TEXT "10.62.0.0/16"
#define FNET_PODS_TEXT      "10.244.0.0/16"
#define FNET_POD_BRIDGE     "cni0"

enum { FNET_FUNCTIONS_BASE = 10 << 24 | 62 << 16, FNET_PODS_BASE = 10 << 24 | 244 << 16 };

struct fnet;

/* 10.62.SUBNET.HOST in host order. */
static inline uint32_t fnet_address(unsigned subnet, unsigned host) {
        return (uint32_t)FNET_FUNCTIONS_BASE | (uint32_t)subnet << 8 | (uint32_t)host;
}

/* 10.244.SUBNET.HOST in host order. */
static inline uint32_t fnet_pod_address(unsigned subnet, unsigned host) {
        return (uint32_t)FNET_PODS_BASE | (uint32_t)subnet << 8 | (uint32_t)host;
}

/* Opens netlink; touches nothing.  'netns_dir': where namespaces are kept ("/run/bramble/netns").
 */
int fnet_open(const char *netns_dir, struct fnet **ret, struct fail *f);
void fnet_free(struct fnet *n);

/* The agent's own port where it is not 7373: before fnet_setup(). */
void fnet_guard_port(struct fnet *n, uint16_t port);

/* Bridge bramble0 with 10.62.SUBNET.1/24, forwarding on, table inet bramble (masquerade for what
 * leaves 10.62.0.0/16, established and function traffic forwarded, and functions cannot reach
 * the agent's port of any board).  Safe to run again, also with another subnet. */
int fnet_setup(struct fnet *n, unsigned subnet, struct fail *f);

/* Whether this board carries pods: the table then does for 10.244.0.0/16 and cni0 what it does for
 * functions, and lets both talk to each other as themselves.  It lives beside the rules of
 * kube-proxy, which come first for what they have marked.  Remembered for fnet_setup() before it,
 * loaded at once after it; nothing is done where it is so already.  Off at first. */
int fnet_pods(struct fnet *n, bool on, struct fail *f);

/* A namespace netns_dir/ID with eth0 at 10.62.SUBNET.HOST/24, default route, lo up. 'ret_path'
 * holds its path.  -EEXIST: it is there, from before the agent's restart perhaps, and works.
 * -EINVAL for an id that is no plain file name, -ERANGE for a host outside 2..254, -ENETDOWN before
 * fnet_setup().  The network works when this returns.  0.7 ms on a PC. */
int fnet_attach(struct fnet *n, const char *id, unsigned host, char ret_path[static 96],
                struct fail *f);
/* Takes its cable out and removes it, once nothing runs in it; 0 also where it is gone already. The
 * id and the address are free at once; the kernel clears up later, in its own time. */
int fnet_detach(struct fnet *n, const char *id, struct fail *f);

enum fnet_network { FNET_FUNCTIONS, FNET_PODS };

struct fnet_route {
        enum fnet_network network; /* pods: only where that board carries some */
        uint8_t subnet;
        uint32_t via; /* the other board's LAN IPv4, host order */
};
/* Makes the set of 10.62.x.0/24 and 10.244.x.0/24 routes exactly this one (own subnet left alone
 * in both).  Routes carry our own protocol number (RTPROT 166), others' are never touched. */
int fnet_routes(struct fnet *n, const struct fnet_route *routes, size_t n_routes, struct fail *f);

/* Takes everything off: bridge, namespaces, routes of both networks, table.  The pods' bridge is
 * cni_teardown()'s. */
int fnet_teardown(struct fnet *n, struct fail *f);

/* Removes the bridge cni0 and every cable in it, whoever made it; 0 also where there is none. */
int fnet_remove_pod_bridge(struct fnet *n, struct fail *f);

/* The LAN interface of this board: up, carrier, not a loopback, bridge of containers, veth*, cni*,
 * docker*, br-*, bramble*, tun*, wg*; Ethernet before Wi-Fi, the one with the default route first.
 * -ENONET while there is none. */
struct fnet_lan {
        char name[16];
        unsigned index;
        uint32_t address; /* IPv4, host order; 0: none yet */
        uint8_t prefix;
};
int fnet_lan(struct fnet *n, const char *only_interface_or_null, struct fnet_lan *ret);

/* A descriptor that becomes readable when links, addresses or routes change; fnet_drain() empties
 * it and says whether fnet_lan() may have another answer now: containers that come and go are no
 * such news.  Owned by 'n'. */
int fnet_watch_fd(struct fnet *n);
bool fnet_drain(struct fnet *n);

#endif
