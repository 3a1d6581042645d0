#include "gateway/call.h"

#include <errno.h>

/* What was sent is kept as long as it is little, so that the call can be made again. */
static void keep_sent(struct call *c, const char *data, size_t len) {
        if (c->replay && (c->out.len + len > GATEWAY_REPLAY_BYTES ||
                          (len > 0 && buf_add(&c->out, data, len) < 0)))
                c->replay = false;
        if (!c->replay)
                buf_done(&c->out);
        c->out_at = c->out.len;
}

bool call_push(struct call *c, const char *data, size_t len) {
        size_t left = c->out.len - c->out_at;
        uv_buf_t bufs[2] = { uv_buf_init(left ? c->out.data + c->out_at : NULL, (unsigned)left),
                             uv_buf_init((char *)(uintptr_t)data, (unsigned)len) };
        int r = upstream_write(c->upstream, bufs, 2);

        c->sent = true;
        keep_sent(c, data, len);
        if (r < 0) {
                /* it may have answered before it closed: that comes as data and end */
                if (r == UV_EPIPE || r == UV_ECONNRESET)
                        return true;
                call_broke(c, r);
                return false;
        }
        if (r > 0)
                client_hold(c->client, true);
        return true;
}

static void on_body(void *arg, const char *data, size_t len) {
        struct call *c = arg;

        if (c->ready) {
                if (!c->endless && !c->tunnel)
                        call_watch(c);
                (void)call_push(c, data, len);
                return;
        }
        if (buf_add(&c->out, data, len) < 0) {
                call_fail(c, 503, "The gateway is out of memory.");
                return;
        }
        if (c->out.len >= GATEWAY_HELD_BYTES)
                client_hold(c->client, true);
}

void call_close_tunnel(struct call *c) {
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
                call_close_tunnel(c);
        else
                upstream_shutdown(c->upstream);
}

static void on_flush(void *arg) {
        struct call *c = arg;

        if (c->ready && !c->sent)
                (void)call_push(c, NULL, 0);
}

static void on_client_drained(void *arg) {
        struct call *c = arg;

        if (!c->upstream)
                return;
        if (c->started && !c->endless && !c->tunnel)
                call_watch(c);
        upstream_resume(c->upstream);
}

static void on_client_closed(void *arg) {
        call_free(arg);
}

const struct exchange_ops call_exchange_ops = {
        .body = on_body,
        .end = on_body_end,
        .flush = on_flush,
        .drained = on_client_drained,
        .closed = on_client_closed,
};
