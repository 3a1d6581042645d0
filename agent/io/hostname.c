#include "io/hostname.h"

#include "base/str.h"
#include "io/bus_loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hostname {
        struct bus_loop *bus;
        hostname_cb done;
        void *arg;
        char name[HOST_NAME_MAX + 1];
        int steps; /* calls that have not answered */
        int result;
        char why[160];
};

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

static void on_lost(void *arg, int error) {
        struct hostname *h = arg;

        if (h->steps == 0)
                return;
        h->steps = 0;
        h->result = error;
        (void)snprintf(h->why, sizeof(h->why), "the system bus went away: %s", strerror(-error));
        finish(h);
}

static int call(struct hostname *h, sd_bus *bus, const char *method) {
        int r = sd_bus_call_method_async(bus, NULL, "org.freedesktop.hostname1",
                                         "/org/freedesktop/hostname1", "org.freedesktop.hostname1",
                                         method, on_reply, h, "sb", h->name, false);

        if (r >= 0)
                h->steps++;
        return r;
}

void hostname_set(struct hostname *h, const char *name) {
        char now[HOST_NAME_MAX + 1] = "";
        sd_bus *bus;
        int r;

        (void)gethostname(now, sizeof(now) - 1);
        (void)str_copy(h->name, sizeof(h->name), name);
        h->result = 0;
        h->why[0] = '\0';
        if (str_eq(now, name)) {
                finish(h);
                return;
        }
        r = bus_loop_get(h->bus, &bus);
        if (r >= 0)
                r = call(h, bus, "SetStaticHostname");
        if (r >= 0)
                r = call(h, bus, "SetHostname");
        if (r < 0) {
                h->result = r;
                (void)snprintf(h->why, sizeof(h->why), "the system bus does not answer: %s",
                               strerror(-r));
                if (h->steps == 0)
                        finish(h);
                return;
        }
        bus_loop_pump(h->bus);
}

int hostname_open(uv_loop_t *loop, hostname_cb done, void *arg, struct hostname **ret) {
        struct hostname *h = calloc(1, sizeof(*h));
        int r;

        if (!h)
                return -ENOMEM;
        h->done = done;
        h->arg = arg;
        r = bus_loop_open(loop, on_lost, h, &h->bus);
        if (r < 0) {
                free(h);
                return r;
        }
        *ret = h;
        return 0;
}

void hostname_close(struct hostname *h) {
        if (!h)
                return;
        bus_loop_close(h->bus);
        free(h);
}
