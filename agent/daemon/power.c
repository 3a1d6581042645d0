#include "daemon/power.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/power_private.h"
#include "daemon/runner.h"
#include "io/file_text.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TICK_MS = 200 };

/* Functions that have not ended by now end with the board. */
#define GO_USEC (8 * USEC_PER_SEC)
/* Where the board's own systemd ends it, calls in flight get less. */
#define PREPARE_CALLS_USEC (3 * USEC_PER_SEC)

/* ---- this life of the board ------------------------------------------------------------------ */

/* Random, on a tmpfs: the same for all agents until the board goes off. */
static int read_boot(struct power *p) {
        auto_close int run = open(p->agent->config.run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_buf struct buf b = { 0 };
        char text[17];

        if (run < 0)
                return -errno;
        if (file_text_read(run, "boot", 16, &b) == 0 && b.len == 16) {
                memcpy(text, b.data, 16);
                text[16] = '\0';
                if (str_from_hex64(text, &p->boot) == 0 && p->boot)
                        return 0;
        }
        if (getrandom(&p->boot, sizeof(p->boot), 0) != sizeof(p->boot))
                return -EIO;
        p->boot |= 1; /* 0 is none */
        str_hex64(p->boot, text);
        return file_text_write(run, "boot", text, 16, 0600);
}

/* ---- this board goes off --------------------------------------------------------------------- */

static void on_off(void *arg, int result, const char *why) {
        struct power *p = arg;

        if (result == 0)
                return;
        p->going = p->asked = false;
        p->failed = agent_now();
        (void)snprintf(p->why, sizeof(p->why), "%s", why);
        log_error("this board cannot be switched off: %s", why);
}

/* What failed a moment ago is not tried at once again: whoever ordered it hears why first. */
static bool just_failed(const struct power *p, usec_t now) {
        return p->why[0] && usec_sub(now, p->failed) < SHUTDOWN_AGAIN_USEC;
}

void power_go(struct power *p, bool reboot) {
        usec_t now = agent_now();

        if (p->going || just_failed(p, now))
                return;
        p->going = true;
        p->asked = false;
        p->reboot = reboot;
        p->since = now;
        p->why[0] = '\0';
        log_notice(reboot ? "this board restarts" : "this board goes off");
        runner_freeze(p->agent, p->since);
        power_view_going(p);
        power_run(p);
}

static void go_on(struct power *p, usec_t now) {
        int r;

        if (!p->going || p->asked ||
            (runner_left(p->agent) > 0 && usec_sub(now, p->since) < GO_USEC))
                return;
        p->asked = true;
        r = p->logind ? logind_off(p->logind, p->reboot, on_off, p) : -ENOTCONN;
        if (r < 0)
                on_off(p, r, "the system bus does not answer");
}

/* Whoever switches it off: functions end first, so that nothing of them delays it later. */
static void on_stopping(void *arg, bool yes) {
        struct power *p = arg;

        p->preparing = yes;
        p->prepared = agent_now();
        if (yes) {
                runner_freeze(p->agent, usec_add(p->prepared, PREPARE_CALLS_USEC));
                power_run(p);
        } else if (p->follow.id == 0) {
                runner_thaw(p->agent);
        }
}

static void prepare(struct power *p) {
        if (!p->preparing || runner_left(p->agent) > 0)
                return;
        p->preparing = false;
        logind_ready(p->logind);
}

/* ---- as the leader says ---------------------------------------------------------------------- */

void power_hold(struct power *p, uint64_t id, bool held, usec_t timeout_usec) {
        usec_t now = agent_now();

        if (held && p->follow.id != id)
                log_notice("shutdown %016" PRIx64 " is under way: functions stop", id);
        shutdown_follow_told(&p->follow, id, held, timeout_usec, now);
        if (held)
                runner_freeze(p->agent, usec_add(now, SHUTDOWN_CALLS_USEC));
        else if (!p->going && !p->preparing)
                runner_thaw(p->agent);
        if (held)
                power_run(p);
}

/* Nothing was heard for a while: is it still so? */
static void on_asked(void *arg, int result, const char *why, const cJSON *reply) {
        struct power *p = arg;

        (void)why;
        if (result < 0 || !reply || json_text(reply, "error", NULL))
                return;
        p->follow.heard = agent_now(); /* somebody leads, and sees to it */
        if (json_bool(reply, "record"))
                return;
        power_hold(p, 0, false, 0);
        power_view_over(p);
}

static void follow(struct power *p, usec_t now) {
        auto_json cJSON *o = NULL;

        switch (shutdown_follow_step(&p->follow, now)) {
        case SHUTDOWN_FOLLOW_WAIT:
                return;
        case SHUTDOWN_FOLLOW_ASK:
                if (p->lead.active)
                        return;
                o = cJSON_CreateObject();
                (void)cJSON_AddStringToObject(o, "verb", "shutdown-record");
                api_run_on_leader(p->agent, o, on_asked, p);
                return;
        case SHUTDOWN_FOLLOW_GO:
                if (!p->going && !just_failed(p, now))
                        log_notice("this board was to go off, and nobody speaks to it any more");
                power_go(p, p->view.reboot);
                return;
        }
}

/* ---- the clock ------------------------------------------------------------------------------- */

static bool idle(const struct power *p) {
        return !p->lead.active && !p->going && !p->preparing && p->follow.id == 0 && !p->watchers &&
               !power_frozen(p->agent);
}

static void on_timer(uv_timer_t *timer) {
        struct power *p = timer->data;
        usec_t now = agent_now();

        power_lead_look(p, now);
        follow(p, now);
        go_on(p, now);
        prepare(p);
        power_view_check(p, now);
        if (idle(p))
                (void)uv_timer_stop(&p->timer);
}

void power_run(struct power *p) {
        if (!uv_is_active((uv_handle_t *)&p->timer))
                (void)uv_timer_start(&p->timer, on_timer, 0, TICK_MS);
}

static void count_missing(void *arg, const struct coordinator_board *b) {
        unsigned *missing = arg;

        *missing += !b->up;
}

/* The power is back: everything stays where it is until all boards are, or have been waited for. */
static void await_boards(struct power *p, const struct charter_shutdown *record) {
        usec_t now = agent_now();
        unsigned missing = 0;

        if (!p->returning) {
                p->returning = now;
                log_notice("the boards are back from a shutdown: the last ones are waited for");
        }
        coordinator_each(p->agent, count_missing, &missing);
        if (missing == 0 || usec_sub(now, p->returning) >= SHUTDOWN_RETURN_USEC)
                power_clear(p, record->id, false);
}

void power_look(struct agent *a) {
        const struct charter_shutdown *record = &a->charter.shutdown;
        struct power *p = a->power;
        bool leads = membership_leads(a);

        if (!p)
                return;
        if (p->lead.active || (record->id && leads && !record->returning))
                power_run(p);
        if (record->returning && leads)
                await_boards(p, record);
        else
                p->returning = 0;
}

bool power_frozen(const struct agent *a) {
        return membership_leads(a) && charter_frozen(&a->charter);
}

bool power_leaves(const struct agent *a, uint64_t node) {
        return a->charter.shutdown.id && a->charter.shutdown.only == node;
}

int power_open(struct agent *a, struct fail *f) {
        struct power *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->agent = a;
        a->power = p;
        r = read_boot(p);
        if (r < 0)
                return fail(f, r, "cannot write %s/boot: %s", a->config.run_dir, strerror(-r));
        r = uv_timer_init(a->loop, &p->timer);
        if (r < 0)
                return r;
        p->timer.data = p;
        return logind_open(a->loop, on_stopping, p, &p->logind);
}
