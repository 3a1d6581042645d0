/* fuzz_tar_thin - where nothing is left out all bytes pass as they are, however they are cut; and
 * what is left out is never more than went in. */
#include "base/buf.h"
#include "core/tar_thin.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *data, size_t size, size_t piece, bool have, struct buf *out) {
        struct tar_thin t = { 0 };

        for (size_t at = 0; at < size; at += piece) {
                size_t len = size - at < piece ? size - at : piece, n;
                const void *p = data + at, *view;
                enum tar_thin_event e;

                while ((e = tar_thin_next(&t, &p, &len, &view, &n)) != TAR_THIN_MORE) {
                        if (e == TAR_THIN_BLOB)
                                tar_thin_answer(&t, have);
                        else if (buf_add(out, view, n) < 0)
                                abort();
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf all = { 0 }, again = { 0 }, some = { 0 }, small = { 0 };

        run(data, size, 512, false, &all);
        run(data, size, 100, false, &again);
        run(data, size, 4096, true, &some);
        run(data, size, 77, true, &small);
        /* a header that is not whole stays inside */
        if (all.len > size || size - all.len >= TAR_THIN_BLOCK ||
            (all.len && memcmp(all.data, data, all.len) != 0) || all.len != again.len ||
            some.len > all.len || some.len != small.len ||
            (some.len && memcmp(some.data, small.data, some.len) != 0))
                abort();
        buf_done(&all);
        buf_done(&again);
        buf_done(&some);
        buf_done(&small);
        return 0;
}
