/* units - asks systemd over D-Bus how a unit is, and starts and stops it. */
#ifndef BRAMBLE_IO_UNITS_H
#define BRAMBLE_IO_UNITS_H

#include <stdbool.h>
#include <uv.h>

struct units;

enum unit_state {
        UNIT_MISSING,  /* there is no such unit */
        UNIT_INACTIVE, /* also failed */
        UNIT_ACTIVE,   /* also on its way there, and waiting for its next restart */
};

/* -ENOMEM. */
int units_open(uv_loop_t *loop, struct units **ret);
void units_close(struct units *u);

/* 'done' comes once, unless an errno is returned: a result, or negative errno where systemd does
 * not answer.  At most 8 questions at a time: -EBUSY. */
typedef void (*units_cb)(void *arg, int result, enum unit_state state);
int units_ask(struct units *u, const char *unit, units_cb done, void *arg);

/* Queues a job ("start", "stop", "restart") and does not wait for its end: ask for the state.  The
 * same 'done', once systemd has taken the job; 'state' means nothing. */
int units_job(struct units *u, const char *verb, const char *unit, units_cb done, void *arg);

#endif
