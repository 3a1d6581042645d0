/* grpc - a gRPC client on the loop: one HTTP/2 connection over a unix socket, kept up in the
 * background, with unary calls and streams that have back-pressure both ways. */
#ifndef BRAMBLE_IO_GRPC_H
#define BRAMBLE_IO_GRPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct grpc;      /* a connection */
struct grpc_call; /* one call on it; the connection owns it */

enum {
        GRPC_MESSAGE_MAX = 16 * 1024 * 1024, /* either way; containerd's own limit */
        GRPC_SEND_HIGH = 1024 * 1024, /* a stream's queue: grpc_send says -EAGAIN from here */
        GRPC_SEND_LOW = 256 * 1024,   /* 'writable' comes below this */
        GRPC_CALLS_MAX = 512,         /* open at a time; more are -ENOBUFS */
};

/* What is called: one static const struct for each method. */
struct grpc_method {
        const char *path;                        /* "/containerd.services.images.v1.Images/Get" */
        const ProtobufCMessageDescriptor *reply; /* of each message that comes back */
        unsigned timeout_ms;                     /* of a whole unary call; 0, and streams: none */
};

/* Metadata.  The name in lower case; an array ends with a NULL name. */
struct grpc_header {
        const char *name;
        const char *value;
};

struct grpc_config {
        const char *socket;                /* path */
        const struct grpc_header *headers; /* sent with every call; copied; may be NULL */
};

/* 'up': the server answers and calls may be made.  Else: it stopped answering or never did
 * ('error' is a negative errno, 'why' a sentence); told once until it is up again.  When it
 * stops, all open calls end first. */
typedef void (*grpc_state_cb)(void *arg, bool up, int error, const char *why);

/* Connects in the background, again and again (50 ms to 2 s apart).  -ENAMETOOLONG, -ENOMEM,
 * libuv's errors. */
int grpc_open(uv_loop_t *loop, const struct grpc_config *config, grpc_state_cb state, void *arg,
              struct grpc **ret);
/* Every open call ends with -ECANCELED before this returns; then no callback comes.  May be
 * called inside callbacks.  NULL is a no-op. */
void grpc_close(struct grpc *g);
bool grpc_up(const struct grpc *g);

/* The end of a call; never called from inside the function that began it.  'result' is 0 or a
 * negative errno (grpc_status_errno() says which for the server's own; besides: -ETIMEDOUT at the
 * deadline, -ECONNRESET where the connection broke, so that nobody knows whether it was done,
 * -ECANCELED by grpc_close, -EPROTO, -EBADMSG, -EMSGSIZE for what is no gRPC); 'why' is a sentence
 * or "". */
typedef void (*grpc_reply_cb)(void *arg, int result, const char *why,
                              const ProtobufCMessage *reply); /* reply: only with 0; borrowed */

/* One request, one reply.  'request' is packed before this returns.  0, and 'done' follows once;
 * or, and then it does not: -ENOTCONN while not up, -ENOMEM, -EMSGSIZE, -ENOBUFS.
 * 'headers' and 'ret' may be NULL; *ret is valid until 'done' is called. */
int grpc_unary(struct grpc *g, const struct grpc_method *method, const struct grpc_header *headers,
               const ProtobufCMessage *request, grpc_reply_cb done, void *arg,
               struct grpc_call **ret);

struct grpc_stream_ops {
        /* One message of the server; borrowed.  NULL: messages are dropped. */
        void (*message)(void *arg, const ProtobufCMessage *message);
        /* The queue fell below GRPC_SEND_LOW after grpc_send said -EAGAIN.  May be NULL. */
        void (*writable)(void *arg);
        /* The last call: as for grpc_reply_cb. */
        void (*done)(void *arg, int result, const char *why);
};

/* A stream.  A server stream is begun, given its one request by grpc_send and ended by
 * grpc_send_end at once.  Errors as grpc_unary. */
int grpc_stream(struct grpc *g, const struct grpc_method *method, const struct grpc_header *headers,
                const struct grpc_stream_ops *ops, void *arg, struct grpc_call **ret);
/* Queues one message (packed before this returns).  0; -EAGAIN: queued, but wait for 'writable'
 * before the next; -EMSGSIZE, -ENOMEM, -ENOBUFS (more than GRPC_MESSAGE_MAX would be queued),
 * -EPIPE after grpc_send_end or when the call is over: not queued. */
int grpc_send(struct grpc_call *c, const ProtobufCMessage *message);
/* No more messages from us. */
void grpc_send_end(struct grpc_call *c);
/* Stops and continues the delivery of messages; a paused stream takes no more than 256 KB of
 * memory: the server has to wait.  One that fails while it is paused ends at once. */
void grpc_pause(struct grpc_call *c);
void grpc_resume(struct grpc_call *c);
/* Gives the call up: no callback follows.  'c' is gone.  NULL is a no-op. */
void grpc_cancel(struct grpc_call *c);

#endif
