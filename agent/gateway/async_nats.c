#include "gateway/async_nats.h"

#include "base/str.h"
#include "core/jetstream.h"
#include "core/route.h"
#include "gateway/gateway.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum op_kind { OP_PUT, OP_BEGUN, OP_FORGET, OP_ENDED };

/* ---- asking ------------------------------------------------------------------------------- */

int nats_ask(struct nats_queue *k, char what, uint64_t serial, const char *verb, const char *rest,
             const char *text) {
        char subject[160], inbox[24];

        (void)snprintf(subject, sizeof(subject), "$JS.API.%s.%s%s", verb, k->stream, rest);
        (void)snprintf(inbox, sizeof(inbox), "%c%" PRIu64, what, serial);
        return nats_link_ask(k->link, subject, inbox, text, strlen(text));
}

unsigned nats_error(const cJSON *o) {
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(o, "error");
        uint64_t code;

        if (!error)
                return 0;
        return json_number(error, "err_code", UINT32_MAX, &code) == 0 && code > 0 ? (unsigned)code
                                                                                  : 1;
}

/* ---- putting a call in ------------------------------------------------------------------------
 */

static void on_soon(uv_timer_t *timer);

/* The answer comes from the loop, as it has to. */
static void later(struct nats_queue *k, struct async_item *item, enum op_kind kind, int error) {
        item->op_kind = kind;
        item->op_error = error;
        list_remove(&item->op);
        list_append(&k->done, &item->op);
        (void)uv_timer_start(&k->soon, on_soon, 0, 0);
}

static void on_soon(uv_timer_t *timer) {
        struct nats_queue *k = container_of(timer, struct nats_queue, soon);

        while (!list_empty(&k->done)) {
                struct async_item *item = container_of(k->done.next, struct async_item, op);

                list_remove(&item->op);
                switch ((enum op_kind)item->op_kind) {
                case OP_PUT:
                        async_stored(item, item->op_error);
                        break;
                case OP_BEGUN:
                        async_begun(item, item->op_error);
                        break;
                case OP_FORGET:
                        async_forget(item);
                        break;
                case OP_ENDED:
                        async_ended(item);
                        break;
                }
        }
}

static void keep_put(void *keeper, struct async_item *item) {
        struct nats_queue *k = keeper;
        char subject[SUBJECT_SIZE], function[3 * ASYNC_KEY], id[3 * HTTP_FORWARD_ID_MAX + 1],
                inbox[24];
        int r = k->setup == SETUP_DONE ? 0 : -ENOTCONN;

        async_leave_slot(item);
        item->op_kind = OP_PUT;
        item->serial = ++k->serial;
        item->wait_usec = 0; /* ticks that it waits */
        if (r == 0)
                r = jetstream_token(item->lane->key, function, sizeof(function));
        if (r == 0)
                r = jetstream_token(item->id, id, sizeof(id));
        if (r == 0) {
                (void)snprintf(subject, sizeof(subject), "%s.async.%s.%s", k->stream, function, id);
                (void)snprintf(inbox, sizeof(inbox), "%c%" PRIu64, ASK_PUT, item->serial);
                r = nats_link_ask(k->link, subject, inbox, item->request.data, item->request.len);
        }
        if (r < 0)
                later(k, item, OP_PUT, r);
        else
                list_append(&k->waiting, &item->op);
}

/* A message was stored, or not; *ret_code as nats_setup_answer() has it. */
static bool is_stored(const cJSON *o, unsigned *ret_code) {
        uint64_t sequence;

        *ret_code = o ? nats_error(o) : 0;
        return o && json_number(o, "seq", UINT64_MAX, &sequence) == 0 && sequence > 0;
}

static void on_safe(struct nats_queue *k, uint64_t serial, const cJSON *o) {
        struct async_item *item, *next;
        unsigned code;
        bool stored = is_stored(o, &code);

        list_each(item, next, &k->waiting, op) {
                if (item->serial != serial)
                        continue;
                if (item->op_kind == OP_BEGUN && code == NATS_WRONG_LAST_SEQUENCE) {
                        if (item->attempts < 2)
                                item->attempts = 2;
                        stored = true;
                }
                later(k, item, item->op_kind, stored ? 0 : code ? -ENOSPC : -ENOTCONN);
                return;
        }
}

/* ---- getting calls out ------------------------------------------------------------------------
 */

static void keep_want(void *keeper, unsigned n) {
        struct nats_queue *k = keeper;
        uint64_t room = GATEWAY_ASYNC_MEMORY -
                        (k->a->memory < GATEWAY_ASYNC_MEMORY ? k->a->memory : GATEWAY_ASYNC_MEMORY);
        char text[160];

        if (k->setup != SETUP_DONE || k->asked > 0 || n == 0 || k->closing || k->a->stopping ||
            room < k->a->options.body_bytes + HTTP_HEAD_BYTES) /* for the largest */
                return;
        k->pull = ++k->serial;
        k->pull_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"batch\":%u,\"max_bytes\":%" PRIu64 ",\"expires\":%d000000000}", n, room,
                       PULL_TICKS);
        if (nats_ask(k, ASK_PULL, k->pull, "CONSUMER.MSG.NEXT", "." NATS_CONSUMER, text) == 0)
                k->asked = n;
}

