#include "core/login_limit.h"

#include "base/str.h"

#include <stdbool.h>

static usec_t until_of(const struct login_limit *l, const char *address, usec_t now) {
        bool full = true;

        for (size_t i = 0; i < LOGIN_ADDRESSES; i++) {
                if (str_eq(l->items[i].address, address))
                        return l->items[i].until;
                full = full && l->items[i].until > now;
        }
        return full ? l->rest : 0;
}

usec_t login_limit_wait(const struct login_limit *l, usec_t now, const char *address) {
        usec_t owed = usec_sub(until_of(l, address, now), now);

        return usec_sub(owed, (LOGIN_TRIES - 1) * LOGIN_EVERY_USEC);
}

void login_limit_failed(struct login_limit *l, usec_t now, const char *address) {
        struct login_address *at = NULL;
        usec_t *until;

        for (size_t i = 0; i < LOGIN_ADDRESSES; i++) {
                if (str_eq(l->items[i].address, address)) {
                        at = &l->items[i];
                        break;
                }
                if (!at && l->items[i].until <= now)
                        at = &l->items[i];
        }
        if (at && !str_eq(at->address, address)) {
                at->until = 0;
                if (str_copy(at->address, sizeof(at->address), address) < 0)
                        at = NULL;
        }
        until = at ? &at->until : &l->rest;
        *until = usec_add(*until > now ? *until : now, LOGIN_EVERY_USEC);
}
