/* The keeper that has the calls of all boards in a stream of NATS JetStream.  Each is one message
 * "STREAM.async.FUNCTION.ID", a whole HTTP request; one durable consumer hands them to whichever
 * gateway asks.  What a gateway holds it says so every few seconds; when it falls silent, the
 * server hands the call to another one, counted up, which is what X-Retry then says.
 *
 * The server does not write these counts down at once, so they alone would not survive its end.
 * Hence a mark in a second stream before each first attempt, "STREAM.begun.SEQUENCE": it is only
 * taken where there is none, and where there is one, the attempt is not the first. */
#include "gateway/async_private.h"

#include "base/str.h"
#include "core/jetstream.h"
#include "core/route.h"
#include "gateway/api.h"
#include "gateway/gateway.h"
#include "io/json.h"
#include "io/log.h"
#include "io/nats_link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSUMER "workers"

enum {
        TICK_MS = 1000,
        HOLD_TICKS = 5,   /* "still at it" is said so often ... */
        ACK_WAIT_S = 20,  /* ... and somebody who does not say it for so long is dead */
        SAFE_TICKS = 5,   /* a call must be safe within that */
        PULL_TICKS = 20,  /* a question for more calls is open so long */
        DEPTH_TICKS = 10, /* how many wait is asked so often */
        SETUP_TICKS = 5,  /* the stream is set up again after so long without an answer */
        CANCEL_TICKS = 5,
        SUBJECT_SIZE = 3 * (ASYNC_KEY + HTTP_FORWARD_ID_MAX) + 2 * SIZE_NAME,
        CANCELS = 64,  /* at a time */
        MARKS = 20000, /* in all; the oldest go, and after an hour every one does */
        MARK_AGE_S = 3600,
};

/* Messages of JetStream's API that are not understood otherwise (server/errors.json). */
enum { ERR_STREAM_EXISTS = 10058, ERR_WRONG_LAST_SEQUENCE = 10071 };

enum setup { SETUP_OFF, SETUP_STREAM, SETUP_MARKS, SETUP_CONSUMER, SETUP_DONE };

/* Questions: the first letter of an inbox says what was asked, a number behind it which one. */
enum {
        ASK_SETUP = 's',
        ASK_PUT = 'a',
        ASK_MARK = 'm',
        ASK_PULL = 'p',
        ASK_DEPTH = 'd',
        ASK_CANCEL = 'c'
};

enum cancel_step { CANCEL_FIND, CANCEL_LOOK, CANCEL_DELETE, CANCEL_LOOK_AGAIN };

struct cancel {
        struct list link;
        struct api_request *q;
        uint64_t serial, sequence;
        enum cancel_step step;
        unsigned ticks;
};

struct keeper {
        struct async *a;
        struct nats_link *link;
        const char *stream;
        enum setup setup;
        unsigned setup_ticks;
        uint64_t serial;     /* of the last question */
        struct list waiting; /* items whose message or mark is not yet acknowledged */
        struct list done;    /* items that are to be told on the loop's next turn */
        struct list cancels;
        unsigned n_cancels;
        uint64_t pull;  /* the open question for calls, 0: none */
        unsigned asked; /* calls that it may still bring */
        unsigned pull_ticks, ticks;
        uint64_t depth;
        bool closing, said;
        uv_timer_t timer, soon;
};

enum op_kind { OP_PUT, OP_BEGUN, OP_FORGET, OP_ENDED };

/* ---- asking -----------------------------------------------------------------------------------
 */

static int ask(struct keeper *k, char what, uint64_t serial, const char *verb, const char *rest,
               const char *text) {
        char subject[160], inbox[24];

        (void)snprintf(subject, sizeof(subject), "$JS.API.%s.%s%s", verb, k->stream, rest);
        (void)snprintf(inbox, sizeof(inbox), "%c%" PRIu64, what, serial);
        return nats_link_ask(k->link, subject, inbox, text, strlen(text));
}