static struct async_item *find_delivered(struct nats_queue *k, uint64_t sequence) {
        struct async_item *item, *next;

        list_each(item, next, &k->a->items,
                  all) if (item->reply && item->seq == sequence) return item;
        return NULL;
}

/* NULL: it is no call, or there is no memory. */
static struct async_item *read_call(struct nats_queue *k, const char *data, size_t len) {
        const struct http_text *id;
        struct route_function path;
        struct async_item *item;
        struct async_lane *lane;
        struct http_head head;
        struct http_text rest;
        char name[HTTP_FORWARD_ID_MAX + 1];
        size_t scanned = 0;

        if (http_parse_request(data, len, &scanned, &head) <= 0 ||
            !route_match("/function/**", &head.path, &rest) || route_function(&rest, &path) < 0)
                return NULL;
        id = http_forward_id(&head);
        if (!id || str_copy_n(name, sizeof(name), id->at, id->len) < 0)
                return NULL;
        lane = async_lane(k->a, path.name, path.namespace);
        item = lane ? async_item_new(k->a, lane, name) : NULL;
        if (!item)
                return NULL;
        if (buf_add(&item->request, data, len) < 0) {
                async_item_free(item);
                return NULL;
        }
        item->bytes = len;
        k->a->bytes += len;
        async_hold(item);
        return item;
}

static void on_delivery(struct nats_queue *k, const char *reply, const char *data, size_t len) {
        struct jetstream_delivery d;
        struct async_item *item;
        char *copy;

        if (jetstream_parse_delivery(reply, &d) < 0)
                return;
        if (k->asked > 0)
                k->asked--;
        copy = strdup(reply);
        item = copy ? find_delivered(k, d.sequence) : NULL;
        if (item) { /* we have been silent for too long, but have it still */
                free(item->reply);
                item->reply = copy;
                return;
        }
        item = copy ? read_call(k, data, len) : NULL;
        if (!item) {
                log_error("a message in the stream %s is no call, and is taken out", k->stream);
                (void)nats_link_send(k->link, reply, "+TERM", 5);
                free(copy);
                return;
        }
        item->reply = copy;
        item->seq = d.sequence;
        item->attempts = (uint32_t)(d.delivered - 1);
        async_ready(item);
        async_dispatch(k->a);
}

/* A question for calls has found an end: it ran out, or there is something wrong with it. */
static void on_pull(struct nats_queue *k, uint64_t serial) {
        if (serial != k->pull)
                return;
        k->asked = 0;
        if (k->pull_ticks > 0) /* at once again only where it was not refused at once */
                async_dispatch(k->a);
}

static void keep_begin(void *keeper, struct async_item *item) {
        struct nats_queue *k = keeper;
        char subject[SIZE_NAME + 32], inbox[24];
        int r;

        item->op_kind = OP_BEGUN;
        item->serial = ++k->serial;
        item->wait_usec = 0;
        (void)snprintf(subject, sizeof(subject), "%s.begun.%" PRIu64, k->stream, item->seq);
        (void)snprintf(inbox, sizeof(inbox), "%c%" PRIu64, ASK_MARK, item->serial);
        r = nats_link_ask_with(k->link, subject, inbox, "Nats-Expected-Last-Subject-Sequence", "0");
        if (r < 0)
                later(k, item, OP_BEGUN, r);
        else
                list_append(&k->waiting, &item->op);
}

static void keep_later(void *keeper, struct async_item *item, uint64_t wait_usec) {
        struct nats_queue *k = keeper;
        char text[64];

        (void)snprintf(text, sizeof(text), "-NAK {\"delay\": %" PRIu64 "}",
                       wait_usec * NSEC_PER_USEC);
        (void)nats_link_send(k->link, item->reply, text, strlen(text));
        later(k, item, OP_FORGET, 0);
}

/* Where the connection is gone, the call comes again, and somebody makes it once more. */
static void keep_end(void *keeper, struct async_item *item) {
        struct nats_queue *k = keeper;

        (void)nats_link_send(k->link, item->reply, "+ACK", 4);
        later(k, item, OP_ENDED, 0);
}

/* ---- the link ---------------------------------------------------------------------------------
 */

static void on_depth(struct nats_queue *k, const cJSON *o) {
        uint64_t n;

        if (json_number(cJSON_GetObjectItemCaseSensitive(o, "state"), "messages", UINT64_MAX, &n) ==
            0)
                k->depth = n;
}

static void on_answer(struct nats_queue *k, char what, uint64_t serial, const cJSON *o,
                      const char *data, size_t len) {
        switch (what) {
        case ASK_SETUP:
                nats_setup_answer(k, o);
                break;
        case ASK_PUT:
        case ASK_MARK:
                on_safe(k, serial, o);
                break;
        case ASK_PULL:
                on_pull(k, serial);
                break;
        case ASK_DEPTH:
                on_depth(k, o);
                break;
        case ASK_CANCEL:
                nats_cancel_answer(k, serial, o, data, len);
                break;
        default:
                break;
        }
}

