#include "fuzz.h"

#include "core/rfc3339.h"

#include <stdlib.h>
#include <string.h>

/* What is taken is the same time when it is written and read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char text[64], again[RFC3339_SIZE];
        uint64_t at, back;

        if (size >= sizeof(text))
                return 0;
        memcpy(text, data, size);
        text[size] = '\0';
        if (rfc3339_parse(text, &at) < 0 || at > 253402300799999999u)
                return 0; /* an offset may lead beyond the year 9999 */
        fuzz_took = true;
        if (rfc3339_parse(rfc3339_text(again, at), &back) < 0 || back != at)
                abort();
        return 0;
}
