/* call - one call of a function, for the files call*.c and proxy.c alone: how it begins is in
 * proxy.c, where it goes in call_place.c, the way there in call_send.c, the way back in
 * call_answer.c, and its end in call.c. */
#ifndef BRAMBLE_GATEWAY_CALL_H
#define BRAMBLE_GATEWAY_CALL_H

#include "base/buf.h"
#include "core/http_forward.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/upstream.h"

struct call {
        struct gateway *g;
        struct client *client;
        struct function *fn;
        struct function_waiter waiter;
        struct deadline deadline;
        struct replica *replica; /* where it is; counted in its in_flight */
        struct upstream *upstream;
        struct buf out; /* the head and what follows, for the function; with what was sent of it
                           where the call may be made again */
        size_t out_at;  /* sent */
        struct buf response; /* the head for the client, until it is sent with the first bytes */
        uint32_t tried[GATEWAY_ATTEMPTS];
        unsigned n_tried, n_attempts;
        int error; /* of the last attempt */
        bool reached;
        bool waiting; /* in the function's list */
        bool queued;  /* and the time for that is the one for a full function */
        bool woken;   /* it has had its turn in line */
        bool replay;  /* 'out' is the whole request so far */
        bool ready;   /* the upstream can be written to */
        bool sent;    /* 'out' was written */
        bool has_body, body_over, idempotent, upgrade, is_head;
        bool sandbox; /* who gets the answer may be at the dashboard, too */
        bool started; /* the client has got, or will get, the function's own response */
        bool told;    /* it has got bytes of it */
        bool endless; /* a stream of events: silence is no fault */
        bool tunnel, client_ended, upstream_ended;
        unsigned status; /* that the client gets, or has got; 0: none yet */
        uint64_t start_ns;
        uint64_t began_ns; /* monotonic; 0: not counted */
        char id[HTTP_FORWARD_ID_MAX + 1];
};

/* The call's side of the client's and of the function's connection. */
extern const struct exchange_ops call_exchange_ops;
extern const struct upstream_ops call_upstream_ops;

/* NULL: no memory.  References 'fn'. */
struct call *call_new(struct gateway *g, struct client *client, struct function *fn);
/* Everything but the client, which the caller deals with. */
void call_free(struct call *c);
/* Frees it and breaks the client's connection. */
void call_give_up(struct call *c);
/* Ends the call with a sentence of our own or, too late for that, with a broken connection. */
void call_fail(struct call *c, unsigned status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The same with header lines of its own. */
void call_fail_with(struct call *c, unsigned status, const char *headers, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* The function has said something, or may now: the time until it says more begins. */
void call_watch(struct call *c);
/* Gives the connection to the replica back. */
void call_leave(struct call *c, bool reusable);

/* The call counts from here on, until call_free(). */
void call_count(struct call *c);

/* What the call adds to heads. */
struct http_forward call_heads(const struct call *c);

/* Finds a replica and a connection to it, or waits, or fails.  'push_now': nobody flushes after
 * this.  The call may be over afterwards. */
void call_dispatch(struct call *c, bool push_now);
/* The connection to the replica is of no use: another attempt, where that is safe. */
void call_broke(struct call *c, int error);
/* Writes the head, if it still has to be, and 'data'.  False where the call is over by that. */
bool call_push(struct call *c, const char *data, size_t len);
/* Both sides of a tunnel have ended. */
void call_close_tunnel(struct call *c);

#endif
