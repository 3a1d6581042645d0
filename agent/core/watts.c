#include "core/watts.h"

void watts_add(struct watts *w, const struct board *b) {
        if (b->idle_mw == 0 || b->max_mw < b->idle_mw) {
                w->unknown++;
                return;
        }
        w->known++;
        w->idle_mw += b->idle_mw;
        w->max_mw += b->max_mw;
}

bool watts_range(const struct watts *w, uint32_t *ret_low, uint32_t *ret_high) {
        if (w->known == 0)
                return false;
        *ret_low = (uint32_t)(w->idle_mw / 1000);
        *ret_high = (uint32_t)((w->max_mw + 999) / 1000);
        return true;
}
