/* runner_private - what the files of the runner share. */
#ifndef BRAMBLE_DAEMON_RUNNER_PRIVATE_H
#define BRAMBLE_DAEMON_RUNNER_PRIVATE_H

#include "core/backoff.h"
#include "daemon/runner.h"
#include "io/cgroup.h"
#include "io/spec.h"

enum { HOST_FIRST = 2, HOST_LAST = 250, HOSTS = HOST_LAST - HOST_FIRST + 1 };

/* An exit whose status nobody saw. */
#define RUNNER_STATUS_UNKNOWN UINT32_MAX

struct probe;

/* One replica that this board has, wanted or not. */
struct item {
        struct runner *runner;
        uint32_t id;
        uint32_t generation;
        uint8_t host;  /* last byte of its address, 0: none */
        bool attached; /* its network namespace exists */
        bool known;    /* the world has said what it is */
        bool unwanted;
        bool busy;     /* containerd works on it */
        bool leftover; /* of a life that ended: its container is removed before the next one */
        bool running;
        bool rests;         /* its function is at zero and keeps it: it is to be paused */
        bool paused;        /* its processes do not run */
        usec_t quiet_since; /* no new calls come since then; 0: they may */
        usec_t awake_until; /* not paused before */
        usec_t started;     /* of the present life, and for the sentence of how long it took */
        enum instance_state state;
        struct backoff backoff;
        usec_t retry;
        uint64_t memory_bytes;
        struct spec spec;
        bool secrets_busy;        /* the leader is being asked for its secrets */
        uint64_t secrets_version; /* of the world, when its files were written; 0: they were not */
        usec_t secrets_retry;
        struct probe *probe; /* NULL: none under way */
        struct cgroup cgroup;
        bool has_cgroup; /* of the present life */
        usec_t measured; /* 0: not yet */
        uint64_t cpu_usec, used_bytes;
        uint32_t millicores;
        char container[40];
        char function[SIZE_NAME], namespace[SIZE_NAME];
        char reason[SIZE_REASON];
};

struct runner {
        struct agent *agent;
        bool available; /* containerd answers */
        bool adopted;   /* what runs is known */
        bool listing;   /* containerd is being asked what runs */
        bool frozen;    /* the board goes off */
        usec_t hurry;   /* calls in flight are waited for until then, where it is frozen */
        unsigned last_host;
        int root; /* of the file system: for /proc and cgroups */
        uv_timer_t timer;
        uv_timer_t quiet; /* while something is to become quiet */
        uv_async_t soon;
        uint32_t n;
        struct item *items[LIMIT_BOARD_INSTANCES];
};

/* What a callback of containerd needs to find its item again. */
struct start {
        struct runner *runner;
        uint32_t id;
};

struct item *runner_item_new(struct runner *r, uint32_t id);
/* Removes what is left of a dead container; it is made anew where it is wanted. */
void runner_sweep(struct item *item);
/* Tells the leader, where it is news. */
void runner_set_state(struct item *item, enum instance_state state, const char *reason);
/* The probe's answers. */
void runner_ready(struct item *item);
void runner_never_ready(struct item *item);
/* It was not to be called for a while. */
void runner_ready_again(struct item *item);

/* What the world wants has to be looked at again in a moment: something becomes quiet. */
void runner_look_later(struct runner *r);
/* runner_freeze.c: does the board go off too soon for calls in flight? */
bool runner_hurries(const struct runner *r, usec_t now);
/* For those who read what containerd's side knows of it: false where that is not known. */
bool runner_cgroup(struct item *item);

/* runner_rest.c: from answering calls to none, and back. */
/* May it be stopped or paused?  Nobody is connected to it any more, or it took too long. */
bool runner_is_quiet(struct item *item, usec_t now);
/* The next step of one whose function is at zero: no new calls, then none at all, then a pause. */
void runner_rest(struct item *item, usec_t now);
void runner_unpause(struct item *item);

/* runner_adopt.c: takes over the containers that containerd has, then looks. */
void runner_adopt(struct runner *r);

/* runner_probe.c: connects to the function's port until something accepts, at most a minute. */
void probe_start(struct item *item);
/* Safe where none is under way. */
void probe_stop(struct item *item);

/* NULL where there is none. */
struct item *runner_item(const struct runner *r, uint32_t id);
/* Something keeps it from starting; it is tried again. */
void runner_pending(struct item *item, const char *why);
/* In the next turn of the loop. */
void runner_look_soon(struct runner *r);

/* runner_secrets.c: are its files written, in their newest form?  Where they are not, they soon
 * will be. */
bool runner_secrets_ready(struct item *item);
/* The folder that the container sees, "" where it needs none.  Returns dst. */
const char *runner_secrets_folder(const struct item *item, char *dst, size_t size);
/* Its container is gone. */
void runner_secrets_gone(struct item *item);
/* Folders of containers that are no more. */
void runner_secrets_sweep(struct runner *r);

#endif
