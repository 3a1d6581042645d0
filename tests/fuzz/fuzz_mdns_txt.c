#include "fuzz.h"

#include "core/mdns_txt.h"

#include <stdlib.h>
#include <string.h>

/* Address and port in front, the TXT record behind. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mdns_claim claim;
        uint64_t node = 0;

        if (size < 6)
                return 0;
        memcpy(&claim.address, data, 4);
        memcpy(&claim.port, data + 4, 2);
        claim.txt = data + 6;
        claim.txt_len = size - 6;
        if (mdns_judge(&claim, 0xc1, 0x5e1f, &node) != MDNS_PEER)
                return 0;
        fuzz_took = true;
        /* What passed must be worth a connection attempt. */
        if (node == 0 || node == 0x5e1f || claim.port == 0 || !mdns_address_good(claim.address))
                abort();
        return 0;
}
