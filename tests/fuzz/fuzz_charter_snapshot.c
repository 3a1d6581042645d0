#include "fuzz.h"

#include "base/buf.h"
#include "core/charter.h"

#include <stdlib.h>
#include <string.h>

/* Whatever decodes encodes to the same bytes again (the newest version has one form only; older
 * ones lack parts). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_buf struct buf out = { 0 };
        struct charter c = { 0 };

        if (charter_decode(data, size, &c) < 0)
                return 0;
        fuzz_took = true;
        if (charter_encode(&c, &out) < 0 ||
            (data[5] == 4 && (out.len != size || memcmp(out.data, data, size) != 0)))
                abort();
        charter_done(&c);
        return 0;
}
