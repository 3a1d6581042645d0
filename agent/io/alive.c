#include "io/alive.h"

#include "base/time.h"

#include <systemd/sd-daemon.h>

static void on_period(uv_timer_t *timer) {
        (void)timer;
        (void)sd_notify(0, "WATCHDOG=1");
}

uint64_t alive_period_ms(uint64_t watchdog_usec) {
        uint64_t ms = watchdog_usec / 3 / USEC_PER_MSEC;

        return ms ? ms : 1;
}

void alive_start(uv_loop_t *loop, uv_timer_t *timer) {
        uint64_t usec = 0;

        (void)uv_timer_init(loop, timer);
        if (sd_watchdog_enabled(0, &usec) <= 0)
                return;
        (void)uv_timer_start(timer, on_period, 0, alive_period_ms(usec));
        uv_unref((uv_handle_t *)timer);
}
