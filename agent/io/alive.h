/* alive - tells systemd that the loop turns, as often as the unit's WatchdogSec asks for. */
#ifndef BRAMBLE_IO_ALIVE_H
#define BRAMBLE_IO_ALIVE_H

#include <stdint.h>
#include <uv.h>

/* Inits 'timer' in any case; where systemd watches this process it tells at once, and again before
 * a third of WatchdogSec is over: a loop that stands still is killed and started anew.  The timer
 * keeps no loop running and belongs to the caller, who closes it. */
void alive_start(uv_loop_t *loop, uv_timer_t *timer);

/* Milliseconds between two signs for a WatchdogSec of so many microseconds; never 0. */
uint64_t alive_period_ms(uint64_t watchdog_usec);

#endif
