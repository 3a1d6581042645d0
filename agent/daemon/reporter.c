#include "daemon/reporter.h"

#include "base/scope.h"
#include "base/buf.h"
#include "base/str.h"
#include "daemon/calls_file.h"
#include "daemon/coordinator.h"
#include "daemon/events.h"
#include "daemon/images.h"
#include "daemon/kube.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/reporter_alarms.h"
#include "daemon/runner.h"
#include "io/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        REPORT_MS = 1000,
        LOAD_SEC = 3,
        CARD_SEC = 300, /* the counts go to the card no more often */
};

struct reporter {
        struct agent *agent;
        struct sensors_reader *reader;
        struct sensors sensors;
        struct reporter_alarms alarms;
        int root_fd; /* kept as long as the process */
        uv_timer_t timer;
        uv_async_t soon;
        usec_t told;        /* of calls by the gateway */
        uint32_t problems;  /* last said in the log */
        bool calls_read;    /* what was counted before this agent began */
        bool calls_unsaved; /* on the card */
        usec_t calls_saved;
        uint32_t n_calls;
        struct report_calls calls[LIMIT_FUNCTIONS];
        struct report report; /* filled anew each time: too large for the stack */
};

static void say_problems(struct reporter *r) {
        char text[SIZE_REASON * 2];

        if (r->problems == r->sensors.problems)
                return;
        r->problems = r->sensors.problems;
        if (r->problems)
                log_warning("%s", report_problem_text(text, sizeof(text), r->problems));
        else
                log_notice("all problems of this board are over");
}

/* A gateway that went away without a word has no calls any more. */
static void forget_load(struct reporter *r, usec_t now) {
        if (usec_sub(now, r->told) < LOAD_SEC * USEC_PER_SEC)
                return;
        for (uint32_t i = 0; i < r->n_calls; i++)
                r->calls[i].rate_milli = r->calls[i].in_flight = r->calls[i].waiting = 0;
}

