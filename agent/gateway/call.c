#include "gateway/call.h"

#include "gateway/reply.h"
#include "io/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct http_forward call_heads(const struct call *c) {
        return (struct http_forward){
                .id = c->id,
                .start_ns = c->start_ns,
                .peer = client_address(c->client),
                .function = c->fn->name,
        };
}

void call_leave(struct call *c, bool reusable) {
        if (c->upstream)
                upstream_release(take_ptr(c->upstream), reusable);
        if (c->replica) {
                c->replica->in_flight--;
                replica_unref(take_ptr(c->replica));
        }
        c->ready = c->sent = false;
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

void call_fail(struct call *c, unsigned status, const char *format, ...) {
        struct client *client = c->client;
        char text[400];
        va_list args;

        if (c->started) {
                call_give_up(c);
                return;
        }
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        /* once, until a call gets through again: under load it would be thousands */
        if (!c->fn->failing)
                log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", c->fn->name,
                          "a call failed with %u: %s", status, text);
        c->fn->failing = true;
        c->status = status;
        call_free(c);
        reply_error(client, status, "%s", text);
}

static void on_expired(struct deadline *d) {
        struct call *c = container_of(d, struct call, deadline);

        if (c->waiting)
                call_fail(c, 503, "The function '%s' has no replica that is ready%s%s.",
                          c->fn->name, c->fn->reason[0] ? ": " : "", c->fn->reason);
        else
                call_fail(c, 504, "The function '%s' did not answer in time.", c->fn->name);
}

static void on_woken(struct function_waiter *w) {
        struct call *c = container_of(w, struct call, waiter);

        c->waiting = false;
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
        list_init(&c->waiter.link);
        c->waiter.woken = on_woken;
        deadline_init(&c->deadline, on_expired);
        return c;
}
