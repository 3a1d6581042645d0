/* One attempt of an asynchronous call: through the gateway's own data path, with its balancing,
 * waking, limits and counts; and what its outcome leads to. */
#include "gateway/async_private.h"

#include "base/str.h"
#include "core/route.h"
#include "gateway/callback.h"
#include "gateway/gateway.h"
#include "gateway/upstream.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct async_run {
        struct async_item *item;
        struct upstream *upstream;
        struct deadline deadline;
        char *callback; /* NULL: nobody wants the answer */
        bool cut;       /* its body is larger than what is sent on */
        struct retry_answer answer;
        struct buf headers, body;
        uint64_t start_ms;
};

static void run_free(struct async_run *run) {
        if (run->upstream)
                upstream_release(run->upstream, false);
        deadline_clear(&run->deadline);
        buf_done(&run->headers);
        buf_done(&run->body);
        free(run->callback);
        run->item->run = NULL;
        free(run);
}

void async_run_abort(struct async_run *run) {
        struct async_item *item = run->item;

        run_free(run);
        async_leave_slot(item);
}

/* ---- what the outcome leads to ----------------------------------------------------------------
 */

static void end(struct async_item *item) {
        struct async *a = item->a;

        item->state = ASYNC_ENDING;
        a->ops++;
        a->keeper->end(a->keep, item);
}

static void tell(struct async_item *item, const struct async_run *run) {
        struct async_lane *lane = item->lane;

        lane->queue->done++;
        if (run->answer.status < 400) {
                lane->failing = false;
                return;
        }
        lane->queue->failures++;
        if (!lane->failing)
                log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", lane->name,
                          "an asynchronous call of '%s' failed with %u after %u attempts, and is "
                          "given up",
                          lane->name, run->answer.status, item->attempts);
        lane->failing = true;
}

static void on_callback_done(void *arg, const char *error) {
        struct async_run *run = arg;
        struct async_item *item = run->item;
        struct async *a = item->a;
        char key[ASYNC_KEY + 16];

        (void)snprintf(key, sizeof(key), "callback %s", item->lane->key);
        a->n_callbacks--;
        if (error) {
                item->lane->queue->callback_failures++;
                if (log_once(key))
                        log_field(LOG_LEVEL_WARNING, "BRAMBLE_FUNCTION", item->lane->name,
                                  "the answer of an asynchronous call of '%s' could not be "
                                  "delivered, and is lost: %s",
                                  item->lane->name, error);
        } else {
                log_again(key);
        }
        run_free(run);
        end(item);
}

/* What the function's answer does not say itself. */
static int add_own_headers(struct async_run *run) {
        const struct async_item *item = run->item;
        const struct async_lane *lane = item->lane;
        bool plain = str_eq(lane->namespace, ROUTE_NAMESPACE);
        uint64_t ms = uv_now(item->a->g->loop) - run->start_ms;

        return buf_printf(&run->headers,
                          "X-Call-Id: %s\r\nX-Duration-Seconds: %" PRIu64 ".%03u\r\n"
                          "X-Function-Status: %u\r\nX-Function-Name: %s\r\n%s",
                          item->id, ms / 1000, (unsigned)(ms % 1000), run->answer.status,
                          plain ? lane->name : lane->key,
                          run->cut ? "X-OpenFaaS-Internal: bramble\r\n"
                                     "Content-Type: text/plain; charset=utf-8\r\n"
                                   : "");
}

static int send_callback(struct async_run *run, struct fail *f) {
        struct async *a = run->item->a;
        int r = 0;

        if (!a->callbacks)
                r = callbacks_open(a->g->loop, ntohs(a->self->address.v4.sin_port), &a->callbacks,
                                   f);
        if (r < 0)
                return r;
        if (run->cut) {
                buf_done(&run->body);
                (void)buf_printf(&run->body,
                                 "The answer is larger than the %d KB that are sent on.\n",
                                 GATEWAY_ASYNC_ANSWER / 1024);
        }
        r = add_own_headers(run);
        if (r == 0)
                r = callback_send(a->callbacks, run->callback, &run->headers, &run->body,
                                  on_callback_done, run);
        return r < 0 ? fail(f, r, "out of memory") : 0;
}

static void finish(struct async_run *run) {
        struct async_item *item = run->item;
        struct fail f = { 0 };

        tell(item, run);
        if (!run->callback) {
                run_free(run);
                end(item);
                return;
        }
        item->a->n_callbacks++;
        if (send_callback(run, &f) < 0)
                on_callback_done(run, fail_text(&f));
}

/* The attempt is over: its place is free. */
static void over(struct async_run *run) {
        struct async_item *item = run->item;
        struct async *a = item->a;
        usec_t wait;

        if (run->upstream)
                upstream_release(take_ptr(run->upstream), false);
        deadline_clear(&run->deadline);
        async_drop_request(item);
        async_leave_slot(item);
        if (retry_again(&item->lane->policy, item->attempts, &run->answer, &wait)) {
                item->lane->queue->retries++;
                run_free(run);
                item->wait_usec = wait;
                a->ops++;
                a->keeper->later(a->keep, item, wait);
        } else {
                finish(run);
        }
        async_dispatch(a);
        async_check_stopped(a);
}

/* No answer of the function came, or not a whole one. */
static void broke(struct async_run *run, uint16_t status) {
        run->answer = (struct retry_answer){ .status = status, .own = true };
        buf_done(&run->headers);
        buf_done(&run->body);
        over(run);
}

/* ---- the way there and back -------------------------------------------------------------------
 */

/* Sends the request, an attempt after the first one marked as such.  Where the kernel does not take
 * all of it, the connection keeps the rest. */
