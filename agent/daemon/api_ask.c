/* api_ask - one request to another board, on a connection of its own. */
#include "base/scope.h"
#include "daemon/api.h"
#include "daemon/peers.h"
#include "io/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct board_ask {
        struct agent *agent;
        struct link *link; /* NULL once it has ended */
        uv_timer_t timer;
        char *text;
        api_reply_cb done; /* NULL: given up */
        void *arg;
};

static void timer_closed(uv_handle_t *handle) {
        struct board_ask *q = handle->data;

        explicit_bzero(q->text, strlen(q->text)); /* there may be a secret in it */
        free(q->text);
        free(q);
}

static void finish(struct board_ask *q, int result, const char *why, const cJSON *reply) {
        struct link *l = take_ptr(q->link);
        api_reply_cb done = take_ptr(q->done);

        if (l)
                peers_discard(l);
        if (!uv_is_closing((uv_handle_t *)&q->timer))
                uv_close((uv_handle_t *)&q->timer, timer_closed);
        if (done)
                done(q->arg, result, why, reply);
}

static void on_timer(uv_timer_t *timer) {
        finish(timer->data, -ETIMEDOUT, "the board did not answer", NULL);
}

static void on_open(struct link *l, void *arg) {
        struct board_ask *q = arg;

        if (peers_hello(q->agent, l, PURPOSE_API) < 0 ||
            link_send(l, FRAME_REQUEST, 1, q->text, strlen(q->text)) < 0)
                link_close(l);
}

static void on_frame(struct link *l, void *arg, const struct frame *f) {
        struct board_ask *q = arg;
        auto_json cJSON *reply = NULL;

        (void)l;
        if (f->type != FRAME_REPLY)
                return;
        if (json_parse_object((const char *)f->body, f->len, &reply, NULL) < 0)
                finish(q, -EBADMSG, "the board's answer makes no sense", NULL);
        else
                finish(q, 0, "", reply);
        json_wipe(reply); /* it may have been a secret */
}

static void on_closed(struct link *l, void *arg, int error, const char *why) {
        struct board_ask *q = arg;

        (void)l;
        q->link = NULL;
        finish(q, error < 0 ? error : -ECONNRESET, why, NULL);
}

static const struct link_ops ops = { .open = on_open, .frame = on_frame, .closed = on_closed };

int api_ask_board(struct agent *a, uint64_t node, const cJSON *request, unsigned timeout_sec,
                  api_reply_cb done, void *arg, struct board_ask **ret) {
        struct board_ask *q = calloc(1, sizeof(*q));
        int r;

        if (!q)
                return -ENOMEM;
        q->agent = a;
        q->done = done;
        q->arg = arg;
        q->text = cJSON_PrintUnformatted(request);
        r = q->text ? uv_timer_init(a->loop, &q->timer) : -ENOMEM;
        if (r < 0) {
                free(q->text);
                free(q);
                return r;
        }
        q->timer.data = q;
        r = peers_dial(a, node, &ops, q, &q->link);
        if (r < 0) {
                q->done = NULL;
                q->link = NULL;
                finish(q, r, "", NULL);
                return r;
        }
        (void)uv_timer_start(&q->timer, on_timer, (uint64_t)timeout_sec * 1000, 0);
        if (ret)
                *ret = q;
        return 0;
}

void api_ask_cancel(struct board_ask *q) {
        if (!q)
                return;
        q->done = NULL;
        finish(q, -ECANCELED, "", NULL);
}