static void on_message(void *arg, const char *inbox, const char *subject, const char *reply,
                       const char *data, size_t len) {
        struct nats_queue *k = arg;
        auto_json cJSON *o = NULL;
        uint64_t serial;

        (void)subject;
        if (k->closing)
                return;
        if (!inbox[0]) {
                on_delivery(k, reply, data, len);
                return;
        }
        if (str_to_u64(inbox + 1, UINT64_MAX, &serial) < 0)
                return;
        if (len > 0 && json_parse_object(data, len, &o, NULL) < 0)
                o = NULL;
        on_answer(k, inbox[0], serial, o, data, len);
}

static void on_up(void *arg) {
        struct nats_queue *k = arg;

        k->asked = 0;
        nats_setup_start(k);
}

static void fail_waiting(struct nats_queue *k, bool all) {
        struct async_item *item, *next;

        list_each(item, next, &k->waiting, op) {
                if (all || ++item->wait_usec > SAFE_TICKS)
                        later(k, item, item->op_kind, -ENOTCONN);
        }
}

static void on_down(void *arg) {
        struct nats_queue *k = arg;

        k->setup = SETUP_OFF;
        k->asked = 0;
        nats_setup_failed(k, "the connection broke");
        fail_waiting(k, true);
}

static void say_held(struct nats_queue *k) {
        struct async_item *item, *next;

        list_each(item, next, &k->a->items, all) if (item->reply && item->state != ASYNC_ENDING)(
                void) nats_link_send(k->link, item->reply, "+WPI", 4);
}

static void on_tick(uv_timer_t *timer) {
        struct nats_queue *k = container_of(timer, struct nats_queue, timer);

        k->ticks++;
        fail_waiting(k, false);
        nats_cancel_tick(k, false);
        if (k->ticks % HOLD_TICKS == 0)
                say_held(k);
        if (k->asked > 0 && ++k->pull_ticks > PULL_TICKS + 5)
                k->asked = 0; /* its end was lost */
        if (k->setup == SETUP_DONE) {
                if (k->ticks % DEPTH_TICKS == 0)
                        (void)nats_ask(k, ASK_DEPTH, ++k->serial, "STREAM.INFO", "", "");
                async_dispatch(k->a);
        } else if (k->setup != SETUP_OFF && ++k->setup_ticks > SETUP_TICKS) {
                nats_setup_failed(k, "JetStream does not answer");
                nats_setup_start(k);
        } else if (k->setup == SETUP_OFF && k->ticks == 2 * SETUP_TICKS) {
                nats_setup_failed(k, "there is no connection");
        }
}

static const struct nats_link_ops link_ops = {
        .up = on_up,
        .down = on_down,
        .message = on_message,
};

static uint64_t keep_depth(void *keeper) {
        const struct nats_queue *k = keeper;

        return k->depth;
}

/* What had not begun here may begin elsewhere at once. */
static void keep_close(void *keeper) {
        struct nats_queue *k = keeper;
        struct async_item *item, *next;

        k->closing = true;
        list_each(item, next, &k->a->items, all) if (item->reply)(void)
                nats_link_send(k->link, item->reply, "-NAK", 4);
        nats_cancel_tick(k, true);
        nats_link_close(k->link);
        uv_close((uv_handle_t *)&k->timer, NULL);
        uv_close((uv_handle_t *)&k->soon, NULL);
}

static void keep_free(void *keeper) {
        free(keeper);
}

static const struct async_keeper nats_keeper = {
        .shared = true,
        .put = keep_put,
        .begin = keep_begin,
        .later = keep_later,
        .end = keep_end,
        .cancel = nats_cancel,
        .want = keep_want,
        .depth = keep_depth,
        .close = keep_close,
        .free = keep_free,
};

int async_nats_open(struct async *a, struct fail *f) {
        const struct async_queue_url *u = &a->options.queue;
        struct nats_queue *k = calloc(1, sizeof(*k));
        struct nats_link_options o = {
                .url = u->server,
                .credentials = u->credentials,
                .ca = u->ca,
                .name = "bramble-gateway",
        };

        if (!k)
                return fail(f, -ENOMEM, "out of memory");
        k->a = a;
        k->stream = u->stream;
        list_init(&k->waiting);
        list_init(&k->done);
        list_init(&k->cancels);
        (void)uv_timer_init(a->g->loop, &k->timer);
        (void)uv_timer_init(a->g->loop, &k->soon);
        (void)uv_timer_start(&k->timer, on_tick, TICK_MS, TICK_MS);
        k->stream = a->options.queue.stream;
        a->keep = k;
        a->keeper = &nats_keeper;
        return nats_link_open(a->g->loop, &o, &link_ops, k, &k->link, f);
}