static void tell_down(struct keeper *k, const char *why) {
        if (!k->said)
                log_warning("the queue in NATS cannot be used, calls are refused until it can: %s",
                            why);
        k->said = true;
}

/* ---- setting up -------------------------------------------------------------------------------
 */

static void ask_stream(struct keeper *k) {
        const struct async_options *o = &k->a->options;
        char text[512];

        k->setup = SETUP_STREAM;
        k->setup_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"name\":\"%s\",\"subjects\":[\"%s.async.>\"],\"retention\":\"workqueue\","
                       "\"storage\":\"file\",\"discard\":\"new\",\"max_consumers\":-1,"
                       "\"max_msgs\":%u,\"max_bytes\":%" PRIu64 ",\"max_age\":0,"
                       "\"num_replicas\":%u}",
                       k->stream, k->stream, o->calls, o->bytes, o->queue.replicas);
        (void)ask(k, ASK_SETUP, ++k->serial, "STREAM.CREATE", "", text);
}

static void ask_marks(struct keeper *k) {
        char text[512];

        k->setup = SETUP_MARKS;
        k->setup_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"name\":\"%s_BEGUN\",\"subjects\":[\"%s.begun.*\"],"
                       "\"retention\":\"limits\",\"storage\":\"file\",\"discard\":\"old\","
                       "\"max_consumers\":-1,\"max_msgs\":%d,\"max_bytes\":-1,"
                       "\"max_msgs_per_subject\":1,\"max_age\":%d000000000,"
                       "\"num_replicas\":%u}",
                       k->stream, k->stream, MARKS, MARK_AGE_S, k->a->options.queue.replicas);
        (void)ask(k, ASK_SETUP, ++k->serial, "STREAM.CREATE", "_BEGUN", text);
}

static void ask_consumer(struct keeper *k) {
        char text[512];

        k->setup = SETUP_CONSUMER;
        k->setup_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"" CONSUMER "\","
                       "\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\","
                       "\"ack_wait\":%d000000000,\"max_deliver\":-1,\"max_ack_pending\":%d,"
                       "\"replay_policy\":\"instant\"}}",
                       k->stream, ACK_WAIT_S, LIMIT_BOARDS * GATEWAY_ASYNC_RUNNING);
        (void)ask(k, ASK_SETUP, ++k->serial, "CONSUMER.DURABLE.CREATE", "." CONSUMER, text);
}

static unsigned error_code(const cJSON *o) {
        const cJSON *error = cJSON_GetObjectItemCaseSensitive(o, "error");
        uint64_t code;

        if (!error)
                return 0;
        return json_number(error, "err_code", UINT32_MAX, &code) == 0 && code > 0 ? (unsigned)code
                                                                                  : 1;
}

static const char *error_text(const cJSON *o) {
        return json_text(cJSON_GetObjectItemCaseSensitive(o, "error"), "description",
                         "no JetStream there");
}

static void set_up(struct keeper *k) {
        k->setup = SETUP_DONE;
        if (k->said)
                log_notice("the queue in NATS can be used again");
        else
                log_info("asynchronous calls are kept in the stream %s of NATS", k->stream);
        k->said = false;
        async_dispatch(k->a);
}

static void on_setup(struct keeper *k, const cJSON *o) {
        unsigned code = o ? error_code(o) : 1;

        if (code != 0 && code != ERR_STREAM_EXISTS) {
                tell_down(k, error_text(o));
                return; /* the timer tries again */
        }
        switch (k->setup) {
        case SETUP_STREAM:
                ask_marks(k);
                break;
        case SETUP_MARKS:
                ask_consumer(k);
                break;
        case SETUP_CONSUMER:
                set_up(k);
                break;
        case SETUP_OFF:
        case SETUP_DONE:
                break;
        }
}

/* ---- putting a call in ------------------------------------------------------------------------
 */

static void on_soon(uv_timer_t *timer);

