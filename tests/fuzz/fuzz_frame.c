/* A stream of frames in whatever pieces it comes: the same frames must come out as from the whole
 * stream at once, and none may reach outside of it. */
#include "fuzz.h"

#include "core/frame.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void check(const uint8_t *data, size_t size, long n, const struct frame *f) {
        uint8_t again[FRAME_HEADER];

        if ((size_t)n > size || n != (long)(FRAME_HEADER + f->len) ||
            f->body != data + FRAME_HEADER)
                abort();
        frame_header(again, f->type, f->stream, f->len);
        for (size_t i = 0; i < FRAME_HEADER; i++)
                if (again[i] != data[i])
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t at = 0;

        for (;;) {
                struct frame f, early;
                long n = frame_parse(data + at, size - at, &f);

                if (n <= 0) {
                        fuzz_took = n == 0 && at > 0 && at == size; /* whole frames alone */
                        /* no shorter piece may be a whole frame or a different error */
                        for (size_t len = 0; len < size - at && len < 16; len++) {
                                long m = frame_parse(data + at, len, &early);

                                if (m != 0 && m != n)
                                        abort();
                        }
                        return 0;
                }
                check(data + at, size - at, n, &f);
                if (frame_parse(data + at, (size_t)n - 1, &early) != 0)
                        abort();
                at += (size_t)n;
        }
}
