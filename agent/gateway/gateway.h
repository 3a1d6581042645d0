/* gateway - what the parts of the gateway share: the loop, the limits, who is who. */
#ifndef BRAMBLE_GATEWAY_GATEWAY_H
#define BRAMBLE_GATEWAY_GATEWAY_H

#include "core/limits.h"
#include "gateway/call_id.h"
#include "gateway/deadline.h"
#include "gateway/functions.h"
#include "gateway/metrics.h"
#include "gateway/slots.h"
#include "gateway/sock.h"

#include <stdbool.h>
#include <uv.h>

/* Every limit of the gateway that is not a protocol's own. */
enum {
        GATEWAY_CLIENTS = 1024,             /* connections at a time, --connections */
        GATEWAY_CLIENTS_MAX = 65536,        /* most that can be asked for */
        GATEWAY_BACKLOG = 512,              /* connections not yet accepted */
        GATEWAY_PIPELINE_BYTES = 4 * 1024,  /* of next requests, before reading stops */
        GATEWAY_HELD_BYTES = 16 * 1024,     /* of a body that waits for its function */
        GATEWAY_DISCARD_BYTES = 256 * 1024, /* of a body that nobody wants any more */
        GATEWAY_POOL = 64,                  /* unused connections to one replica */
        GATEWAY_REPLAY_BYTES = 16 * 1024,   /* of a request that is kept, to make it again */
        GATEWAY_ATTEMPTS = 3,               /* replicas that one call is tried on */
        GATEWAY_AGENT_FRAME_BYTES = 4 * 1024 * 1024, /* the whole state in one frame */
        GATEWAY_AGENT_REQUESTS = 64,                 /* asked of the agent at a time */
        GATEWAY_ASYNC_RUNNING = 64,                  /* asynchronous calls that are being made */
        GATEWAY_ASYNC_CALLBACKS = 32,                /* answers being sent on */
        GATEWAY_ASYNC_MEMORY = 16 * 1024 * 1024,     /* of their requests, at a time */
        GATEWAY_ASYNC_ANSWER = 1024 * 1024,          /* of an answer that is sent on */
        GATEWAY_LOG_READERS = 16,                    /* clients that read logs at a time */
        GATEWAY_METRICS_MS = 1000,                   /* what the agent told is told again so long */
        GATEWAY_SCRAPES = 8,                         /* answers to Prometheus at a time */
        GATEWAY_METRICS_BYTES = 8 * 1024 * 1024, /* of one: 256 functions of the longest names */
        GATEWAY_DRAIN_MS = 10 * 1000,            /* calls under way at SIGTERM get so long */
};

struct agent;
struct async;
struct server;
struct tls_server;
struct ui;

struct gateway {
        uv_loop_t *loop;
        struct deadlines deadlines;
        struct functions functions;
        struct slots slots;
        struct call_ids ids;
        struct sock_reader reader;
        struct agent *agent;
        struct server *server;
        struct async *async;
        struct ui *ui;
        struct list log_readers; /* api_logs.c */
        unsigned n_log_readers;
        struct metrics_told told;
        unsigned n_scrapes;
        struct tls_server *tls; /* NULL: plain HTTP alone */
        bool had_state;         /* the agent told us at least once what there is */
        char cluster[SIZE_CLUSTER];
        char node[SIZE_NAME];
        char arch[16];
        char user[SIZE_USER];
        char password[SIZE_PASSWORD];
};

#endif
