/* An /etc/hosts of anybody's: ours is in it once, twice changes nothing, and taken out nothing is
 * missing of what was not ours. */
#include "core/hosts_name.h"
#include "core/hosts_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hosts_entry entries[] = { { "10.0.0.1", "bramble-api" }, { "::1", "w1" } };

static int set(const struct buf *in, size_t n, struct buf *ret) {
        return hosts_text_set(in->data, in->len, entries, n, ret, NULL);
}

static int same(const struct buf *a, const struct buf *b) {
        return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* The name of this computer is there once, twice changes nothing, and our block stays. */
static void name(const struct buf *in) {
        struct buf out = { 0 }, again = { 0 };
        int r = hosts_name_set(in->data, in->len, "kitchen", "w1", &out, NULL);

        if (r < 0 && r != -EFBIG)
                abort();
        if (r == 0 &&
            (hosts_name_set(out.data, out.len, "kitchen", "w1", &again, NULL) < 0 ||
             !same(&out, &again) || !memmem(out.data, out.len, "kitchen", strlen("kitchen"))))
                abort();
        buf_done(&out);
        buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct buf in = { 0 }, with = { 0 }, again = { 0 }, out = { 0 }, bare = { 0 };
        int r;

        if (buf_add(&in, data, size) < 0)
                abort();
        name(&in);
        r = set(&in, 2, &with);
        if (r < 0 && r != -EFBIG)
                abort();
        if (r == 0) {
                if (set(&with, 2, &again) < 0 || !same(&with, &again) ||
                    !memmem(with.data, with.len, HOSTS_BEGIN, strlen(HOSTS_BEGIN)))
                        abort();
                if (set(&with, 0, &out) < 0 || set(&in, 0, &bare) < 0)
                        abort();
                /* but for the end that the last line was given */
                while (out.len > bare.len && strchr("\r\n", out.data[out.len - 1]))
                        out.len--;
                if (!same(&out, &bare))
                        abort();
        }
        buf_done(&in);
        buf_done(&with);
        buf_done(&again);
        buf_done(&out);
        buf_done(&bare);
        return 0;
}
