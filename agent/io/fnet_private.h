/* fnet_private - what the files of fnet share. */
#ifndef BRAMBLE_IO_FNET_PRIVATE_H
#define BRAMBLE_IO_FNET_PRIVATE_H

#include "io/fnet.h"
#include "io/netlink.h"

#define FNET_BRIDGE "bramble0"

enum {
        FNET_RTPROT = 166, /* routes of ours; unassigned in the kernel's and iproute2's lists */
        FNET_PREFIX = 24,
        FNET_PATH = 96,
        FNET_DIR = 64,
};

struct fnet {
        struct netlink *nl;
        struct netlink *watch;
        int home; /* the network namespace that the agent lives in */
        bool ready;
        bool pods; /* the table has their rules */
        uint8_t subnet;
        unsigned bridge; /* its index */
        uint16_t agent_port;
        char only[16]; /* the interface that fnet_lan() was asked for last: its changes are news */
        char dir[FNET_DIR];
};

/* 02:b7 and the four bytes of the address: an address that is given out again keeps its MAC, so
 * no neighbour table has to learn anything. */
void fnet_mac(uint32_t address, uint8_t ret[static 6]);

/* Appends "no IPv6 link-local address" for the named link; -EAFNOSUPPORT and the like where the
 * kernel has no IPv6.  The function network is IPv4 only. */
void fnet_put_no_ipv6(struct netlink *nl, const char *name);

/* Appends an address to add or remove (RTM_NEWADDR, RTM_DELADDR). */
void fnet_put_address(struct netlink *nl, uint16_t type, uint16_t flags, unsigned index,
                      uint32_t address, uint8_t prefix);

/* Index of a link by name.  -ENODEV. */
int fnet_index(struct netlink *nl, const char *name, unsigned *ret);

/* Dumps 'type' (RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE) of IPv4; see netlink_ask(). */
int fnet_dump(struct netlink *nl, uint16_t type, netlink_each each, void *arg);

/* The path of a namespace.  -EINVAL for a name that is no plain file name. */
int fnet_path(const struct fnet *n, const char *id, char ret[static FNET_PATH], struct fail *f);

/* Loads the table inet bramble, with rules for pods too or without, or removes it. */
int fnet_table_load(uint16_t agent_port, bool pods, struct fail *f);
int fnet_table_remove(struct fail *f);

#endif
