/* fuzz_kube_metrics - one page, one sum, whatever the pieces that it comes in. */
#include "core/kube_metrics.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct kube_metrics whole, pieces;
        const size_t piece = size ? 1 + data[0] % 64 : 1;

        whole = pieces = (struct kube_metrics){ 0 };
        kube_metrics_feed(&whole, data, size);
        kube_metrics_end(&whole);
        for (size_t at = 0; at < size; at += piece)
                kube_metrics_feed(&pieces, data + at, size - at < piece ? size - at : piece);
        kube_metrics_end(&pieces);
        if (whole.mutations != pieces.mutations || whole.series != pieces.series)
                abort();
        return 0;
}
