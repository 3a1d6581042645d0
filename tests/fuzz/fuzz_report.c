/* What decodes is exactly what the encoder writes. */
#include "fuzz.h"

#include "core/report.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct report *r = malloc(sizeof(*r));
        struct buf again = { 0 };
        char words[64];

        if (!r)
                abort();
        if (report_decode(data, size, r) == 0) {
                fuzz_took = true;
                if (report_encode(r, &again) < 0 || again.len != size ||
                    memcmp(again.data, data, size) != 0)
                        abort();
                (void)report_power_text(words, sizeof(words), r->sensors.power);
                (void)report_problem_text(words, sizeof(words), r->sensors.problems);
        }
        buf_done(&again);
        free(r);
        return 0;
}
