/* lan - decides which network interface of a board leads to the other boards.  Pure. */
#ifndef BRAMBLE_CORE_LAN_H
#define BRAMBLE_CORE_LAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LAN_NAME_SIZE = 16 }; /* IFNAMSIZ */

struct lan_interface {
        char name[LAN_NAME_SIZE];
        unsigned index;
        bool up;       /* administratively */
        bool carrier;  /* a cable, or an associated access point */
        bool loopback; /* or point-to-point: nobody to find there */
        bool default_route;
        uint32_t metric;  /* of that route; lower is better */
        uint32_t address; /* IPv4, host order; 0: none yet */
        uint8_t prefix;
};

/* Whether an interface of this name can be a LAN: not lo, not one that containers, virtual
 * machines or tunnels make (veth*, cni*, docker*, br-*, bramble*, tun*, wg* ...).  By name and not
 * by kind: a board of the lab has a veth called eth0. */
bool lan_name_good(const char *name);

/* Whether a better address than 'than' is 'address': one that somebody gave out, then one of
 * 169.254.0.0/16 (RFC 3927), then none. */
bool lan_address_better(uint32_t address, uint32_t than);

/* The place in 'list' of the LAN interface: with a real address rather than a link-local one,
 * Ethernet rather than Wi-Fi, with the default route, of lower metric, of lower index.
 * 'only': the operator's choice by name, taken whatever it is called; NULL or "" where there is
 * none.  -ENONET where nothing fits (also when it is down or has no carrier). */
int lan_choose(const struct lan_interface *list, size_t n, const char *only, size_t *ret);

#endif
