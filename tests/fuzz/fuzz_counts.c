/* What decodes is exactly what the encoder writes. */
#include "fuzz.h"

#include "core/counts.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct counts c;
        struct buf again = { 0 };

        if (counts_decode(data, size, &c) < 0)
                return 0;
        fuzz_took = true;
        if (c.n > LIMIT_FUNCTIONS || counts_encode(&c, &again) < 0 || again.len != size ||
            memcmp(again.data, data, size) != 0)
                abort();
        buf_done(&again);
        return 0;
}
