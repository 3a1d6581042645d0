/* container_internal - what the files of io/container*.c and io/image_*.c share.  Not for others.
 */
#ifndef BRAMBLE_IO_CONTAINER_INTERNAL_H
#define BRAMBLE_IO_CONTAINER_INTERNAL_H

#include "base/list.h"
#include "io/container.h"
#include "io/container_host.h"
#include "io/containerd_api.h"
#include "io/grpc.h"

struct image_state; /* io/image_call.h */
struct container_output;

/* One container that we know: started or found by us, not yet stopped. */
struct container {
        struct list link; /* containers.known */
        char *id;
        struct container_output *output;
        uint32_t pid;
        uint32_t exit_status;
        bool starting; /* an exit is told after container_start's 'done' */
        bool running;
        bool told; /* 'exited' was called, or there is nothing to tell */
        bool oom;
        uint64_t tell_at_ms; /* 0: no exit waits to be told */
};

struct containers {
        uv_loop_t *loop;
        struct grpc *grpc; /* sends containerd-namespace: openfaas-fn with every call */
        struct containers_ops ops;
        void *arg;
        struct container_host host;
        char *io_dir;
        char *seccomp; /* the profile as JSON, made once */
        struct list known;  /* struct container.link */
        struct list starts; /* struct start.link */
        struct list stops;  /* struct stop.link */
        struct list lists;  /* struct listing.link */
        struct list facts;  /* struct image_facts.link: parsed images, newest first */
        struct list trash;  /* ids whose clean-up could not be finished */
        struct grpc_call *events;
        uv_timer_t timer; /* exits to be told, the second reconcile */
        uint64_t reconcile_at_ms;
        unsigned handles;
        bool available;
        bool told_down;
        bool closing;
        struct image_state *images; /* io/image_*.c; made on first use */
};

/* io/image_call.c: NULL is a no-op. */
void image_state_free(struct image_state *s);

/* ---- container.c: the containers that we know ---- */
struct container *container_find(struct containers *c, const char *id);
/* The one with this id, made where it is new.  NULL: no memory. */
struct container *container_know(struct containers *c, const char *id);
void container_forget(struct container *k);
/* Text that callers get for a failed call: "no such image", or containerd's own words. */
const char *container_why(int result, const char *why);

/* ---- container_events.c ---- */
/* Namespace, subscription, reconciliation; then containers become available. */
void container_events_begin(struct containers *c);
/* A task of ours ended: tells it now, or shortly after where an OOM event may follow. */
void container_exit(struct container *k, uint32_t status);
/* A start succeeded: what came meanwhile is told. */
void container_started(struct container *k);
void container_events_end(struct containers *c);

/* ---- container_stop.c ---- */
/* The exit event of a task arrived. */
void container_stop_exited(struct containers *c, const char *id);
/* Removes what is left of 'id', for nobody. */
void container_clean(struct containers *c, const char *id);
void container_stop_end_all(struct containers *c);

#endif
