/* avahi_loop - lets avahi-client wait on our libuv loop. */
#ifndef BRAMBLE_IO_AVAHI_LOOP_H
#define BRAMBLE_IO_AVAHI_LOOP_H

#include <avahi-common/watch.h>
#include <uv.h>

/* Fills 'ret', which must outlive every client that was given it, not the handles: those close on
 * the loop by themselves once avahi has freed its watches and timeouts. */
void avahi_loop_init(AvahiPoll *ret, uv_loop_t *loop);

#endif
