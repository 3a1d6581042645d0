/* fuzz_expand - a text without "${" comes out as it went in, and nothing grows beyond the limit. */
#include "core/expand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *value(void *arg, const char *name) {
        (void)arg;
        return name[0] == 'A' ? "a value" : name[0] == 'E' ? "" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf out = { .limit = 64 * 1024 };
        struct fail f = { 0 };
        int r = expand((const char *)data, size, value, NULL, &out, &f);

        if (r == 0 && size && !memmem(data, size, "${", 2) &&
            (out.len != size || memcmp(out.data, data, size) != 0))
                abort();
        if (out.len > 64 * 1024 || (r < 0 && r != -12 && r != -90 && !f.text[0]))
                abort();
        buf_done(&out);
        return 0;
}
