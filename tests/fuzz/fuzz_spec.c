/* fuzz_spec - deployments come from anybody with the gateway's password. */
#include "fuzz.h"

#include "io/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct fail f = { 0 };
        struct spec s;

        if (spec_parse((const char *)data, size, &s, &f) == 0) {
                fuzz_took = true;
                spec_done(&s);
        }
        return 0;
}
