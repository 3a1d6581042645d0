/* Cookie headers, as browsers and others send them: one cookie's value, and all the others. */
#include "fuzz.h"

#include "core/cookie.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct http_text header = { (const char *)data, size }, rest;
        struct buf out = { 0 };
        char value[16];

        fuzz_took = cookie_value(&header, "bramble_session", value, sizeof(value)) == 0;
        if (fuzz_took && (!value[0] || strlen(value) >= sizeof(value) || strchr(value, ';') ||
                          !cookie_has(&header, "bramble_")))
                abort();
        if (cookie_without(&header, "bramble_", &out) < 0)
                abort();
        /* nothing of ours is left, however it was hidden, and it is not longer than it was */
        rest = (struct http_text){ out.data ? out.data : "", out.len };
        if (cookie_has(&rest, "bramble_") || out.len > 2 * size)
                abort();
        buf_done(&out);
        return 0;
}
