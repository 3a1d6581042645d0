#include "fuzz.h"

#include "base/buf.h"
#include "core/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What is taken has one form only: encoding gives the same text again.  And any bytes survive. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        auto_buf struct buf bytes = { 0 }, text = { 0 }, back = { 0 };

        fuzz_took = base64_decode((const char *)data, size, &bytes) == 0;
        if (fuzz_took && (base64_encode(bytes.data, bytes.len, &text) < 0 || text.len != size ||
                          (size && memcmp(text.data, data, size) != 0)))
                abort();
        text.len = 0;
        if (base64_encode(data, size, &text) < 0 || base64_decode(text.data, text.len, &back) < 0 ||
            back.len != size || (size && memcmp(back.data, data, size) != 0))
                abort();
        return 0;
}
