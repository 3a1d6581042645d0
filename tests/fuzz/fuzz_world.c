/* fuzz_world - what a leader sends; whatever decodes must encode to the same bytes. */
#include "fuzz.h"

#include "core/world.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_buf struct buf b = { 0 };
        struct world w;

        if (world_decode(data, size, &w) < 0)
                return 0;
        fuzz_took = true;
        if (world_encode(&w, &b) < 0 || b.len != size)
                abort();
        world_done(&w);
        return 0;
}
