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
        struct containers *c;
        char *id;
        struct container_output *output;
        uint32_t pid; /* 0: not known */
        uint32_t exit_status;
        uint32_t since; /* containers.epoch when it was known to run */
        bool starting;  /* an exit is told after container_start's 'done' */
        bool running;
        bool exited;
        bool told; /* 'exited' was called, or there is nothing to tell */
        bool oom;
        uint64_t tell_at_ms; /* an exit is told no earlier */
};

struct containers {
        uv_loop_t *loop;
        struct grpc *grpc; /* sends containerd-namespace: openfaas-fn with every call */
        struct containers_ops ops;
        void *arg;
        struct container_host host;
        char *io_dir;
        char *seccomp; /* the profile as JSON for the architecture of the last image */
        char seccomp_for[16];
        struct list known;  /* struct container.link */
        struct list starts; /* struct start.link */
        struct list stops;  /* struct stop.link */
        struct list facts;  /* struct image_facts.link: parsed images, newest last */
        struct list trash;  /* struct trash.link: what could not be cleaned up yet */
        struct grpc_call *events;
        uv_timer_t timer;         /* for the next of these: */
        uint64_t begin_at_ms;     /* 0: nothing to begin */
        uint64_t reconcile_at_ms; /* 0: not planned */
        uint32_t epoch;           /* counts reconciliations */
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
/* Also closes its output, after what is left of it was told. */
void container_forget(struct container *k);
void containers_arm_timer(struct containers *c);
void containers_set_available(struct containers *c, bool yes, const char *why);

/* ---- container_events.c ---- */
/* Namespace, subscription, reconciliation; then containers become available. */
void container_events_begin(struct containers *c);
/* A task of ours ended: tells it now, or shortly after where an OOM event may follow. */
void container_exit(struct container *k, uint32_t status);
/* Tells an exit whose time has come. */
void container_tell(struct container *k);
void container_reconcile(struct containers *c);

/* ---- container_start.c ---- */
/* Is a start with this id under way?  It is given up, and container_stop_resume() follows. */
bool container_start_cancel(struct containers *c, const char *id);

/* No stop of this id is under way any more: a start that waited for that begins. */
void container_start_resume(struct containers *c, const char *id);

/* ---- container_stop.c ---- */
enum {
        CLEAN_TASK = 1,
        CLEAN_CONTAINER = 2,
        CLEAN_SNAPSHOT = 4,
        CLEAN_FILES = 8,
        CLEAN_ALL = 15,
};
/* Removes what 'parts' says, killing at once; what cannot be removed now (containerd is away) is
 * removed when it is back.  'done' may be NULL; -ENOMEM, and then it does not come. */
int container_clean(struct containers *c, const char *id, unsigned parts, container_cb done,
                    void *arg);
/* Is one of this id on its way out?  (One that waits for a start does not count.) */
bool container_stopping(struct containers *c, const char *id);
/* The task ended: whoever waits for that goes on. */
void container_stop_exited(struct containers *c, const char *id);
/* The start that was given up is over. */
void container_stop_resume(struct containers *c, const char *id);
void container_stop_trash(struct containers *c);   /* containerd is back */
void container_stop_end_all(struct containers *c); /* containers_close */

#endif
