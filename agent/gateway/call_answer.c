#include "gateway/call.h"

#include "io/log.h"

#include <errno.h>
#include <strings.h>

static void on_upstream_ready(void *arg) {
        struct call *c = arg;

        c->ready = true;
        call_watch(c);
        client_continue(c->client);
        client_hold(c->client, false);
        (void)call_push(c, NULL, 0);
}

static void on_upstream_drained(void *arg) {
        struct call *c = arg;

        client_hold(c->client, false);
}

/* Sends the head, if it still has to be, and 'data'.  False where the call is over by that.
 */
static bool answer(struct call *c, const char *data, size_t len) {
        uv_buf_t bufs[2] = { uv_buf_init(c->response.data, (unsigned)c->response.len),
                             uv_buf_init((char *)(uintptr_t)data, (unsigned)len) };
        int r;

        if (c->response.len == 0 && len == 0)
                return true;
        r = client_write(c->client, bufs, 2);
        c->response.len = 0;
        c->told = c->told || c->started; /* an interim response is none */
        if (r < 0) {
                call_give_up(c);
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
        struct http_forward own = call_heads(c);

        /* the client got its 100 from us */
        if (head->status == 100 || client_is_old(c->client))
                return;
        if (http_forward_response(&c->response, head, &own, "", true) < 0)
                call_give_up(c);
        else
                (void)answer(c, NULL, 0);
}

static void on_switch(struct call *c, const struct http_head *head) {
        struct http_forward own = call_heads(c);

        if (!c->upgrade || !head->upgrade) {
                call_broke(c, -EPROTO);
                return;
        }
        c->started = c->tunnel = true;
        c->status = head->status;
        deadline_clear(&c->deadline);
        (void)client_connection_line(c->client, true); /* the connection ends with the tunnel */
        if (http_forward_response(&c->response, head, &own, "", true) < 0) {
                call_give_up(c);
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
        struct http_forward own = call_heads(c);
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
        c->status = head->status;
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
                call_give_up(c);
}

static void on_answer_body(void *arg, const char *data, size_t len) {
        struct call *c = arg;

        if (!c->endless && !c->tunnel)
                call_watch(c);
        (void)answer(c, data, len);
}

static void on_answer_end(void *arg, bool reusable) {
        struct call *c = arg;
        struct client *client = c->client;

        if (!answer(c, NULL, 0))
                return;
        call_leave(c, reusable && c->sent && c->body_over);
        call_free(c);
        client_finish(client);
}

static void on_answer_flush(void *arg) {
        (void)answer(arg, NULL, 0);
}

static void on_failed(void *arg, int error) {
        struct call *c = arg;

        if (!c->tunnel || error != 0) {
                call_broke(c, error);
                return;
        }
        c->upstream_ended = true;
        if (c->client_ended)
                call_close_tunnel(c);
        else
                client_shutdown(c->client);
}

const struct upstream_ops call_upstream_ops = {
        .ready = on_upstream_ready,
        .head = on_head,
        .body = on_answer_body,
        .end = on_answer_end,
        .flush = on_answer_flush,
        .drained = on_upstream_drained,
        .failed = on_failed,
};
