/* Device-tree facts: 4 bytes of revision, 1 byte with the model's length, model, compatible. */
#include "fuzz.h"

#include "core/board.h"

#include "base/buf.h"
#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

static const struct board_profile profiles[] = {
        { .id = "2B",
          .compatible = { "raspberrypi,2-model-b" },
          .type = 4,
          .soc_p = 1,
          .rev_max = 1,
          .bits = 32 },
        { .id = "2B-1.2",
          .compatible = { "raspberrypi,2-model-b-rev2" },
          .type = 4,
          .soc_p = 2,
          .rev_max = 2,
          .bits = 64 },
        { .id = "3B+",
          .compatible = { "raspberrypi,3-model-b-plus" },
          .type = 13,
          .soc_p = 2,
          .rev_max = 15,
          .bits = 64,
          .ram_max_mb = 1024 },
        { .id = "PC", .bits = 64 },
};

static void check(const struct board *b) {
        struct buf bytes = { 0 };
        struct wire_out w = { .buf = &bytes };
        struct wire_in r;
        struct board again;

        board_put(&w, b);
        if (wire_end(&w) < 0)
                abort();
        r = wire_in(bytes.data, bytes.len);
        board_get(&r, &again);
        if (!wire_complete(&r) || board_strength(&again) != board_strength(b))
                abort();
        buf_done(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char model[256] = "", *compatible = NULL;
        struct board_facts facts = { .model = model, .serial = 1, .ram_bytes = 1 << 30 };
        struct wire_in r = wire_in(data, size);
        struct board b;
        size_t n;

        facts.revision = wire_get_u32(&r);
        n = wire_get_u8(&r);
        n = n < r.len ? n : r.len;
        memcpy(model, r.data, n);
        r.data += n;
        r.len -= n;
        if (r.len > 0) { /* exactly that many bytes, no NUL behind them */
                compatible = malloc(r.len);
                if (!compatible)
                        abort();
                memcpy(compatible, r.data, r.len);
                facts.compatible = compatible;
                facts.compatible_len = r.len;
        }
        (void)board_identify(profiles, sizeof(profiles) / sizeof(profiles[0]), &facts, &b);
        check(&b);
        free(compatible);
        /* the same bytes as a board that came over the wire */
        r = wire_in(data, size);
        board_get(&r, &b);
        fuzz_took = wire_good(&r);
        if (fuzz_took)
                check(&b);
        return 0;
}
