/* mdns_txt - says what a resolved mDNS service is to us.  Anybody on the LAN can announce anything:
 * everything here is a claim, and only worth a connection attempt.  Pure. */
#ifndef BRAMBLE_CORE_MDNS_TXT_H
#define BRAMBLE_CORE_MDNS_TXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MDNS_TXT_BYTES = 512 }; /* longer records are refused; ours have about 110 */

/* The protocol that TXT proto= speaks of. */
#define MDNS_TXT_PROTO "1"

struct mdns_claim {
        const uint8_t *txt; /* as in the packet: strings behind a length byte each */
        size_t txt_len;
        uint32_t address; /* IPv4, host order */
        uint16_t port;
};

enum mdns_verdict {
        MDNS_PEER,          /* says that it is a board of our cluster */
        MDNS_SELF,          /* has our node id */
        MDNS_OTHER_CLUSTER, /* none of our business */
        MDNS_OTHER_PROTO,   /* of our cluster, but newer or older than we understand */
        MDNS_BROKEN,        /* no honest board sends this */
};

/* 'ret_node' is set for MDNS_PEER only. */
enum mdns_verdict mdns_judge(const struct mdns_claim *claim, uint64_t cluster_id, uint64_t self,
                             uint64_t *ret_node);

/* An address that another board can have: not 0, loopback, multicast, broadcast, or one of the
 * function network. */
bool mdns_address_good(uint32_t address);

#endif
