/* Cancelling a call that is no item of this gateway: it is looked for in the stream, and taken out
 * unless it was handed to somebody. */
#include "gateway/async_nats.h"

#include "core/jetstream.h"
#include "gateway/api.h"
#include "io/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CANCELS = 64 /* at a time */, CANCEL_TICKS = 5 };

enum cancel_step { CANCEL_FIND, CANCEL_LOOK, CANCEL_DELETE, CANCEL_LOOK_AGAIN };

struct cancel {
        struct list link;
        struct api_request *q;
        uint64_t serial, sequence;
        enum cancel_step step;
        unsigned ticks;
};

static void cancel_end(struct nats_queue *k, struct cancel *c) {
        list_remove(&c->link);
        k->n_cancels--;
        free(c);
}

static void forget_cancel(void *arg) {
        struct cancel *c = arg;

        c->q = NULL; /* what was begun is done nevertheless */
}

static void cancel_answer(struct nats_queue *k, struct cancel *c, unsigned status) {
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

static void cancel_ask(struct nats_queue *k, struct cancel *c, const char *id) {
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
        if (nats_ask(k, ASK_CANCEL, c->serial, verbs[c->step], look ? "." NATS_CONSUMER : "",
                     text) < 0)
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
                return nats_error(o) ? 404 : 0;
        case CANCEL_LOOK_AGAIN:
                return was_delivered(o, c->sequence) ? 404 : 202;
        }
        return 503;
}

void nats_cancel_answer(struct nats_queue *k, uint64_t serial, const cJSON *o, const char *data,
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

void nats_cancel(void *queue, struct api_request *q, const char *id) {
        struct nats_queue *k = queue;
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

void nats_cancel_tick(struct nats_queue *k, bool all) {
        struct cancel *c, *next;

        list_each(c, next, &k->cancels, link) {
                if (all || ++c->ticks > CANCEL_TICKS)
                        cancel_answer(k, c, 503);
        }
}
