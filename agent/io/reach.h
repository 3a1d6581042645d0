/* reach - does anything answer at an address, be it only that nobody listens there? */
#ifndef BRAMBLE_IO_REACH_H
#define BRAMBLE_IO_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Connects to 'address' (a plain IPv4 or IPv6 one) by TCP and ends the connection at once.  'done'
 * comes once and later: true where somebody accepted or refused, false where nothing came within
 * 'ms'.  -EINVAL, -ENOMEM. */
typedef void (*reach_cb)(void *arg, bool answered);
int reach(uv_loop_t *loop, const char *address, uint16_t port, unsigned ms, reach_cb done,
          void *arg);

#endif
