#include "gateway/call.h"

#include "gateway/reply.h"
#include "io/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Lines in the log about the failures of one function are this far apart. */
enum { CALL_QUIET_MS = 10 * 1000 };

struct http_forward call_heads(const struct call *c) {
        return (struct http_forward){
                .id = c->id,
                .start_ns = c->start_ns,
                .peer = client_address(c->client),
                .function = c->fn->name,
                .sandbox = c->sandbox,
        };
}

void call_leave(struct call *c, bool reusable) {
        if (c->upstream)
                upstream_release(take_ptr(c->upstream), reusable);
        if (c->replica) {
                c->replica->in_flight--;
                replica_unref(take_ptr(c->replica));
                slots_freed(&c->g->slots, c->fn);
        }
        c->ready = c->sent = false;
        c->out_at = 0;
}

void call_count(struct call *c) {
        c->began_ns = uv_hrtime();
        call_counts_begin(&c->fn->counts);
        function_count_call(c->fn);
}

void call_free(struct call *c) {
        if (c->began_ns)
                call_counts_end(&c->fn->counts, c->status, uv_hrtime() - c->began_ns);
        call_leave(c, false);
        if (c->waiting)
                function_wait_end(c->fn, &c->waiter);
        deadline_clear(&c->deadline);
        function_unref(c->fn);
        buf_done(&c->out);
        buf_done(&c->response);
        free(c);
}

void call_give_up(struct call *c) {
        struct client *client = c->client;

        call_free(c);
        client_abort(client);
}

/* Once, until a call gets through again, and not for each of a function that fails now and then:
 * under load it would be thousands. */
static void log_failure(struct call *c, unsigned status, const char *text) {
        struct function *fn = c->fn;
        uint64_t now = uv_now(c->g->loop);

        if (fn->failing || now < fn->quiet_until_ms)
                return;
        log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", fn->name, "a call failed with %u: %s",
                  status, text);
        fn->failing = true;
        fn->quiet_until_ms = now + CALL_QUIET_MS;
}

__attribute__((format(printf, 4, 0))) static void
fail_call(struct call *c, unsigned status, const char *headers, const char *format, va_list args) {
        struct client *client = c->client;
        char text[400];

        if (c->told) {
                call_give_up(c);
                return;
        }
        (void)vsnprintf(text, sizeof(text), format, args);
        log_failure(c, status, text);
        c->status = status;
        call_free(c);
        reply_error_with(client, status, headers, "%s", text);
}

void call_fail(struct call *c, unsigned status, const char *format, ...) {
        va_list args;

        va_start(args, format);
        fail_call(c, status, "", format, args);
        va_end(args);
}

void call_fail_with(struct call *c, unsigned status, const char *headers, const char *format, ...) {
        va_list args;

        va_start(args, format);
        fail_call(c, status, headers, format, args);
        va_end(args);
}

void call_watch(struct call *c) {
        struct deadlines *ds = &c->g->deadlines;
        uint64_t ms = function_timeout_ms(c->fn, ds->after_ms[DEADLINE_CALL]);

        if (ms)
                deadline_set_in(ds, &c->deadline, &c->fn->silence, ms);
        else
                deadline_set(ds, &c->deadline, DEADLINE_CALL);
}

static void on_expired(struct deadline *d) {
        struct call *c = container_of(d, struct call, deadline);

        if (c->waiting && !c->queued && function_has_ready(c->fn)) {
                /* what it waits for now is its turn, and there is another time for that */
                c->queued = true;
                deadline_set(&c->g->deadlines, d, DEADLINE_QUEUE);
        } else if (c->waiting && c->queued) {
                call_fail_with(c, 503, "Retry-After: 1\r\n",
                               "The function '%s' was busy for %u seconds; %u calls at a time are "
                               "its limit for a replica (" CALL_LIMITS_CONCURRENCY ").",
                               c->fn->name,
                               (unsigned)(c->g->deadlines.after_ms[DEADLINE_QUEUE] / 1000),
                               c->fn->limits.concurrency);
        } else if (c->waiting) {
                call_fail(c, 503, "The function '%s' has no replica that is ready%s%s.",
                          c->fn->name, c->fn->reason[0] ? ": " : "", c->fn->reason);
        } else {
                call_fail(c, 504, "The function '%s' did not answer in time.", c->fn->name);
        }
}

static void on_woken(struct function_waiter *w) {
        struct call *c = container_of(w, struct call, waiter);

        c->waiting = c->queued = false;
        c->woken = true;
        deadline_clear(&c->deadline);
        if (c->fn->gone)
                call_fail(c, 404, "The function '%s' was removed.", c->fn->name);
        else
                call_dispatch(c, true);
}

struct call *call_new(struct gateway *g, struct client *client, struct function *fn) {
        struct call *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->g = g;
        c->client = client;
        c->fn = function_ref(fn);
        c->replay = true;
        list_init(&c->waiter.link);
        c->waiter.woken = on_woken;
        deadline_init(&c->deadline, on_expired);
        return c;
}
