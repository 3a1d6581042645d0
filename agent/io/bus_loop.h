/* bus_loop - joins sd-bus to the loop: the system bus, opened on demand and again after a loss. */
#ifndef BRAMBLE_IO_BUS_LOOP_H
#define BRAMBLE_IO_BUS_LOOP_H

#include <systemd/sd-bus.h>
#include <uv.h>

struct bus_loop;

/* 'lost': the bus went away; calls that were under way never answer.  May be NULL.  -ENOMEM.
 * Nothing is connected yet. */
int bus_loop_open(uv_loop_t *loop, void (*lost)(void *arg, int error), void *arg,
                  struct bus_loop **ret);
/* The bus, connected now where it was not.  Borrowed until the next 'lost'.  Negative errno where
 * there is none.  After calls were queued on it: bus_loop_pump(). */
int bus_loop_get(struct bus_loop *b, sd_bus **ret);
/* Sends what was queued, handles what has come, and waits for more. */
void bus_loop_pump(struct bus_loop *b);
/* NULL is a no-op; no callback follows. */
void bus_loop_close(struct bus_loop *b);

#endif
