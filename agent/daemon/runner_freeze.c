/* runner_freeze - the functions of a board that goes off: stopped in place, and started again where
 * it stays on after all. */
#include "daemon/runner_private.h"
#include "io/log.h"

bool runner_hurries(const struct runner *r, usec_t now) {
        return r->frozen && now >= r->hurry;
}

void runner_freeze(struct agent *a, usec_t hurry) {
        struct runner *r = a->runner;

        if (!r || (r->frozen && r->hurry <= hurry))
                return;
        if (!r->frozen && r->n > 0)
                log_notice("functions stop: this board goes off");
        r->frozen = true;
        r->hurry = hurry;
        runner_look(a);
}

void runner_thaw(struct agent *a) {
        struct runner *r = a->runner;

        if (!r || !r->frozen)
                return;
        log_notice("this board stays on: functions start again");
        r->frozen = false;
        runner_look(a);
}

unsigned runner_left(const struct agent *a) {
        const struct runner *r = a->runner;

        return r ? r->n : 0;
}
