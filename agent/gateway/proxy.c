#include "gateway/proxy.h"

#include "base/str.h"
#include "core/balance.h"
#include "core/route.h"
#include "gateway/agent.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "core/http_forward.h"
#include "gateway/reply.h"
#include "gateway/upstream.h"
#include "io/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct call {
        struct gateway *g;
        struct client *client;
        struct function *fn;
        struct function_waiter waiter;
        struct deadline deadline;
        struct replica *replica; /* where it is; counted in its in_flight */
        struct upstream *upstream;
        struct buf out;      /* the head and what follows, for the function; kept where the call
                                may be made again */
        struct buf response; /* the head for the client, until it is sent with the first bytes */
        uint32_t tried[GATEWAY_ATTEMPTS];
        unsigned n_tried, n_attempts;
        int error; /* of the last attempt */
        bool reached;
        bool waiting; /* in the function's list */
        bool ready;   /* the upstream can be written to */
        bool sent;    /* 'out' was written */
        bool has_body, body_over, idempotent, upgrade, is_head;
        bool started; /* the client has got, or will get, the function's own response */
        bool endless; /* a stream of events: silence is no fault */
        bool tunnel, client_ended, upstream_ended;
        uint64_t start_ns;
        char id[HTTP_FORWARD_ID_MAX + 1];
};

static struct http_forward heads_of(const struct call *c) {
        return (struct http_forward){
                .id = c->id,
                .start_ns = c->start_ns,
                .peer = client_address(c->client),
                .function = c->fn->name,
        };
}

/* ---- the end of a call -------------------------------------------------------------------------
 */

static void leave_replica(struct call *c, bool reusable) {
        if (c->upstream)
                upstream_release(take_ptr(c->upstream), reusable);
        if (c->replica) {
                c->replica->in_flight--;
                replica_unref(take_ptr(c->replica));
        }
        c->ready = c->sent = false;
}

/* Everything but the client, which the caller deals with. */
static void call_free(struct call *c) {
        leave_replica(c, false);
        if (c->waiting)
                function_wait_end(c->fn, &c->waiter);
        deadline_clear(&c->deadline);
        function_unref(c->fn);
        buf_done(&c->out);
        buf_done(&c->response);
        free(c);
}

static void give_up(struct call *c) {
        struct client *client = c->client;

        call_free(c);
        client_abort(client);
}

