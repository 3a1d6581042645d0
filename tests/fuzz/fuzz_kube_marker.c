/* fuzz_kube_marker - kube.json after a power cut on a worn card. */
#include "fuzz.h"

#include "base/str.h"
#include "core/names.h"
#include "io/kube_marker.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct kube_marker m;
        struct fail f = { 0 };

        fuzz_took = kube_marker_parse((const char *)data, size, &m, &f) == 0;
        if (fuzz_took)
                assert(m.bramble != 0 && names_valid(m.name) && m.role <= KUBE_ROLE_PLANE);
        else
                assert(f.text[0]);
        return 0;
}