/* The answer comes from the loop, as it has to. */
static void later(struct keeper *k, struct async_item *item, enum op_kind kind, int error) {
        item->op_kind = kind;
        item->op_error = error;
        list_remove(&item->op);
        list_append(&k->done, &item->op);
        (void)uv_timer_start(&k->soon, on_soon, 0, 0);
}

static void on_soon(uv_timer_t *timer) {
        struct keeper *k = container_of(timer, struct keeper, soon);

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
        struct keeper *k = keeper;
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

/* A message was stored, or not; *ret_code as on_setup() has it. */
static bool is_stored(const cJSON *o, unsigned *ret_code) {
        uint64_t sequence;

        *ret_code = o ? error_code(o) : 0;
        return o && json_number(o, "seq", UINT64_MAX, &sequence) == 0 && sequence > 0;
}

static void on_safe(struct keeper *k, uint64_t serial, const cJSON *o) {
        struct async_item *item, *next;
        unsigned code;
        bool stored = is_stored(o, &code);

        list_each(item, next, &k->waiting, op) {
                if (item->serial != serial)
                        continue;
                if (item->op_kind == OP_BEGUN && code == ERR_WRONG_LAST_SEQUENCE) {
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
        struct keeper *k = keeper;
        uint64_t room = GATEWAY_ASYNC_MEMORY -
                        (k->a->memory < GATEWAY_ASYNC_MEMORY ? k->a->memory : GATEWAY_ASYNC_MEMORY);
        char text[160];

        if (k->setup != SETUP_DONE || k->asked > 0 || n == 0 || k->closing || k->a->stopping ||
            room < 2 * (k->a->options.body_bytes + HTTP_HEAD_BYTES))
                return;
        k->pull = ++k->serial;
        k->pull_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"batch\":%u,\"max_bytes\":%" PRIu64 ",\"expires\":%d000000000}", n, room,
                       PULL_TICKS);
        if (ask(k, ASK_PULL, k->pull, "CONSUMER.MSG.NEXT", "." CONSUMER, text) == 0)
                k->asked = n;
}

static struct async_item *find_delivered(struct keeper *k, uint64_t sequence) {
        struct async_item *item, *next;

        list_each(item, next, &k->a->items,
                  all) if (item->reply && item->seq == sequence) return item;
        return NULL;
}

/* NULL: it is no call, or there is no memory. */
static struct async_item *read_call(struct keeper *k, const char *data, size_t len) {
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

static void on_delivery(struct keeper *k, const char *reply, const char *data, size_t len) {
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
static void on_pull(struct keeper *k, uint64_t serial) {
        if (serial != k->pull)
                return;
        k->asked = 0;
        if (k->pull_ticks > 0) /* at once again only where it was not refused at once */
                async_dispatch(k->a);
}

static void keep_begin(void *keeper, struct async_item *item) {
        struct keeper *k = keeper;
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
        struct keeper *k = keeper;
        char text[64];

        (void)snprintf(text, sizeof(text), "-NAK {\"delay\": %" PRIu64 "}",
                       wait_usec * NSEC_PER_USEC);
        (void)nats_link_send(k->link, item->reply, text, strlen(text));
        later(k, item, OP_FORGET, 0);
}

/* Where the connection is gone, the call comes again, and somebody makes it once more. */
static void keep_end(void *keeper, struct async_item *item) {
        struct keeper *k = keeper;

        (void)nats_link_send(k->link, item->reply, "+ACK", 4);
        later(k, item, OP_ENDED, 0);
}

/* ---- taking a call out that another gateway may have ------------------------------------------
 */

static void cancel_end(struct keeper *k, struct cancel *c) {
        list_remove(&c->link);
        k->n_cancels--;
        free(c);
}

static void forget_cancel(void *arg) {
        struct cancel *c = arg;

        c->q = NULL; /* what was begun is done nevertheless */
}

static void cancel_answer(struct keeper *k, struct cancel *c, unsigned status) {
        struct api_request *q = c->q;

        cancel_end(k, c);
        if (!q)
                return;
        q->state = NULL;
        if (status == 202)
                api_reply_empty(q, 202, "");
        else if (status == 404)
                api_reply_error(q, 404,
                                "No call of this id waits: it has begun, it is over, or "
                                "there never was one.");
        else
                api_reply_error(q, 503, "The queue cannot be reached; try again in a moment.");
}

static void cancel_ask(struct keeper *k, struct cancel *c, const char *id) {
        static const char *const verbs[] = {
                [CANCEL_FIND] = "STREAM.MSG.GET",
                [CANCEL_LOOK] = "CONSUMER.INFO",
                [CANCEL_DELETE] = "STREAM.MSG.DELETE",
                [CANCEL_LOOK_AGAIN] = "CONSUMER.INFO",
        };
        char text[SUBJECT_SIZE + 40];
        bool look = c->step == CANCEL_LOOK || c->step == CANCEL_LOOK_AGAIN;

        c->serial = ++k->serial;
        c->ticks = 0;
        if (c->step == CANCEL_FIND)
                (void)snprintf(text, sizeof(text), "{\"last_by_subj\":\"%s.async.*.%s\"}",
                               k->stream, id);
        else if (look)
                text[0] = '\0';
        else
                (void)snprintf(text, sizeof(text), "{\"seq\":%" PRIu64 ",\"no_erase\":true}",
                               c->sequence);
        if (ask(k, ASK_CANCEL, c->serial, verbs[c->step], look ? "." CONSUMER : "", text) < 0)
                cancel_answer(k, c, 503);
}

static bool was_delivered(const cJSON *info, uint64_t sequence) {
        const cJSON *delivered = cJSON_GetObjectItemCaseSensitive(info, "delivered");
        uint64_t last = UINT64_MAX;

        (void)json_number(delivered, "stream_seq", UINT64_MAX, &last);
        return sequence <= last;
}

/* It may begin while it is being taken out: the second look tells.  The status of the answer, 0:
 * one more step. */
static unsigned judge(struct cancel *c, const cJSON *o, const char *data, size_t len) {
        switch (c->step) {
        case CANCEL_FIND:
                return jetstream_find_sequence(data, len, &c->sequence) < 0 ? 404 : 0;
        case CANCEL_LOOK:
                return was_delivered(o, c->sequence) ? 404 : 0;
        case CANCEL_DELETE:
                return error_code(o) ? 404 : 0;
        case CANCEL_LOOK_AGAIN:
                return was_delivered(o, c->sequence) ? 404 : 202;
        }
        return 503;
}

static void on_cancel(struct keeper *k, uint64_t serial, const cJSON *o, const char *data,
                      size_t len) {
        struct cancel *c, *next;

        list_each(c, next, &k->cancels, link) {
                unsigned status = len > 0 && (o || c->step == CANCEL_FIND) ? 0 : 503;

                if (c->serial != serial)
                        continue;
                if (status == 0)
                        status = judge(c, o, data, len);
                if (status == 0) {
                        c->step++;
                        cancel_ask(k, c, "");
                } else {
                        cancel_answer(k, c, status);
                }
                return;
        }
}

static void keep_cancel(void *keeper, struct api_request *q, const char *id) {
        struct keeper *k = keeper;
        char token[3 * HTTP_FORWARD_ID_MAX + 1];
        struct cancel *c;

        if (k->setup != SETUP_DONE || k->n_cancels == CANCELS ||
            jetstream_token(id, token, sizeof(token)) < 0) {
                api_reply_error(q, 503, "The queue cannot be reached; try again in a moment.");
                return;
        }
        c = calloc(1, sizeof(*c));
        if (!c) {
                api_reply_error(q, 503, "The gateway is out of memory.");
                return;
        }
        c->q = q;
        q->forget = forget_cancel;
        q->state = c;
        list_append(&k->cancels, &c->link);
        k->n_cancels++;
        cancel_ask(k, c, token);
}

/* ---- the link ---------------------------------------------------------------------------------
 */

static void on_depth(struct keeper *k, const cJSON *o) {
        uint64_t n;

        if (json_number(cJSON_GetObjectItemCaseSensitive(o, "state"), "messages", UINT64_MAX, &n) ==
            0)
                k->depth = n;
}

static void on_answer(struct keeper *k, char what, uint64_t serial, const cJSON *o,
                      const char *data, size_t len) {
        switch (what) {
        case ASK_SETUP:
                on_setup(k, o);
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
                on_cancel(k, serial, o, data, len);
                break;
        default:
                break;
        }
}

static void on_message(void *arg, const char *inbox, const char *subject, const char *reply,
                       const char *data, size_t len) {
        struct keeper *k = arg;
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
        struct keeper *k = arg;

        k->asked = 0;
        ask_stream(k);
}

static void fail_waiting(struct keeper *k, bool all) {
        struct async_item *item, *next;

        list_each(item, next, &k->waiting, op) {
                if (all || ++item->wait_usec > SAFE_TICKS)
                        later(k, item, item->op_kind, -ENOTCONN);
        }
}

static void on_down(void *arg) {
        struct keeper *k = arg;

        k->setup = SETUP_OFF;
        k->asked = 0;
        tell_down(k, "the connection broke");
        fail_waiting(k, true);
}

static void say_held(struct keeper *k) {
        struct async_item *item, *next;

        list_each(item, next, &k->a->items, all) if (item->reply && item->state != ASYNC_ENDING)(
                void) nats_link_send(k->link, item->reply, "+WPI", 4);
}

static void on_tick(uv_timer_t *timer) {
        struct keeper *k = container_of(timer, struct keeper, timer);
        struct cancel *c, *next;

        k->ticks++;
        fail_waiting(k, false);
        list_each(c, next, &k->cancels, link) if (++c->ticks > CANCEL_TICKS)
                cancel_answer(k, c, 503);
        if (k->ticks % HOLD_TICKS == 0)
                say_held(k);
        if (k->asked > 0 && ++k->pull_ticks > PULL_TICKS + 5)
                k->asked = 0; /* its end was lost */
        if (k->setup == SETUP_DONE) {
                if (k->ticks % DEPTH_TICKS == 0)
                        (void)ask(k, ASK_DEPTH, ++k->serial, "STREAM.INFO", "", "");
                async_dispatch(k->a);
        } else if (k->setup != SETUP_OFF && ++k->setup_ticks > SETUP_TICKS) {
                tell_down(k, "JetStream does not answer");
                ask_stream(k);
        } else if (k->setup == SETUP_OFF && k->ticks == 2 * SETUP_TICKS) {
                tell_down(k, "there is no connection");
        }
}

static const struct nats_link_ops link_ops = {
        .up = on_up,
        .down = on_down,
        .message = on_message,
};

static uint64_t keep_depth(void *keeper) {
        const struct keeper *k = keeper;

        return k->depth;
}

/* What had not begun here may begin elsewhere at once. */
static void keep_close(void *keeper) {
        struct keeper *k = keeper;
        struct async_item *item, *next;

        k->closing = true;
        list_each(item, next, &k->a->items, all) if (item->reply)(void)
                nats_link_send(k->link, item->reply, "-NAK", 4);
        while (!list_empty(&k->cancels))
                cancel_answer(k, container_of(k->cancels.next, struct cancel, link), 503);
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
        .cancel = keep_cancel,
        .want = keep_want,
        .depth = keep_depth,
        .close = keep_close,
        .free = keep_free,
};

int async_nats_open(struct async *a, struct fail *f) {
        const struct async_queue_url *u = &a->options.queue;
        struct keeper *k = calloc(1, sizeof(*k));
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