static int send_request(struct async_run *run) {
        struct async_item *item = run->item;
        const struct buf *request = &item->request;
        struct http_head head;
        size_t scanned = 0;
        char retry[40];
        uv_buf_t bufs[3];
        long used = http_parse_request(request->data, request->len, &scanned, &head);
        int r;

        if (used <= 0)
                return -EBADMSG;
        retry[0] = '\0';
        if (item->attempts > 1)
                (void)snprintf(retry, sizeof(retry), "X-Retry: %u\r\n", item->attempts - 1);
        (void)strcat(retry, "\r\n");
        bufs[0] = uv_buf_init(request->data, (unsigned)used - 2);
        bufs[1] = uv_buf_init(retry, (unsigned)strlen(retry));
        bufs[2] = uv_buf_init(request->data + used, (unsigned)(request->len - (size_t)used));
        r = upstream_write(run->upstream, bufs, 3);
        async_drop_request(item);
        /* a broken connection tells so itself; it may even have answered before */
        return r == -ENOMEM ? r : 0;
}

static void on_ready(void *arg) {
        struct async_run *run = arg;

        if (send_request(run) < 0)
                broke(run, 500);
}

static void keep_headers(struct async_run *run, const struct http_head *head) {
        static const char *const ours[] = { "content-length",  "x-call-id",
                                            "x-start-time",    "x-function-status",
                                            "x-function-name", "x-duration-seconds" };

        for (size_t i = 0; i < head->n_headers; i++) {
                const struct http_header *h = &head->headers[i];
                bool skip = http_hop_by_hop(head, &h->name);

                for (size_t j = 0; j < ARRAY_SIZE(ours) && !skip; j++)
                        skip = http_text_is_nocase(&h->name, ours[j]);
                if (!skip)
                        (void)buf_printf(&run->headers, "%.*s: %.*s\r\n", (int)h->name.len,
                                         h->name.at, (int)h->value.len, h->value.at);
        }
}

static void on_head(void *arg, const struct http_head *head) {
        struct async_run *run = arg;

        if (head->status < 200)
                return;
        run->answer = (struct retry_answer){
                .status = head->status,
                .own = http_header(head, "x-openfaas-internal") != NULL,
                .retry_after_usec = retry_after(http_header(head, "retry-after")),
        };
        if (run->callback)
                keep_headers(run, head);
}

static void on_body(void *arg, const char *data, size_t len) {
        struct async_run *run = arg;

        if (!run->callback || run->cut)
                return;
        if (buf_add(&run->body, data, len) < 0) {
                run->cut = true;
                buf_done(&run->headers);
                buf_done(&run->body);
        }
}

static void on_end(void *arg, bool reusable) {
        (void)reusable; /* the path to ourselves is short: a connection a call */
        over(arg);
}

static void on_nothing(void *arg) {
        (void)arg;
}

static void on_failed(void *arg, int error) {
        (void)error;
        broke(arg, 502);
}

static void on_expired(struct deadline *d) {
        broke(container_of(d, struct async_run, deadline), 504);
}

static const struct upstream_ops run_ops = {
        .ready = on_ready,
        .head = on_head,
        .body = on_body,
        .end = on_end,
        .flush = on_nothing,
        .drained = on_nothing,
        .failed = on_failed,
};

/* ---- beginning --------------------------------------------------------------------------------
 */

/* The request as it was stored is what it has to be: of this function, and as long as it says. */
static bool is_whole(const struct async_item *item, struct http_head *ret) {
        size_t scanned = 0, body;
        struct http_text rest;
        struct route_function path;
        long used = http_parse_request(item->request.data, item->request.len, &scanned, ret);

        if (used <= 0)
                return false;
        body = item->request.len - (size_t)used;
        return route_match("/function/**", &ret->path, &rest) &&
               route_function(&rest, &path) == 0 && str_eq(path.name, item->lane->name) &&
               str_eq(path.namespace, item->lane->namespace) &&
               ((ret->body == HTTP_BODY_LENGTH && ret->length == body) ||
                (ret->body == HTTP_BODY_NONE && body == 0));
}

static struct async_run *run_new(struct async_item *item, const struct http_head *head) {
        const struct http_text *callback = http_header(head, "x-callback-url");
        struct async_run *run = calloc(1, sizeof(*run));

        if (!run)
                return NULL;
        run->item = item;
        run->start_ms = uv_now(item->a->g->loop);
        run->body.limit = GATEWAY_ASYNC_ANSWER;
        deadline_init(&run->deadline, on_expired);
        if (callback && async_callback_valid(callback)) {
                run->callback = strndup(callback->at, callback->len);
                if (!run->callback) {
                        free(run);
                        return NULL;
                }
        }
        item->run = run;
        return run;
}

/* Memory or descriptors are short: another time. */
static void put_off(struct async_item *item) {
        struct async *a = item->a;

        async_drop_request(item);
        async_leave_slot(item);
        item->wait_usec = RETRY_MIN_WAIT_USEC;
        a->ops++;
        a->keeper->later(a->keep, item, item->wait_usec);
}

void async_run_start(struct async_item *item) {
        struct async *a = item->a;
        struct async_run *run;
        struct http_head head;
        int r;

        if (!is_whole(item, &head)) {
                log_error("the stored call of '%s' is damaged, and is given up", item->lane->name);
                item->lane->queue->failures++;
                async_drop_request(item);
                async_leave_slot(item);
                end(item);
                return;
        }
        run = run_new(item, &head);
        if (!run) {
                put_off(item);
                return;
        }
        r = upstream_open(a->g, a->self, &run_ops, run, &run->upstream);
        if (r < 0) {
                run_free(run);
                put_off(item);
                return;
        }
        deadline_set(&a->g->deadlines, &run->deadline, DEADLINE_ASYNC);
        upstream_decode(run->upstream);
        if (r > 0)
                on_ready(run);
}
