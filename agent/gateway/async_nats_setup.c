/* The streams in which calls and marks are kept, and the consumer that hands calls out: made by the
 * first gateway, and found by the others. */
#include "gateway/async_nats.h"

#include "gateway/gateway.h"
#include "io/json.h"
#include "io/log.h"

#include <inttypes.h>
#include <stdio.h>

enum {
        MARKS = 20000, /* in all; the oldest go, and after an hour every one does */
        MARK_AGE_S = 3600,
};

void nats_setup_failed(struct nats_queue *k, const char *why) {
        if (!k->said)
                log_warning("the queue in NATS cannot be used, calls are refused until it can: %s",
                            why);
        k->said = true;
}

void nats_setup_start(struct nats_queue *k) {
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
        (void)nats_ask(k, ASK_SETUP, ++k->serial, "STREAM.CREATE", "", text);
}

static void ask_marks(struct nats_queue *k) {
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
        (void)nats_ask(k, ASK_SETUP, ++k->serial, "STREAM.CREATE", "_BEGUN", text);
}

static void ask_consumer(struct nats_queue *k) {
        char text[512];

        k->setup = SETUP_CONSUMER;
        k->setup_ticks = 0;
        (void)snprintf(text, sizeof(text),
                       "{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"" NATS_CONSUMER "\","
                       "\"deliver_policy\":\"all\",\"ack_policy\":\"explicit\","
                       "\"ack_wait\":%d000000000,\"max_deliver\":-1,\"max_ack_pending\":%d,"
                       "\"replay_policy\":\"instant\"}}",
                       k->stream, ACK_WAIT_S, LIMIT_BOARDS * GATEWAY_ASYNC_RUNNING);
        (void)nats_ask(k, ASK_SETUP, ++k->serial, "CONSUMER.DURABLE.CREATE", "." NATS_CONSUMER,
                       text);
}

static const char *error_text(const cJSON *o) {
        return json_text(cJSON_GetObjectItemCaseSensitive(o, "error"), "description",
                         "no JetStream there");
}

static void set_up(struct nats_queue *k) {
        k->setup = SETUP_DONE;
        if (k->said)
                log_notice("the queue in NATS can be used again");
        else
                log_info("asynchronous calls are kept in the stream %s of NATS", k->stream);
        k->said = false;
        async_dispatch(k->a);
}

void nats_setup_answer(struct nats_queue *k, const cJSON *o) {
        unsigned code = o ? nats_error(o) : 1;

        if (code != 0 && code != NATS_STREAM_EXISTS) {
                nats_setup_failed(k, error_text(o));
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
