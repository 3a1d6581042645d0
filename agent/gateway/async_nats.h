/* async_nats - what the files async_nats*.c share: the keeper that has the calls of all boards in a
 * stream of NATS JetStream.  Each is one message "STREAM.async.FUNCTION.ID", a whole HTTP request;
 * one durable consumer hands them to whichever gateway asks.  What a gateway holds it says so every
 * few seconds; when it falls silent, the server hands the call to another one, counted up, which is
 * what X-Retry then says.
 *
 * The server does not write these counts down at once, so they alone would not survive its end.
 * Hence a mark in a second stream before each first attempt, "STREAM.begun.SEQUENCE": it is only
 * taken where there is none, and where there is one, the attempt is not the first. */
#ifndef BRAMBLE_GATEWAY_ASYNC_NATS_H
#define BRAMBLE_GATEWAY_ASYNC_NATS_H

#include "gateway/async_private.h"
#include "io/nats_link.h"

#include <cjson/cJSON.h>

#define NATS_CONSUMER "workers"

enum {
        TICK_MS = 1000,
        HOLD_TICKS = 5,   /* "still at it" is said so often ... */
        ACK_WAIT_S = 20,  /* ... and somebody who does not say it for so long is dead */
        SAFE_TICKS = 5,   /* a call must be safe within that */
        PULL_TICKS = 20,  /* a question for more calls is open so long */
        DEPTH_TICKS = 10, /* how many wait is asked so often */
        SETUP_TICKS = 5,  /* the stream is set up again after so long without an answer */
        SUBJECT_SIZE = 3 * (ASYNC_KEY + HTTP_FORWARD_ID_MAX) + 2 * SIZE_NAME,
};

/* What JetStream calls its errors (server/errors.json). */
enum { NATS_STREAM_EXISTS = 10058, NATS_WRONG_LAST_SEQUENCE = 10071 };

enum nats_setup { SETUP_OFF, SETUP_STREAM, SETUP_MARKS, SETUP_CONSUMER, SETUP_DONE };

/* Questions: the first letter of an inbox says what was asked, a number behind it which one. */
enum {
        ASK_SETUP = 's',
        ASK_PUT = 'a',
        ASK_MARK = 'm',
        ASK_PULL = 'p',
        ASK_DEPTH = 'd',
        ASK_CANCEL = 'c'
};

struct nats_queue {
        struct async *a;
        struct nats_link *link;
        const char *stream;
        enum nats_setup setup;
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

/* Asks JetStream: $JS.API.'verb'.STREAM'rest'. */
int nats_ask(struct nats_queue *k, char what, uint64_t serial, const char *verb, const char *rest,
             const char *text);
/* The code of an error in an answer, 0 where there is none, 1 where it has no code. */
unsigned nats_error(const cJSON *o);

/* ---- async_nats_setup.c: the streams and the consumer ------------------------------------------
 */

void nats_setup_start(struct nats_queue *k);
/* An answer; NULL: it was none.  Leads to async_dispatch() once all is there. */
void nats_setup_answer(struct nats_queue *k, const cJSON *o);
/* Says once why calls are refused. */
void nats_setup_failed(struct nats_queue *k, const char *why);

/* ---- async_nats_cancel.c: taking a call out that another gateway may have ----------------------
 */

void nats_cancel(void *queue, struct api_request *q, const char *id);
void nats_cancel_answer(struct nats_queue *k, uint64_t serial, const cJSON *o, const char *data,
                        size_t len);
/* Gives up those that have waited for too long, or all of them. */
void nats_cancel_tick(struct nats_queue *k, bool all);

#endif
