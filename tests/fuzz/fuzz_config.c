/* fuzz_config - bramble.conf comes from a FAT partition that any computer may have written. */
#include "fuzz.h"

#include "io/config.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct fail f = { 0 };
        struct config c;
        FILE *stream;

        if (size == 0 || !(stream = fmemopen((void *)(uintptr_t)data, size, "r")))
                return 0;
        config_init(&c);
        fuzz_took = config_read_stream(&c, stream, "fuzz", &f) == 0;
        (void)fclose(stream);
        return 0;
}
