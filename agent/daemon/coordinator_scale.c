/* coordinator_scale - how many replicas each function has: by its load, and from zero by a call.
 * Only the leader decides; a person's word is in the charter and is never taken back. */
#include "base/scope.h"
#include "base/str.h"
#include "core/autoscale.h"
#include "daemon/api.h"
#include "daemon/coordinator_private.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/runner.h"
#include "io/json.h"
#include "io/log.h"
#include "io/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One function of the charter. */
struct scaled {
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        uint32_t generation; /* whose labels these are: */
        struct autoscale_rules rules;
        struct autoscale state;
        struct autoscale_now now;
        struct coordinator *c;
        bool submitted; /* a change by load is in the log, not yet answered */
        uint32_t ahead; /* replicas that it has when what is in the log is applied; 0: as it is */
        bool gone;      /* not in the table any more: freed by that answer */
};

/* ---- the table
 * -------------------------------------------------------------------------------------- */

static void drop(struct scaled *s) {
        if (s && s->submitted)
                s->gone = true;
        else
                free(s);
}

static int order(const struct scaled *s, const char *name, const char *namespace) {
        int by_name = strcmp(s->name, name);

        return by_name ? by_name : strcmp(s->namespace, namespace);
}

/* The table is in the charter's order. */
static struct scaled *find(const struct coordinator *c, const char *name, const char *namespace) {
        uint32_t low = 0, high = c->n_scaled;

        while (low < high) {
                uint32_t at = low + (high - low) / 2;
                int o = order(c->scaled[at], name, namespace);

                if (o == 0)
                        return c->scaled[at];
                if (o < 0)
                        low = at + 1;
                else
                        high = at;
        }
        return NULL;
}

static void read_rules(struct scaled *s, const struct charter_function *f) {
        struct spec spec;

        if (s->generation == f->generation)
                return;
        s->generation = f->generation;
        s->rules = AUTOSCALE_DEFAULTS;
        if (spec_parse(f->spec, f->spec_len, &spec, NULL) < 0)
                return; /* it was checked as it came; its boards say what is wrong */
        s->rules = spec.scale;
        spec_done(&spec);
}

static struct scaled *scaled_new(struct coordinator *c, const struct charter_function *f) {
        struct scaled *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->c = c;
        (void)str_copy(s->name, sizeof(s->name), f->name);
        (void)str_copy(s->namespace, sizeof(s->namespace), f->namespace);
        return s;
}

void coordinator_scale_follow(struct coordinator *c) {
        const struct charter *charter = &c->agent->charter;
        struct scaled **table = calloc(charter->n_functions + 1, sizeof(*table));
        uint32_t n = 0;

        if (!table)
                return;
        for (; n < charter->n_functions; n++) {
                const struct charter_function *f = &charter->functions[n];

                table[n] = find(c, f->name, f->namespace);
                if (!table[n] && !(table[n] = scaled_new(c, f)))
                        break;
                read_rules(table[n], f);
        }
        for (uint32_t i = 0, kept = 0; i < c->n_scaled; i++) {
                while (kept < n &&
                       order(table[kept], c->scaled[i]->name, c->scaled[i]->namespace) < 0)
                        kept++;
                if (kept == n || table[kept] != c->scaled[i])
                        drop(c->scaled[i]);
        }
        free(c->scaled);
        c->scaled = table;
        c->n_scaled = n;
}

void coordinator_scale_forget(struct coordinator *c) {
        for (uint32_t i = 0; i < c->n_scaled; i++)
                drop(c->scaled[i]);
        free(c->scaled);
        c->scaled = NULL;
        c->n_scaled = 0;
}

bool coordinator_keeps(void *arg, uint32_t function) {
        const struct coordinator *c = arg;

        return function < c->n_scaled && c->scaled[function]->rules.freeze;
}

uint32_t coordinator_replicas(const struct coordinator *c, uint32_t function) {
        uint32_t now = c->agent->charter.functions[function].replicas;

        return function < c->n_scaled && c->scaled[function]->ahead > now
                       ? c->scaled[function]->ahead
                       : now;
}

struct charter_function *coordinator_functions_ahead(const struct coordinator *c) {
        const struct charter *charter = &c->agent->charter;
        struct charter_function *copy;
        bool any = false;

