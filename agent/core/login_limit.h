/* login_limit - how often an address may try to log in.  Pure. */
#ifndef BRAMBLE_CORE_LOGIN_LIMIT_H
#define BRAMBLE_CORE_LOGIN_LIMIT_H

#include "base/time.h"
#include "core/limits.h"

enum {
        LOGIN_ADDRESSES = 64, /* that failed lately, each on its own account; the rest share one */
        LOGIN_TRIES = 5,      /* wrong ones in a row */
};

#define LOGIN_EVERY_USEC (12 * USEC_PER_SEC) /* and then one each */

struct login_address {
        char address[SIZE_ADDRESS];
        usec_t until; /* when all its failures are forgotten */
};

/* All zero: nobody has failed. */
struct login_limit {
        struct login_address items[LOGIN_ADDRESSES];
        usec_t rest; /* as 'until', of all who found no place */
};

/* How long this address has to wait; 0: it may try now. */
usec_t login_limit_wait(const struct login_limit *l, usec_t now, const char *address);
/* It tried, and was wrong. */
void login_limit_failed(struct login_limit *l, usec_t now, const char *address);

#endif
