#include "io/bus_loop.h"

#include "base/scope.h"
#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct bus_loop {
        uv_loop_t *loop;
        void (*lost)(void *arg, int error);
        void *arg;
        sd_bus *bus;
        uv_poll_t *poll; /* of the bus that is open; NULL: none */
        uv_timer_t timer;
};

static void on_poll(uv_poll_t *poll, int status, int events) {
        (void)status;
        (void)events;
        bus_loop_pump(poll->data);
}

static void on_timer(uv_timer_t *timer) {
        bus_loop_pump(timer->data);
}

static void poll_closed(uv_handle_t *handle) {
        free(handle);
}

static void disconnect(struct bus_loop *b) {
        if (b->poll)
                uv_close((uv_handle_t *)b->poll, poll_closed);
        b->poll = NULL;
        (void)uv_timer_stop(&b->timer);
        b->bus = sd_bus_close_unref(b->bus);
}

void bus_loop_pump(struct bus_loop *b) {
        uint64_t until = 0;
        int events, r;

        if (!b->bus)
                return;
        do
                r = sd_bus_process(b->bus, NULL);
        while (r > 0);
        if (r < 0) {
                disconnect(b); /* the next call opens it again */
                if (b->lost)
                        b->lost(b->arg, r);
                return;
        }
        events = sd_bus_get_events(b->bus);
        (void)uv_poll_start(
                b->poll, (events & POLLIN ? UV_READABLE : 0) | (events & POLLOUT ? UV_WRITABLE : 0),
                on_poll);
        if (sd_bus_get_timeout(b->bus, &until) >= 0 && until != UINT64_MAX) {
                usec_t now = uv_hrtime() / NSEC_PER_USEC;

                (void)uv_timer_start(&b->timer, on_timer, usec_sub(until, now) / USEC_PER_MSEC + 1,
                                     0);
        }
}

int bus_loop_get(struct bus_loop *b, sd_bus **ret) {
        int r;

        if (!b->bus) {
                r = sd_bus_open_system(&b->bus);
                if (r < 0)
                        return r;
                b->poll = calloc(1, sizeof(*b->poll));
                r = b->poll ? uv_poll_init(b->loop, b->poll, sd_bus_get_fd(b->bus)) : -ENOMEM;
                if (r < 0) {
                        free(take_ptr(b->poll));
                        b->bus = sd_bus_close_unref(b->bus);
                        return r;
                }
                b->poll->data = b;
        }
        *ret = b->bus;
        return 0;
}

int bus_loop_open(uv_loop_t *loop, void (*lost)(void *arg, int error), void *arg,
                  struct bus_loop **ret) {
        struct bus_loop *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->loop = loop;
        b->lost = lost;
        b->arg = arg;
        if (uv_timer_init(loop, &b->timer) < 0) {
                free(b);
                return -ENOMEM;
        }
        b->timer.data = b;
        *ret = b;
        return 0;
}

static void on_closed(uv_handle_t *handle) {
        free(handle->data);
}

void bus_loop_close(struct bus_loop *b) {
        if (!b)
                return;
        disconnect(b);
        uv_close((uv_handle_t *)&b->timer, on_closed);
}
