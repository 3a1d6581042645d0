#include "core/counts.h"

#include "base/wire.h"
#include "core/world.h"

#include <errno.h>

enum { COUNTS_FORMAT = 1 };

int counts_encode(const struct counts *c, struct buf *out) {
        struct wire_out w = { .buf = out };

        wire_put_u8(&w, COUNTS_FORMAT);
        wire_put_u64(&w, c->term);
        wire_put_u64(&w, c->version);
        wire_put_u32(&w, c->n);
        for (uint32_t i = 0; i < c->n; i++)
                wire_put_u64(&w, c->calls[i]);
        return wire_end(&w);
}

int counts_decode(const void *data, size_t len, struct counts *ret) {
        struct wire_in w = wire_in(data, len);
        struct counts c = { 0 };

        if (wire_get_u8(&w) != COUNTS_FORMAT)
                return -EBADMSG;
        c.term = wire_get_u64(&w);
        c.version = wire_get_u64(&w);
        c.n = wire_get_count(&w, LIMIT_FUNCTIONS);
        for (uint32_t i = 0; i < c.n; i++)
                c.calls[i] = wire_get_u64(&w);
        if (!wire_complete(&w))
                return -EBADMSG;
        *ret = c;
        return 0;
}

bool counts_apply(const struct counts *c, struct world *w) {
        bool changed = false;

        if (c->term != w->term || c->version != w->version || c->n != w->n_functions)
                return false;
        for (uint32_t i = 0; i < c->n; i++) {
                changed = changed || w->functions[i].invocations != c->calls[i];
                w->functions[i].invocations = c->calls[i];
        }
        return changed;
}
