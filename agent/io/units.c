#include "io/units.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/bus_loop.h"

#include <errno.h>
#include <stdlib.h>

#define SYSTEMD "org.freedesktop.systemd1"

enum { UNITS_CALLS = 8, UNITS_TIMEOUT_USEC = 20 * 1000 * 1000 };

struct call {
        struct units *owner; /* NULL: free */
        units_cb done;
        void *arg;
        bool state; /* the answer is a state */
};

struct units {
        struct bus_loop *bus;
        struct call calls[UNITS_CALLS];
};

static void finish(struct call *c, int result, enum unit_state state) {
        units_cb done = c->done;

        c->owner = NULL;
        done(c->arg, result, state);
}

/* systemd(1): active, reloading, inactive, failed, activating, deactivating. */
static enum unit_state state_of(const char *text) {
        if (str_eq(text, "active") || str_eq(text, "reloading") || str_eq(text, "activating"))
                return UNIT_ACTIVE;
        return UNIT_INACTIVE;
}

static int on_reply(sd_bus_message *m, void *arg, sd_bus_error *error) {
        struct call *c = arg;
        const char *load = NULL, *active = NULL;

        (void)error;
        if (sd_bus_message_is_method_error(m, NULL))
                finish(c, -sd_bus_message_get_errno(m), UNIT_MISSING);
        else if (!c->state)
                finish(c, 0, UNIT_MISSING);
        /* ListUnitsByNames: (name, description, load state, active state, ...) */
        else if (sd_bus_message_enter_container(m, 'a', "(ssssssouso)") <= 0 ||
                 sd_bus_message_enter_container(m, 'r', "ssssssouso") <= 0 ||
                 sd_bus_message_skip(m, "ss") < 0 ||
                 sd_bus_message_read(m, "ss", &load, &active) < 0)
                finish(c, -EBADMSG, UNIT_MISSING);
        else
                finish(c, 0, str_eq(load, "not-found") ? UNIT_MISSING : state_of(active));
        return 0;
}

static void on_lost(void *arg, int error) {
        struct units *u = arg;

        for (size_t i = 0; i < ARRAY_SIZE(u->calls); i++)
                if (u->calls[i].owner)
                        finish(&u->calls[i], error, UNIT_MISSING);
}

static struct call *free_call(struct units *u) {
        for (size_t i = 0; i < ARRAY_SIZE(u->calls); i++)
                if (!u->calls[i].owner)
                        return &u->calls[i];
        return NULL;
}

/* 'unit' goes in as an array of one where a list is wanted, else with the mode "replace". */
static int call(struct units *u, const char *method, const char *unit, bool state, units_cb done,
                void *arg) {
        struct call *c = free_call(u);
        sd_bus_message *m = NULL;
        sd_bus *bus;
        int r;

        if (!c)
                return -EBUSY;
        if ((r = bus_loop_get(u->bus, &bus)) < 0 ||
            (r = sd_bus_message_new_method_call(bus, &m, SYSTEMD, "/org/freedesktop/systemd1",
                                                SYSTEMD ".Manager", method)) < 0)
                return r;
        r = state ? sd_bus_message_append(m, "as", 1, unit)
                  : sd_bus_message_append(m, "ss", unit, "replace");
        *c = (struct call){ .done = done, .arg = arg, .state = state };
        if (r >= 0)
                r = sd_bus_call_async(bus, NULL, m, on_reply, c, UNITS_TIMEOUT_USEC);
        sd_bus_message_unref(m);
        if (r < 0)
                return r;
        c->owner = u;
        bus_loop_pump(u->bus);
        return 0;
}

int units_ask(struct units *u, const char *unit, units_cb done, void *arg) {
        return call(u, "ListUnitsByNames", unit, true, done, arg);
}

int units_job(struct units *u, const char *verb, const char *unit, units_cb done, void *arg) {
        const char *method = str_eq(verb, "start")  ? "StartUnit"
                             : str_eq(verb, "stop") ? "StopUnit"
                                                    : "RestartUnit";

        return call(u, method, unit, false, done, arg);
}

int units_open(uv_loop_t *loop, struct units **ret) {
        struct units *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        r = bus_loop_open(loop, on_lost, u, &u->bus);
        if (r < 0) {
                free(u);
                return r;
        }
        *ret = u;
        return 0;
}

void units_close(struct units *u) {
        if (!u)
                return;
        bus_loop_close(u->bus);
        free(u);
}