        for (uint32_t i = 0; i < charter->n_functions; i++)
                any = any || coordinator_replicas(c, i) != charter->functions[i].replicas;
        copy = any ? malloc(charter->n_functions * sizeof(*copy)) : NULL;
        if (!copy)
                return NULL;
        memcpy(copy, charter->functions, charter->n_functions * sizeof(*copy));
        for (uint32_t i = 0; i < charter->n_functions; i++)
                copy[i].replicas = coordinator_replicas(c, i);
        return copy;
}

/* ---- the load
 * --------------------------------------------------------------------------------------- */

static struct scaled *scaled_of(const struct coordinator *c, uint32_t instance) {
        const struct charter *charter = &c->agent->charter;
        uint32_t low = 0, high = charter->n_instances;

        while (low < high) { /* they are in order of id */
                uint32_t at = low + (high - low) / 2;
                const struct charter_instance *in = &charter->instances[at];

                if (in->id == instance)
                        return find(c, in->function, in->namespace);
                if (in->id < instance)
                        low = at + 1;
                else
                        high = at;
        }
        return NULL;
}

static void add_board(struct coordinator *c, const struct board_state *b) {
        for (uint32_t i = 0; i < b->n_calls; i++) {
                const struct report_calls *calls = &b->calls[i];
                struct scaled *s = find(c, calls->function, calls->namespace);

                if (!s)
                        continue;
                s->now.rate_milli += calls->rate_milli;
                s->now.in_flight += calls->in_flight;
                s->now.waiting += calls->waiting;
        }
        for (uint32_t i = 0; i < b->n_instances; i++) {
                struct scaled *s = b->instances[i].state == INSTANCE_READY
                                           ? scaled_of(c, b->instances[i].id)
                                           : NULL;

                if (s)
                        s->now.ready++;
        }
        for (uint32_t i = 0; i < b->n_usage; i++) {
                struct scaled *s = scaled_of(c, b->usage[i].id);

                if (s)
                        s->now.millicores += b->usage[i].millicores;
        }
}

static void collect(struct coordinator *c) {
        const struct charter *charter = &c->agent->charter;

        for (uint32_t i = 0; i < c->n_scaled; i++)
                c->scaled[i]->now =
                        (struct autoscale_now){ .replicas = charter->functions[i].replicas,
                                                .floor = charter->functions[i].floor };
        for (uint32_t i = 0; i < charter->n_instances; i++) {
                struct scaled *s =
                        find(c, charter->instances[i].function, charter->instances[i].namespace);

                if (s)
                        s->now.placed++;
        }
        for (uint32_t i = 0; i < c->n_boards; i++)
                if (c->boards[i]->up)
                        add_board(c, c->boards[i]);
}

/* ---- decisions
 * -------------------------------------------------------------------------------------- */

static void on_scaled(void *arg, int result) {
        struct scaled *s = arg;

        s->submitted = false;
        s->ahead = 0;
        if (result < 0 && result != -ESTALE && result != -ENOENT && result != -ECANCELED)
                log_warning("the replicas of %s could not be written down: %s", s->name,
                            strerror(-result));
        if (s->gone)
                free(s);
}

static void scale(struct scaled *s, uint32_t replicas) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_FOLLOW,
                                       .replicas = replicas,
                                       .replicas_from = s->now.replicas };

        (void)str_copy(cmd.name, sizeof(cmd.name), s->name);
        (void)str_copy(cmd.namespace, sizeof(cmd.namespace), s->namespace);
        if (consensus_submit(membership_consensus(s->c->agent), &cmd, on_scaled, s) < 0)
                return; /* the next look decides again */
        s->submitted = true;
        s->ahead = replicas > s->now.replicas ? replicas : 0;
        log_field(LOG_LEVEL_INFO, "BRAMBLE_FUNCTION", s->name,
                  "%s: from %" PRIu32 " to %" PRIu32 " replicas at %" PRIu64
                  " calls a second, %" PRIu32 " at a time, %" PRIu32 "m of CPU",
                  s->name, s->now.replicas, replicas, s->now.rate_milli / 1000,
                  s->now.in_flight + s->now.waiting, s->now.millicores);
}

void coordinator_scale_look(struct coordinator *c, usec_t now) {
        if (c->n_scaled != c->agent->charter.n_functions)
                coordinator_scale_follow(c); /* there was no memory */
        if (c->n_scaled != c->agent->charter.n_functions)
                return;
        collect(c);
        for (uint32_t i = 0; i < c->n_scaled; i++) {
                struct scaled *s = c->scaled[i];
                uint32_t replicas = autoscale_step(&s->state, &s->rules, &s->now, now);

                if (replicas != s->now.replicas && !s->submitted)
                        scale(s, replicas);
        }
}

