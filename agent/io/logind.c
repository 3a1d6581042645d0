#include "io/logind.h"

#include "base/str.h"
#include "io/bus_loop.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRY_MS = 5000 };

#define LOGIN_NAME    "org.freedesktop.login1"
#define LOGIN_PATH    "/org/freedesktop/login1"
#define LOGIN_MANAGER "org.freedesktop.login1.Manager"

struct logind {
        struct bus_loop *bus;
        uv_timer_t timer; /* connects (again) */
        logind_stopping_cb stopping;
        void *arg;
        int fd;       /* the inhibitor; -1: none */
        bool asking;  /* for it */
        bool matched; /* its signal comes */
        bool reboot;
        logind_cb done; /* NULL: nothing is under way */
        void *done_arg;
};

static void finish(struct logind *l, int result, const char *why) {
        logind_cb done = l->done;

        l->done = NULL;
        if (done)
                done(l->done_arg, result, why);
}

static void drop_lock(struct logind *l) {
        if (l->fd >= 0)
                (void)close(l->fd);
        l->fd = -1;
}

/* ---- the inhibitor --------------------------------------------------------------------------- */

static int on_lock(sd_bus_message *m, void *arg, sd_bus_error *error) {
        struct logind *l = arg;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        int fd = -1;

        (void)error;
        l->asking = false;
        if (e || sd_bus_message_read(m, "h", &fd) < 0) {
                if (log_once("inhibit"))
                        log_warning("logind does not delay a power-off for this agent (%s): "
                                    "functions end with the rest",
                                    e ? str_or(e->message, e->name) : "no answer");
                return 0;
        }
        drop_lock(l);
        l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message's own is closed with it */
        log_again("inhibit");
        return 0;
}

static void lock(struct logind *l) {
        sd_bus *bus;

        if (l->fd >= 0 || l->asking || bus_loop_get(l->bus, &bus) < 0)
                return;
        l->asking = sd_bus_call_method_async(bus, NULL, LOGIN_NAME, LOGIN_PATH, LOGIN_MANAGER,
                                             "Inhibit", on_lock, l, "ssss", "shutdown",
                                             "bramble-agent", "functions end first", "delay") >= 0;
}

static int on_prepare(sd_bus_message *m, void *arg, sd_bus_error *error) {
        struct logind *l = arg;
        int yes = 0;

        (void)error;
        if (sd_bus_message_read(m, "b", &yes) < 0)
                return 0;
        l->stopping(l->arg, yes);
        if (!yes)
                lock(l);
        return 0;
}

/* Both, and again whatever is missing. */
static void connect_bus(struct logind *l) {
        sd_bus *bus;

        if (bus_loop_get(l->bus, &bus) < 0)
                return;
        if (!l->matched)
                l->matched =
                        sd_bus_match_signal_async(bus, NULL, LOGIN_NAME, LOGIN_PATH, LOGIN_MANAGER,
                                                  "PrepareForShutdown", on_prepare, NULL, l) >= 0;
        lock(l);
        bus_loop_pump(l->bus);
}

static void on_timer(uv_timer_t *timer) {
        struct logind *l = timer->data;

        if (l->fd < 0 || !l->matched)
                connect_bus(l);
}

static void on_lost(void *arg, int error) {
        struct logind *l = arg;

        l->asking = l->matched = false;
        drop_lock(l); /* taken again with the next connection */
        finish(l, error, "the system bus went away");
}

void logind_ready(struct logind *l) {
        drop_lock(l);
}

bool logind_delays(const struct logind *l) {
        return l->fd >= 0 && l->matched;
}

/* ---- off ------------------------------------------------------------------------------------- */

static int on_unit(sd_bus_message *m, void *arg, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        char why[200] = "";

        (void)error;
        if (e)
                (void)snprintf(why, sizeof(why), "neither logind nor systemd switch it off: %.140s",
                               str_or(e->message, e->name));
        finish(arg, e ? -sd_bus_message_get_errno(m) : 0, why);
        return 0;
}

static int ask_systemd(struct logind *l) {
        sd_bus *bus;
        int r = bus_loop_get(l->bus, &bus);

        if (r >= 0)
                r = sd_bus_call_method_async(
                        bus, NULL, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                        "org.freedesktop.systemd1.Manager", "StartUnit", on_unit, l, "ss",
                        l->reboot ? "reboot.target" : "poweroff.target", "replace-irreversibly");
        return r;
}

static int on_off(sd_bus_message *m, void *arg, sd_bus_error *error) {
        struct logind *l = arg;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void)error;
        if (!e) {
                finish(l, 0, "");
                return 0;
        }
        log_warning("logind does not switch this board off (%s), asking systemd",
                    str_or(e->message, e->name));
        if (ask_systemd(l) < 0)
                finish(l, -EIO, "the system bus does not answer");
        return 0;
}

int logind_off(struct logind *l, bool reboot, logind_cb done, void *arg) {
        sd_bus *bus;
        int r;

        if (l->done)
                return -EBUSY;
        r = bus_loop_get(l->bus, &bus);
        if (r < 0)
                return r;
        r = sd_bus_call_method_async(bus, NULL, LOGIN_NAME, LOGIN_PATH, LOGIN_MANAGER,
                                     reboot ? "Reboot" : "PowerOff", on_off, l, "b", false);
        if (r < 0)
                return r;
        l->reboot = reboot;
        l->done = done;
        l->done_arg = arg;
        bus_loop_pump(l->bus);
        return 0;
}

int logind_open(uv_loop_t *loop, logind_stopping_cb stopping, void *arg, struct logind **ret) {
        struct logind *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->fd = -1;
        l->stopping = stopping;
        l->arg = arg;
        r = bus_loop_open(loop, on_lost, l, &l->bus);
        if (r < 0 || (r = uv_timer_init(loop, &l->timer)) < 0) {
                bus_loop_close(l->bus);
                free(l);
                return r;
        }
        l->timer.data = l;
        *ret = l;
        return uv_timer_start(&l->timer, on_timer, 0, TRY_MS);
}