/* Ends the call with a sentence of our own or, too late for that, with a broken connection. */
__attribute__((format(printf, 3, 4))) static void fail_call(struct call *c, unsigned status,
                                                            const char *format, ...) {
        struct client *client = c->client;
        char text[400];
        va_list args;

        if (c->started) {
                give_up(c);
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
        call_free(c);
        reply_error(client, status, "%s", text);
}

static void on_expired(struct deadline *d) {
        struct call *c = container_of(d, struct call, deadline);

        if (c->waiting)
                fail_call(c, 503, "The function '%s' has no replica that is ready%s%s.",
                          c->fn->name, c->fn->reason[0] ? ": " : "", c->fn->reason);
        else
                fail_call(c, 504, "The function '%s' did not answer in time.", c->fn->name);
}

/* ---- to the function
 * ----------------------------------------------------------------------------- */

static void dispatch(struct call *c, bool push_now);

/* No attempt is left. */
static void fail_reach(struct call *c) {
        switch (c->error) {
        case -EBADMSG:
        case -E2BIG:
        case -EOPNOTSUPP:
        case -EPROTONOSUPPORT:
        case -EPROTO:
                fail_call(c, 502, "The function '%s' answered with something that is no HTTP.",
                          c->fn->name);
                break;
        default:
                if (c->reached)
                        fail_call(c, 502,
                                  "The function '%s' closed the connection without an answer.",
                                  c->fn->name);
                else
                        fail_call(c, 502, "The function '%s' cannot be reached: %s.", c->fn->name,
                                  uv_strerror(c->error));
                break;
        }
}

/* The connection to the replica is of no use: another attempt, where that is safe. */
static void broke(struct call *c, int error) {
        /* a function that took the call may have acted on it: only what is harmless goes again */
        bool again =
                !c->ready || (c->idempotent && !c->has_body && !upstream_answered(c->upstream));

        c->reached = c->ready;
        c->error = error;
        if (!c->reached)
                c->replica->suspect_ms = uv_now(c->g->loop) + GATEWAY_SUSPECT_MS;
        else if (upstream_was_kept(c->upstream))
                c->n_tried--; /* says nothing about the replica, only about that connection */
        leave_replica(c, false);
        if (c->started)
                give_up(c);
        else if (again && c->n_attempts < GATEWAY_ATTEMPTS && !c->fn->gone)
                dispatch(c, true);
        else
                fail_reach(c);
}

/* Writes the head, if it still has to be, and 'data'.  False where the call is over by that. */
static bool push(struct call *c, const char *data, size_t len) {
        uv_buf_t bufs[2] = { uv_buf_init(c->out.data, c->sent ? 0 : (unsigned)c->out.len),
                             uv_buf_init((char *)(uintptr_t)data, (unsigned)len) };
        int r = upstream_write(c->upstream, bufs, 2);

        c->sent = true;
        if (c->has_body)
                buf_done(&c->out); /* not to be had a second time: not made again */
        if (r < 0) {
                /* it may have answered before it closed: that comes as data and end */
                if (r == UV_EPIPE || r == UV_ECONNRESET)
                        return true;
                broke(c, r);
                return false;
        }
        if (r > 0)
                client_hold(c->client, true);
        return true;
}

static void on_upstream_ready(void *arg) {
        struct call *c = arg;

        c->ready = true;
        deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
        client_continue(c->client);
        client_hold(c->client, false);
        (void)push(c, NULL, 0);
}

static void on_upstream_drained(void *arg) {
        struct call *c = arg;

        client_hold(c->client, false);
}

static void on_body(void *arg, const char *data, size_t len) {
        struct call *c = arg;

        if (c->ready) {
                if (!c->endless && !c->tunnel)
                        deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
                (void)push(c, data, len);
                return;
        }
        if (buf_add(&c->out, data, len) < 0) {
                fail_call(c, 503, "The gateway is out of memory.");
                return;
        }
        if (c->out.len >= GATEWAY_HELD_BYTES)
                client_hold(c->client, true);
}

static void close_tunnel(struct call *c) {
        struct client *client = c->client;

        call_free(c);
        client_finish(client);
}

static void on_body_end(void *arg) {
        struct call *c = arg;

        if (!c->tunnel) {
                c->body_over = true;
                return;
        }
        c->client_ended = true;
        if (c->upstream_ended)
                close_tunnel(c);
        else
                upstream_shutdown(c->upstream);
}

static void on_flush(void *arg) {
        struct call *c = arg;

        if (c->ready && !c->sent)
                (void)push(c, NULL, 0);
}

static void on_client_drained(void *arg) {
        struct call *c = arg;

        if (!c->upstream)
                return;
        if (c->started && !c->endless && !c->tunnel)
                deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
        upstream_resume(c->upstream);
}

static void on_client_closed(void *arg) {
        call_free(arg);
}

static const struct exchange_ops exchange_ops = {
        .body = on_body,
        .end = on_body_end,
        .flush = on_flush,
        .drained = on_client_drained,
        .closed = on_client_closed,
};

/* ---- from the function
 * --------------------------------------------------------------------------- */

/* Sends the head, if it still has to be, and 'data'.  False where the call is over by that. */
static bool answer(struct call *c, const char *data, size_t len) {
        uv_buf_t bufs[2] = { uv_buf_init(c->response.data, (unsigned)c->response.len),
                             uv_buf_init((char *)(uintptr_t)data, (unsigned)len) };
        int r;

        if (c->response.len == 0 && len == 0)
                return true;
        r = client_write(c->client, bufs, 2);
        c->response.len = 0;
        if (r < 0) {
                give_up(c);
                return false;
        }
        if (r > 0) {
                /* the client's own time-out counts now */
                upstream_pause(c->upstream);
                deadline_clear(&c->deadline);
        }
        return true;
}

static void on_interim(struct call *c, const struct http_head *head) {
        struct http_forward own = heads_of(c);

        /* the client got its 100 from us */
        if (head->status == 100 || client_is_old(c->client))
                return;
        if (http_forward_response(&c->response, head, &own, "", true) < 0)
                give_up(c);
        else
                (void)answer(c, NULL, 0);
}

static void on_switch(struct call *c, const struct http_head *head) {
        struct http_forward own = heads_of(c);

        if (!c->upgrade || !head->upgrade) {
                broke(c, -EPROTO);
                return;
        }
        c->started = c->tunnel = true;
        deadline_clear(&c->deadline);
        (void)client_connection_line(c->client, true); /* the connection ends with the tunnel */
        if (http_forward_response(&c->response, head, &own, "", true) < 0) {
                give_up(c);
                return;
        }
        if (answer(c, NULL, 0))
                client_tunnel(c->client);
}

static bool is_event_stream(const struct http_head *head) {
        const struct http_text *type = http_header(head, "content-type");

        return type && type->len >= 17 && strncasecmp(type->at, "text/event-stream", 17) == 0;
}

static void on_head(void *arg, const struct http_head *head) {
        struct call *c = arg;
        struct http_forward own = heads_of(c);
        bool chunked = head->body == HTTP_BODY_CHUNKED, old = client_is_old(c->client);
        const char *connection;

        if (head->status == 101) {
                on_switch(c, head);
                return;
        }
        if (head->status < 200) {
                on_interim(c, head);
                return;
        }
        c->started = true;
        if (c->fn->failing)
                log_field(LOG_LEVEL_INFO, "BRAMBLE_FUNCTION", c->fn->name,
                          "the function '%s' answers calls again", c->fn->name);
        c->fn->failing = false;
        c->endless = is_event_stream(head);
        if (c->endless)
                deadline_clear(&c->deadline);
        if (old && chunked)
                upstream_decode(c->upstream);
        connection = client_connection_line(c->client, head->body == HTTP_BODY_UNTIL_CLOSE ||
                                                               (old && chunked));
        if (http_forward_response(&c->response, head, &own, connection, !old) < 0)
                give_up(c);
}

static void on_answer_body(void *arg, const char *data, size_t len) {
        struct call *c = arg;

        if (!c->endless && !c->tunnel)
                deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
        (void)answer(c, data, len);
}

static void on_answer_end(void *arg, bool reusable) {
        struct call *c = arg;
        struct client *client = c->client;

        if (!answer(c, NULL, 0))
                return;
        leave_replica(c, reusable && c->sent && c->body_over);
        call_free(c);
        client_finish(client);
}

static void on_answer_flush(void *arg) {
        (void)answer(arg, NULL, 0);
}

static void on_failed(void *arg, int error) {
        struct call *c = arg;

        if (!c->tunnel || error != 0) {
                broke(c, error);
                return;
        }
        c->upstream_ended = true;
        if (c->client_ended)
                close_tunnel(c);
        else
                client_shutdown(c->client);
}

static const struct upstream_ops upstream_ops = {
        .ready = on_upstream_ready,
        .head = on_head,
        .body = on_answer_body,
        .end = on_answer_end,
        .flush = on_answer_flush,
        .drained = on_upstream_drained,
        .failed = on_failed,
};

/* ---- the choice of a replica -------------------------------------------------------------------
 */

static bool was_tried(const struct call *c, const struct replica *r) {
        for (unsigned i = 0; i < c->n_tried; i++)
                if (c->tried[i] == r->id)
                        return true;
        return false;
}

static struct replica *choose(struct call *c) {
        struct balance_replica load[LIMIT_REPLICAS];
        struct function *fn = c->fn;
        uint64_t now = uv_now(c->g->loop);
        size_t at;

        for (size_t i = 0; i < fn->n_replicas; i++) {
                const struct replica *r = fn->replica[i];

                load[i] = (struct balance_replica){
                        .in_flight = r->in_flight,
                        .ready = r->ready,
                        .local = r->local,
                        .suspect = r->suspect_ms > now,
                        .tried = was_tried(c, r),
                };
        }
        at = balance_choose(load, fn->n_replicas, fn->turn++);
        return at == BALANCE_NONE ? NULL : fn->replica[at];
}

static void wait_for_replica(struct call *c) {
        if (c->fn->replicas == 0) {
                fail_call(c, 503, "The function '%s' is scaled to zero replicas.", c->fn->name);
        } else if (function_wait(c->fn, &c->waiter) < 0) {
                fail_call(c, 429, "Too many calls wait for the function '%s' to be ready.",
                          c->fn->name);
        } else {
                c->waiting = true;
                deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_REPLICA);
        }
}

