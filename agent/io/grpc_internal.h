/* grpc_internal - what grpc.c (the connection) and grpc_call.c (its calls) share. */
#ifndef BRAMBLE_IO_GRPC_INTERNAL_H
#define BRAMBLE_IO_GRPC_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "io/grpc.h"

#include <nghttp2/nghttp2.h>
#include <stdint.h>

enum {
        GRPC_WINDOW_BYTES = 256 * 1024, /* what a paused stream may hold */
        GRPC_READ_BYTES = 32 * 1024,
        GRPC_WRITE_BYTES = 64 * 1024,
        GRPC_HEADERS_MAX = 16,
        GRPC_WHY_BYTES = 320,
};

/* The socket of one connection; lives until libuv let go of it, perhaps longer than 'g' wants. */
struct grpc_socket {
        uv_pipe_t pipe;
        uv_connect_t connect;
        uv_write_t write;
        struct grpc *g; /* NULL: abandoned */
        struct buf out; /* bytes of nghttp2 on their way */
        bool writing;
        char in[GRPC_READ_BYTES];
};

struct grpc {
        uv_loop_t *loop;
        char *path;
        struct grpc_header *headers;
        grpc_state_cb state;
        void *arg;
        uv_timer_t retry;    /* the next attempt, or the limit of the present one */
        uv_timer_t deadline; /* the earliest of all calls */
        uv_idle_t later;     /* runs grpc_run() once */
        unsigned handles;    /* to be closed before the memory goes */
        unsigned delay_ms;
        struct grpc_socket *socket;
        nghttp2_session *session;
        struct list calls;
        struct list ready; /* calls with something to deliver */
        unsigned n_calls;
        bool up;
        bool announce; /* 'up' is not told yet */
        bool told_down;
        bool closing;
        int broken; /* negative errno: the connection is to be dropped */
        char why[GRPC_WHY_BYTES];
};

struct grpc_call {
        struct list link;  /* grpc.calls */
        struct list ready; /* grpc.ready */
        struct grpc *g;
        const struct grpc_method *method;
        grpc_reply_cb done; /* unary */
        struct grpc_stream_ops ops;
        void *arg;
        int32_t stream; /* 0: none (any more) */
        uint64_t deadline_ms;
        struct buf out;
        size_t out_at; /* bytes of 'out' that nghttp2 took */
        struct buf in;
        size_t held; /* bytes for which the server was not given new window yet */
        bool out_end;
        bool out_deferred; /* nghttp2 found nothing to send and must be told when there is */
        bool out_full;     /* grpc_send said -EAGAIN */
        bool paused;
        bool closed; /* 'result' and 'why' are final */
        bool has_status;
        bool busy; /* a callback of this call runs */
        bool gone; /* to be freed when it returns */
        int result;
        int http_status;
        char why[GRPC_WHY_BYTES];
};

/* grpc_call.c */
int grpc_session_new(struct grpc *g);
void grpc_deliver(struct grpc *g);
/* The end of a call, told by the next grpc_deliver(). */
void grpc_call_close(struct grpc_call *c, int result, const char *why);
/* Tells it at once. */
void grpc_call_finish(struct grpc_call *c);
void grpc_calls_expire(struct grpc *g);

/* grpc.c */
/* Lets the loop run grpc_run() soon: delivers what is ready, sends what is queued. */
void grpc_run_later(struct grpc *g);
void grpc_arm_deadline(struct grpc *g);
/* The connection is no good: dropped by the next grpc_run(). */
void grpc_break(struct grpc *g, int error, const char *why);

#endif
