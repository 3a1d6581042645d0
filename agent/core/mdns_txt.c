#include "core/mdns_txt.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

enum { VALUE_BYTES = 17 }; /* 16 hex digits and a NUL */

/* Finds KEY=VALUE.  RFC 6763 6.4: keys are compared without case, the first one counts.  False
 * where it is missing, has no value, or one that does not fit. */
static bool find(const struct mdns_claim *claim, const char *key, char ret[static VALUE_BYTES]) {
        size_t key_len = strlen(key);

        for (size_t at = 0; at < claim->txt_len;) {
                size_t len = claim->txt[at];
                const char *text = (const char *)claim->txt + at + 1;

                at += 1 + len;
                if (len <= key_len || text[key_len] != '=' || strncasecmp(text, key, key_len) != 0)
                        continue;
                return str_copy_n(ret, VALUE_BYTES, text + key_len + 1, len - key_len - 1) == 0;
        }
        return false;
}

/* Whether every length byte stays inside. */
static bool well_formed(const struct mdns_claim *claim) {
        size_t at = 0;

        if (claim->txt_len > MDNS_TXT_BYTES)
                return false;
        while (at < claim->txt_len)
                at += 1 + (size_t)claim->txt[at];
        return at == claim->txt_len;
}

/* Exactly the 16 digits that we write: an id has one spelling. */
static bool find_id(const struct mdns_claim *claim, const char *key, uint64_t *ret) {
        char value[VALUE_BYTES];

        return find(claim, key, value) && strlen(value) == 16 && str_from_hex64(value, ret) == 0;
}

bool mdns_address_good(uint32_t address) {
        uint32_t net = address >> 24;

        if (net == 0 || net == 127 || net >= 224) /* multicast, reserved, broadcast */
                return false;
        return address >> 16 != (10 << 8 | 62); /* functions live there, boards do not */
}

enum mdns_verdict mdns_judge(const struct mdns_claim *claim, uint64_t cluster_id, uint64_t self,
                             uint64_t *ret_node) {
        char proto[VALUE_BYTES];
        uint64_t cluster, node;

        if (!well_formed(claim) || !find_id(claim, "cluster", &cluster))
                return MDNS_BROKEN;
        if (cluster != cluster_id)
                return MDNS_OTHER_CLUSTER;
        if (!find(claim, "proto", proto))
                return MDNS_BROKEN;
        if (!str_eq(proto, MDNS_TXT_PROTO))
                return MDNS_OTHER_PROTO;
        if (!find_id(claim, "node", &node) || node == 0)
                return MDNS_BROKEN;
        if (node == self)
                return MDNS_SELF;
        if (claim->port == 0 || !mdns_address_good(claim->address))
                return MDNS_BROKEN;
        *ret_node = node;
        return MDNS_PEER;
}
