#include "gateway/proxy.h"

#include "base/str.h"
#include "core/route.h"
#include "gateway/agent.h"
#include "gateway/call.h"
#include "gateway/reply.h"
#include "gateway/ui.h"

#include <time.h>

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
        c->sandbox = ui_shares_browser(c->g->ui, c->client, head) && !function_is_trusted(c->fn);
        own = call_heads(c);
        own.rest = *rest;
        return http_forward_request(&c->out, head, &own, c->upgrade);
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
        call_count(c);
        agent_note_calls(g->agent);
        client_attach(client, &call_exchange_ops, c, true);
        call_dispatch(c, false);
}
