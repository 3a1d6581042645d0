#include "fuzz.h"

#include "base/buf.h"
#include "core/charter.h"

#include <stdlib.h>
#include <string.h>

/* Whatever decodes encodes to the same bytes again, and applying it leaves a valid charter. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct charter_command cmd;
        auto_buf struct buf out = { 0 };
        struct charter c = { 0 }, again = { 0 };
        const struct charter_command found = {
                .op = CHARTER_FOUND, .bramble = 1, .cluster = "c", .board = { .node = 1 }
        };

        if (charter_command_decode(data, size, &cmd) < 0)
                return 0;
        fuzz_took = true;
        if (charter_command_encode(&cmd, &out) < 0 || out.len != size ||
            memcmp(out.data, data, size) != 0)
                abort();
        if (cmd.op != CHARTER_FOUND && charter_apply(&c, &found) != 0)
                abort();
        (void)charter_apply(&c, &cmd);
        buf_done(&out);
        if (charter_encode(&c, &out) != 0 || charter_decode(out.data, out.len, &again) != 0)
                abort();
        charter_done(&c);
        charter_done(&again);
        return 0;
}