/* ---- from zero
 * -------------------------------------------------------------------------------------- */

static void thaw(struct agent *a, uint64_t node, const char *name, const char *namespace) {
        auto_json cJSON *request = NULL;
        auto_free char *text = NULL;
        struct link *l;

        if (node == a->board.node) {
                (void)runner_wake(a, name, namespace);
                return;
        }
        l = peers_link(a, node);
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "thaw");
        (void)cJSON_AddStringToObject(request, "name", name);
        (void)cJSON_AddStringToObject(request, "namespace", namespace);
        text = cJSON_PrintUnformatted(request);
        if (l && text) /* nobody waits for the answer: the board's report is one */
                (void)link_send(l, FRAME_REQUEST, 0, text, strlen(text));
}

/* Paused replicas, wherever they are, go on before anything is written down. */
static void thaw_all(struct coordinator *c, const char *name, const char *namespace) {
        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];
                const struct scaled *s;
                bool any = false;

                for (uint32_t j = 0; j < b->n_instances && !any; j++) {
                        s = b->instances[j].state == INSTANCE_FROZEN
                                    ? scaled_of(c, b->instances[j].id)
                                    : NULL;
                        any = s && order(s, name, namespace) == 0;
                }
                if (any)
                        thaw(c->agent, b->node, name, namespace);
        }
}

/* A raise that is in the log. */
struct raise {
        struct coordinator *c;
        void (*done)(void *arg, int result);
        void *arg;
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
};

static void on_raised(void *arg, int result) {
        struct raise *r = arg;
        struct scaled *s = find(r->c, r->name, r->namespace);

        if (s)
                s->ahead = 0;
        r->done(r->arg, result);
        free(r);
}

static int raise_now(struct coordinator *c, struct scaled *s, void (*done)(void *arg, int result),
                     void *arg) {
        struct charter_command cmd = { .op = CHARTER_FUNCTION_FOLLOW };
        struct raise *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->c = c;
        r->done = done;
        r->arg = arg;
        (void)str_copy(r->name, sizeof(r->name), s->name);
        (void)str_copy(r->namespace, sizeof(r->namespace), s->namespace);
        (void)str_copy(cmd.name, sizeof(cmd.name), s->name);
        (void)str_copy(cmd.namespace, sizeof(cmd.namespace), s->namespace);
        cmd.replicas = autoscale_wake(&s->rules);
        error = consensus_submit(membership_consensus(c->agent), &cmd, on_raised, r);
        if (error < 0) {
                free(r);
                return error;
        }
        /* its board begins while the voters write */
        s->ahead = cmd.replicas;
        (void)uv_async_send(&c->poke);
        return 0;
}

int coordinator_raise(struct agent *a, const char *name, const char *namespace,
                      void (*done)(void *arg, int result), void *arg) {
        struct coordinator *c = a->coordinator;
        const struct charter_function *f = charter_function(&a->charter, name, namespace);
        struct scaled *s = c->leads ? find(c, name, namespace) : NULL;

        if (!c->leads) /* any moment: its table is not made yet */
                return -ENOTCONN;
        if (!f || !s)
                return -ENOENT;
        if (charter_frozen(&a->charter))
                return -ESHUTDOWN;
        autoscale_called(&s->state, agent_now());
        thaw_all(c, name, namespace);
        if (f->replicas > 0 || s->ahead > 0)
                return 1;
        return raise_now(c, s, done, arg);
}

int coordinator_usage(const struct agent *a, const char *name, const char *namespace,
                      uint64_t *ret_millicores, uint64_t *ret_bytes) {
        const struct coordinator *c = a->coordinator;
        uint64_t millicores = 0, bytes = 0;
        const struct scaled *wanted = c->leads ? find(c, name, namespace) : NULL;

        if (!wanted)
                return -ENOENT;
        for (uint32_t i = 0; i < c->n_boards; i++) {
                const struct board_state *b = c->boards[i];

                for (uint32_t j = 0; b->up && j < b->n_usage; j++) {
                        if (scaled_of(c, b->usage[j].id) != wanted)
                                continue;
                        millicores += b->usage[j].millicores;
                        bytes += b->usage[j].memory_bytes;
                }
        }
        *ret_millicores = millicores;
        *ret_bytes = bytes;
        return 0;
}