static void on_woken(struct function_waiter *w) {
        struct call *c = container_of(w, struct call, waiter);

        c->waiting = false;
        deadline_clear(&c->deadline);
        if (c->fn->gone)
                fail_call(c, 404, "The function '%s' was removed.", c->fn->name);
        else
                dispatch(c, true);
}

/* 'push_now': nobody flushes after this. */
static void dispatch(struct call *c, bool push_now) {
        struct replica *r = choose(c);
        int e;

        if (!r) {
                if (c->n_attempts > 0)
                        fail_reach(c);
                else
                        wait_for_replica(c);
                return;
        }
        c->n_attempts++;
        c->tried[c->n_tried++] = r->id;
        e = upstream_open(c->g, r, &upstream_ops, c, &c->upstream);
        if (e < 0) {
                fail_call(c, 503, "The gateway cannot open a connection: %s.", uv_strerror(e));
                return;
        }
        c->replica = replica_ref(r);
        r->in_flight++;
        if (c->is_head)
                upstream_expect_no_body(c->upstream);
        if (e == 0)
                return;
        c->ready = true;
        deadline_set(&c->g->deadlines, &c->deadline, DEADLINE_CALL);
        client_continue(c->client);
        if (push_now) {
                client_hold(c->client, false);
                (void)push(c, NULL, 0);
        }
}

