/* fnet - the function network: a bridge, a network namespace a container, routes to the other
 * boards' functions, by rtnetlink (libmnl); one nftables table of our own. */
#ifndef BRAMBLE_IO_FNET_H
#define BRAMBLE_IO_FNET_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fnet;

/* 10.62.SUBNET.HOST in host order. */
static inline uint32_t fnet_address(unsigned subnet, unsigned host) {
        return UINT32_C(10) << 24 | UINT32_C(62) << 16 | (uint32_t)subnet << 8 | (uint32_t)host;
}

/* Opens netlink; touches nothing.  'netns_dir': where namespaces are kept ("/run/bramble/netns").
 */
int fnet_open(const char *netns_dir, struct fnet **ret, struct fail *f);
void fnet_free(struct fnet *n);

/* The agent's own port where it is not 7373: before fnet_setup(). */
void fnet_guard_port(struct fnet *n, uint16_t port);

/* Bridge bramble0 with 10.62.SUBNET.1/24, forwarding on, table inet bramble (masquerade for what
 * leaves 10.62.0.0/16, established and function traffic forwarded, and functions cannot reach
 * this board's own agent socket).  Safe to run again, also with another subnet. */
int fnet_setup(struct fnet *n, unsigned subnet, struct fail *f);

/* A namespace netns_dir/ID with eth0 at 10.62.SUBNET.HOST/24, default route, lo up. 'ret_path'
 * holds its path.  -EEXIST: it is there, from before the agent's restart perhaps, and works.
 * -EINVAL for an id that is no plain file name, -ERANGE for a host outside 2..254, -ENETDOWN before
 * fnet_setup().  The network works when this returns.  0.7 ms on a PC. */
int fnet_attach(struct fnet *n, const char *id, unsigned host, char ret_path[static 96],
                struct fail *f);
/* Takes its cable out and removes it, once nothing runs in it; 0 also where it is gone already. The
 * id and the address are free at once; the kernel clears up later, in its own time. */
int fnet_detach(struct fnet *n, const char *id, struct fail *f);

struct fnet_route {
        uint8_t subnet;
        uint32_t via; /* the other board's LAN IPv4, host order */
};
/* Makes the set of 10.62.x.0/24 routes exactly this one (own subnet left alone).  Routes carry
 * our own protocol number (RTPROT 166), others' are never touched. */
int fnet_routes(struct fnet *n, const struct fnet_route *routes, size_t n_routes, struct fail *f);

/* Takes everything off: bridge, namespaces, routes, table. */
int fnet_teardown(struct fnet *n, struct fail *f);

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