static uint64_t unix_ms(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void fill(struct reporter *r) {
        struct agent *a = r->agent;
        struct report *out = &r->report;
        struct in_addr address = { htonl(a->lan.address) };

        out->board = a->board;
        out->board.function_bytes = kube_function_bytes(a);
        out->sensors = r->sensors;
        out->address[0] = '\0';
        if (a->lan.address)
                (void)inet_ntop(AF_INET, &address, out->address, sizeof(out->address));
        out->n_instances = runner_report(a, out->instances);
        out->n_images = images_report(a, out->images);
        kube_report(a, &out->kube);
        out->n_usage = runner_usage(a, out->usage);
        out->unix_ms = unix_ms();
        out->n_alarms = reporter_alarms(a, out->alarms);
        forget_load(r, agent_now());
        out->n_calls = r->n_calls;
        memcpy(out->calls, r->calls, r->n_calls * sizeof(r->calls[0]));
}

static void send_report(struct reporter *r) {
        struct agent *a = r->agent;
        auto_buf struct buf b = { .limit = LIMIT_FRAME_BYTES };
        struct link *l;

        if (a->bramble == 0)
                return;
        fill(r);
        if (membership_leads(a)) {
                coordinator_report(a, &r->report);
                return;
        }
        l = peers_link(a, membership_leader(a));
        if (l && report_encode(&r->report, &b) == 0)
                (void)link_send(l, FRAME_REPORT, 0, b.data, b.len);
}

/* What this board counted in its bramble before: on tmpfs, and what is left after a power cut. */
static void read_calls(struct reporter *r) {
        const struct agent *a = r->agent;

        if (r->calls_read || !a->bramble)
                return;
        r->calls_read = true;
        r->calls_saved = agent_now();
        calls_file_read(a->config.run_dir, a->bramble, r->calls, &r->n_calls);
        calls_file_read(a->config.state_dir, a->bramble, r->calls, &r->n_calls);
}

/* A function that is gone takes its count along. */
static void forget_calls(struct reporter *r) {
        const struct world *w = &r->agent->world;

        for (uint32_t i = r->n_calls; w->bramble && i-- > 0;)
                if (!world_function(w, r->calls[i].function, r->calls[i].namespace))
                        r->calls[i] = r->calls[--r->n_calls];
}

static void save_calls(struct reporter *r, const char *dir, bool card) {
        int error = calls_file_write(dir, r->agent->bramble, r->calls, r->n_calls, card);

        if (card) {
                r->calls_saved = agent_now();
                r->calls_unsaved = false;
        }
        if (error < 0 && log_once("calls"))
                log_warning("the counts of calls cannot be written below %s: %s", dir,
                            strerror(-error));
}

void reporter_calls_told(struct agent *a) {
        a->reporter->calls_unsaved = true;
        save_calls(a->reporter, a->config.run_dir, false);
}

void reporter_close(struct agent *a) {
        if (a->reporter && a->bramble && a->reporter->calls_unsaved)
                save_calls(a->reporter, a->config.state_dir, true);
}

static void on_timer(uv_timer_t *timer) {
        struct reporter *r = timer->data;
        struct agent *a = r->agent;

        if (!a->lan.address && a->fnet) /* no address yet when the network last changed */
                (void)fnet_lan(a->fnet, a->config.interface[0] ? a->config.interface : NULL,
                               &a->lan);
        sensors_read(r->reader, agent_now(), a->lan.name, &r->sensors);
        runner_measure(a);
        r->sensors.problems |= a->problems;
        say_problems(r);
        reporter_alarms_look(&r->alarms, a, r->root_fd, &r->sensors, agent_now());
        read_calls(r);
        forget_calls(r);
        if (a->bramble && r->calls_unsaved &&
            usec_sub(agent_now(), r->calls_saved) > CARD_SEC * USEC_PER_SEC)
                save_calls(r, a->config.state_dir, true);
        send_report(r);
        events_follow(a);
}

static void on_soon(uv_async_t *soon) {
        send_report(soon->data);
}

void reporter_soon(struct agent *a) {
        if (a->reporter)
                (void)uv_async_send(&a->reporter->soon);
}

const struct sensors *reporter_sensors(const struct agent *a) {
        return &a->reporter->sensors;
}

uint32_t reporter_alarms(const struct agent *a, struct report_alarm ret[static ALARM_BOARD_KINDS]) {
        return alarms_report(&a->reporter->alarms.alarms, agent_now(), ret);
}

/* The row of a function, made where it is new.  NULL: it does not exist, or there is no place. */
static struct report_calls *calls_of(struct reporter *r, const char *name, const char *namespace) {
        const struct agent *a = r->agent;
        struct report_calls *calls;

        read_calls(r);
        if (a->world.bramble && !world_function(&a->world, name, namespace))
                return NULL; /* before there is a world it may be one that is there */
        for (uint32_t i = 0; i < r->n_calls; i++)
                if (str_eq(r->calls[i].function, name) && str_eq(r->calls[i].namespace, namespace))
                        return &r->calls[i];
        /* a function that is gone leaves its place to a new one */
        for (uint32_t i = 0; r->n_calls == LIMIT_FUNCTIONS && i < r->n_calls; i++)
                if (!world_function(&a->world, r->calls[i].function, r->calls[i].namespace))
                        r->calls[i] = r->calls[--r->n_calls];
        if (r->n_calls == LIMIT_FUNCTIONS)
                return NULL;
        calls = &r->calls[r->n_calls++];
        memset(calls, 0, sizeof(*calls));
        (void)str_copy(calls->function, sizeof(calls->function), name);
        (void)str_copy(calls->namespace, sizeof(calls->namespace), namespace);
        return calls;
}

void reporter_calls(struct agent *a, const struct reporter_load *load) {
        struct reporter *r = a->reporter;
        struct report_calls *calls = calls_of(r, load->name, load->namespace);
        uint64_t rate = load->count * 1000 * 1000 / (load->ms ? load->ms : 1);

        if (!calls)
                return;
        calls->invocations += load->count;
        calls->rate_milli = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
        calls->in_flight = load->in_flight;
        calls->waiting = load->waiting;
        r->told = agent_now();
}

int reporter_open(struct agent *a) {
        struct reporter *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->agent = a;
        a->reporter = r;
        r->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->root_fd < 0)
                return -errno;
        error = sensors_open(r->root_fd, &a->board, a->config.state_dir, &r->reader);
        if (error < 0)
                return error;
        sensors_read(r->reader, agent_now(), a->lan.name, &r->sensors);
        reporter_alarms_look(&r->alarms, a, r->root_fd, &r->sensors, agent_now());
        if ((error = uv_timer_init(a->loop, &r->timer)) < 0 ||
            (error = uv_async_init(a->loop, &r->soon, on_soon)) < 0)
                return error;
        r->timer.data = r;
        r->soon.data = r;
        return uv_timer_start(&r->timer, on_timer, REPORT_MS, REPORT_MS);
}