/* ---- the beginning of a call --------------------------------------------------------------------
 */

/* RFC 9110 9.2.2: may be made twice with the effect of once. */
static bool is_idempotent(const struct http_text *method) {
        static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };

        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
                if (http_text_is(method, methods[i]))
                        return true;
        return false;
}

static int name_call(struct call *c, const struct http_head *head) {
        const struct http_text *given = http_forward_id(head);
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now); /* to be shown, never compared */
        c->start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        return given ? str_copy_n(c->id, sizeof(c->id), given->at, given->len)
                     : call_id_make(&c->g->ids, c->id);
}

static int prepare(struct call *c, const struct http_head *head, const struct http_text *rest) {
        struct http_forward own;
        int r = name_call(c, head);

        if (r < 0)
                return r;
        c->has_body = head->body != HTTP_BODY_NONE;
        c->idempotent = is_idempotent(&head->method);
        c->is_head = client_is_head(c->client);
        c->upgrade = head->upgrade && !c->has_body;
        own = heads_of(c);
        own.rest = *rest;
        return http_forward_request(&c->out, head, &own, c->upgrade);
}

static struct call *call_new(struct gateway *g, struct client *client, struct function *fn) {
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

void proxy_start(struct gateway *g, struct client *client, const struct http_head *head,
                 const struct http_text *rest) {
        struct route_function path;
        struct function *fn;
        struct call *c;

        if (route_function(rest, &path) < 0) {
                reply_error(client, 404, "This is no name of a function.");
                return;
        }
        fn = functions_find(&g->functions, path.name, path.namespace);
        if (!fn) {
                if (g->had_state)
                        reply_error(client, 404, "There is no function '%s' in the namespace '%s'.",
                                    path.name, path.namespace);
                else
                        reply_error(client, 503,
                                    "This board's agent has not yet told which functions there "
                                    "are; try again in a moment.");
                return;
        }
        c = call_new(g, client, fn);
        if (!c || prepare(c, head, &path.rest) < 0) {
                if (c)
                        call_free(c);
                reply_error(client, 503, "The gateway is out of memory.");
                return;
        }
        function_count_call(fn);
        agent_note_calls(g->agent);
        client_attach(client, &exchange_ops, c, true);
        dispatch(c, false);
}
