/* connection_private - what connection.c (one) and connections.c (all of them) share. */
#ifndef BRAMBLE_WATCHDOG_CONNECTION_PRIVATE_H
#define BRAMBLE_WATCHDOG_CONNECTION_PRIVATE_H

#include "watchdog/answer.h"
#include "core/http_body.h"
#include "watchdog/call.h"
#include "watchdog/connection.h"
#include "watchdog/outbox.h"

enum state {
        STATE_READING,   /* waits for a request */
        STATE_RUNNING,   /* a call is active; the body goes to it */
        STATE_STREAMING, /* the same, and its answer has begun; or that is to be sent to its end */
        STATE_WRITING,   /* an answer; what is left of the body is dropped */
        STATE_LINGERING, /* written, and what is left of the body is dropped */
        STATE_ENDED,     /* freed at the end of the turn */
};

struct connection {
        struct list link;
        struct watchdog *dog;
        struct watch client;
        enum state state;
        bool metrics; /* came in on the metrics port */
        /* what came and was not used: in 'kept', or in the shared buffer in this one's turn */
        struct http_text data;
        struct buf kept;
        size_t scanned;  /* of an incomplete head */
        usec_t deadline; /* of any state but STATE_RUNNING; STATE_STREAMING: for the client to go on
                          */
        /* the request */
        usec_t started; /* its first byte */
        bool last;      /* the client said so */
        bool keep_alive, old_client, without_body, continue_owed, counted;
        uint8_t method; /* for the metrics */
        struct http_body_reader body;
        usec_t read_deadline; /* for the body while we wait for it */
        usec_t blocked;       /* since when the call takes no more of it; 0: it does */
        struct call call;
        /* the answer */
        char head[ANSWER_HEAD];
        size_t head_len;
        struct output answer;
        size_t written; /* of the head and what is behind it in memory */
        /* the answer of STATE_STREAMING */
        struct outbox out;
        unsigned status;
        bool chunked, tunnel;
};

/* That long from now; 0: never. */
usec_t deadline_after(usec_t limit);
/* The next moment at which the connection is too slow. */
usec_t connection_deadline(const struct connection *c);

/* Takes over a connected socket and begins with what is there. */
void connection_add(struct watchdog *d, int fd, bool metrics);
/* Reads what the client sent and does what follows from it. */
void connection_receive(struct connection *c);
/* Answers a request that cannot be read, or not to its end: nothing behind it has a meaning. */
void connection_refuse(struct connection *c, unsigned status, const char *text);
/* Closes; the memory stays until the loop's turn is over. */
void connection_end(struct connection *c);

/* There is room for connections again. */
void connections_listen(struct watchdog *d);

#endif
