#include "base/buf.h"
#include "core/charter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever decodes encodes to the same bytes again (version 1 has one form only). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_buf struct buf out = { 0 };
        struct charter c = { 0 };

        if (charter_decode(data, size, &c) < 0)
                return 0;
        if (charter_encode(&c, &out) < 0 || out.len != size || memcmp(out.data, data, size) != 0)
                abort();
        charter_done(&c);
        return 0;
}
