#include "fuzz.h"

#include "io/consensus_check.h"

#include <stdint.h>
#include <stdlib.h>

/* The verdict does not depend on how the bytes were cut into frames. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct consensus_check whole = { 0 }, bytes = { 0 };
        int r = consensus_check(&whole, data, size), each = 0;

        for (size_t i = 0; i < size && each == 0; i++)
                each = consensus_check(&bytes, data + i, 1);
        fuzz_took = r == 0;
        if (r != each)
                abort();
        consensus_check_done(&whole);
        consensus_check_done(&bytes);
        return 0;
}
