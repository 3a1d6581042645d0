#include "io/hostname.h"

#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

enum { CALL_TIMEOUT_SEC = 25 };

struct hostname {
        uv_loop_t *loop;
        hostname_cb done;
        void *arg;
        sd_bus *bus;
        uv_poll_t *poll; /* of the bus that is open; NULL: none */
        uv_timer_t timer;
        char name[HOST_NAME_MAX + 1];
        int steps; /* calls that have not answered */
        int result;
        char why[160];
};

static void pump(struct hostname *h);

static void finish(struct hostname *h) {
        h->done(h->arg, h->result, h->why);
}

static int on_reply(sd_bus_message *m, void *arg, sd_bus_error *error) {
        struct hostname *h = arg;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void)error;
        if (e && h->result == 0) {
                h->result = -sd_bus_message_get_errno(m);
                (void)snprintf(h->why, sizeof(h->why), "systemd-hostnamed said: %.120s",
                               str_or(e->message, e->name));
        }
        if (--h->steps == 0)
                finish(h);
        return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
        (void)status;
        (void)events;
        pump(poll->data);
}

static void on_timer(uv_timer_t *timer) {
        pump(timer->data);
}

static void poll_closed(uv_handle_t *handle) {
        free(handle);
}

static void disconnect(struct hostname *h) {
        if (h->poll)
                uv_close((uv_handle_t *)h->poll, poll_closed);
        h->poll = NULL;
        (void)uv_timer_stop(&h->timer);
        h->bus = sd_bus_close_unref(h->bus);
}

/* Lets the bus work, then waits for what it wants next. */
static void pump(struct hostname *h) {
        uint64_t until = 0;
        int events, r;

        do
                r = sd_bus_process(h->bus, NULL);
        while (r > 0);
        if (r < 0) {
                disconnect(h); /* the next name opens it again */
                if (h->steps > 0) {
                        h->steps = 0;
                        h->result = r;
                        (void)snprintf(h->why, sizeof(h->why), "the system bus went away: %s",
                                       strerror(-r));
                        finish(h);
                }
                return;
        }
        events = sd_bus_get_events(h->bus);
        (void)uv_poll_start(
                h->poll, (events & POLLIN ? UV_READABLE : 0) | (events & POLLOUT ? UV_WRITABLE : 0),
                on_poll);
        if (sd_bus_get_timeout(h->bus, &until) >= 0 && until != UINT64_MAX) {
                usec_t now = uv_hrtime() / NSEC_PER_USEC;

                (void)uv_timer_start(&h->timer, on_timer, usec_sub(until, now) / USEC_PER_MSEC + 1,
                                     0);
        }
}

static int connect_bus(struct hostname *h) {
        int r;

        if (h->bus)
                return 0;
        r = sd_bus_open_system(&h->bus);
        if (r < 0)
                return r;
        h->poll = calloc(1, sizeof(*h->poll));
        r = h->poll ? uv_poll_init(h->loop, h->poll, sd_bus_get_fd(h->bus)) : -ENOMEM;
        if (r < 0) {
                free(take_ptr(h->poll));
                h->bus = sd_bus_close_unref(h->bus);
                return r;
        }
        h->poll->data = h;
        return 0;
}

static int call(struct hostname *h, const char *method) {
        int r = sd_bus_call_method_async(h->bus, NULL, "org.freedesktop.hostname1",
                                         "/org/freedesktop/hostname1", "org.freedesktop.hostname1",
                                         method, on_reply, h, "sb", h->name, false);

        if (r >= 0)
                h->steps++;
        return r;
}

void hostname_set(struct hostname *h, const char *name) {
        char now[HOST_NAME_MAX + 1] = "";
        int r;

        (void)gethostname(now, sizeof(now) - 1);
        (void)str_copy(h->name, sizeof(h->name), name);
        h->result = 0;
        h->why[0] = '\0';
        if (str_eq(now, name)) {
                finish(h);
                return;
        }
        r = connect_bus(h);
        if (r >= 0)
                r = call(h, "SetStaticHostname");
        if (r >= 0)
                r = call(h, "SetHostname");
        if (r < 0) {
                h->result = r;
                (void)snprintf(h->why, sizeof(h->why), "the system bus does not answer: %s",
                               strerror(-r));
                if (h->steps == 0)
                        finish(h);
                return;
        }
        pump(h);
}

int hostname_open(uv_loop_t *loop, hostname_cb done, void *arg, struct hostname **ret) {
        struct hostname *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        h->loop = loop;
        h->done = done;
        h->arg = arg;
        if (uv_timer_init(loop, &h->timer) < 0) {
                free(h);
                return -ENOMEM;
        }
        h->timer.data = h;
        *ret = h;
        return 0;
}

static void on_closed(uv_handle_t *handle) {
        free(handle->data);
}

void hostname_close(struct hostname *h) {
        if (!h)
                return;
        disconnect(h);
        uv_close((uv_handle_t *)&h->timer, on_closed);
}
