/* functions - the functions and replicas of the bramble, as the agent last told. */
#ifndef BRAMBLE_GATEWAY_FUNCTIONS_H
#define BRAMBLE_GATEWAY_FUNCTIONS_H

#include "base/list.h"
#include "core/balance.h"
#include "core/call_limits.h"
#include "core/limits.h"
#include "gateway/call_counts.h"
#include "gateway/deadline.h"

#include <cjson/cJSON.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* One container that serves a function.  Counted references: connections outlive its removal. */
struct replica {
        unsigned refs;
        uint32_t id;
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } address;
        bool local, ready;
        bool gone;          /* no longer in the state: nothing new goes there */
        uint32_t in_flight; /* calls that we have under way there */
        bool suspect;       /* failed a moment ago: avoided until that deadline */
        struct deadline suspicion;
        struct function *fn; /* whose it is; only while it is not gone */
        struct list idle;    /* unused connections, upstream.c; newest last */
        unsigned n_idle;
};

/* Somebody who waits for a replica that is ready and has room for a call. */
struct function_waiter {
        struct list link;
        /* There is one, or the function is gone; the waiter is off the list. */
        void (*woken)(struct function_waiter *w);
};

struct function {
        unsigned refs;
        char name[SIZE_NAME];
        char namespace[SIZE_NAME];
        char image[SIZE_IMAGE];
        char reason[SIZE_REASON]; /* why it is not as wanted, "" */
        uint32_t replicas;        /* wanted */
        uint32_t available;       /* ready, as the agent counts */
        int64_t created;          /* Unix seconds */
        uint64_t invocations;     /* as the agent knows */
        uint64_t unsent;          /* calls since we last told it */
        uint64_t sent;            /* told, not yet confirmed */
        uint64_t shown;           /* the count that people see never goes back */
        cJSON *spec;              /* FunctionDeployment as it came, an object */
        bool gone;
        bool failing;            /* a call failed, it was logged, and none has got through since */
        uint64_t quiet_until_ms; /* nothing more is logged about its calls */
        bool stuck;              /* none is ready, and none will be soon: 'reason' says why */
        bool waking;             /* the agent was asked for a replica, and no state came since */
        bool asking;             /* and has not answered yet */
        bool telling, told_busy; /* load.c */
        uint32_t turn;
        /* through this gateway, since it knows the function */
        struct call_counts counts;
        size_t n_replicas;
        struct replica *replica[LIMIT_REPLICAS];
        struct call_limits limits;
        uint32_t exec_timeout_s;       /* what its watchdog gives a call, 0: not said */
        struct deadline_queue silence; /* of the calls whose time-out is the function's own */
        struct list waiting;           /* oldest first */
        unsigned n_waiting;
        struct list freed; /* slots.c */
};

struct functions {
        size_t n;
        struct function *items[LIMIT_FUNCTIONS]; /* in order of name and namespace */
};

void functions_done(struct functions *fs);

/* Makes the table that of 'list', the "functions" of a state (entries are taken out of it).
 * What is known already keeps its counts and connections; an entry that is wrong is left out.
 * Wakes those who wait for what is ready now.  The number of entries left out, or -ENOMEM. */
int functions_update(struct functions *fs, cJSON *list);
/* Only how often they were called: [{name,namespace,invocations}]; others than ours are passed
 * over. */
void functions_take_counts(struct functions *fs, const cJSON *list);

/* NULL where there is none; borrowed until the next update unless a reference is taken. */
struct function *functions_find(const struct functions *fs, const char *name,
                                const char *namespace);

struct function *function_ref(struct function *fn);
void function_unref(struct function *fn);
bool function_has_ready(const struct function *fn);
/* Has it no replica that could become ready by itself?  A call wakes it. */
bool function_sleeps(const struct function *fn);
/* Calls under way at its replicas. */
uint32_t function_in_flight(const struct function *fn);
/* Whoever waits for it is told why that is in vain. */
void function_fail_waiting(struct function *fn, const char *why);
/* A call would get a replica now. */
bool function_has_room(const struct function *fn);
/* What balance_choose() wants to know, for each replica. */
void function_load(const struct function *fn, struct balance_replica ret[static LIMIT_REPLICAS]);
/* How many may wait.  For the first replica always some: else nobody could wake a function that
 * lets none wait for its turn. */
uint32_t function_queue(const struct function *fn);
/* -ENOSPC where as many wait as may. 'first': before all others, who wait no longer than this one
 * has been under way; always taken. */
int function_wait(struct function *fn, struct function_waiter *w, bool first);
void function_wait_end(struct function *fn, struct function_waiter *w);
/* Wakes those who wait, oldest first, as long as there is room. */
void function_wake(struct function *fn);
/* After how many ms of silence a call is given up; 0: after what is usual, 'usual_ms'. */
uint64_t function_timeout_ms(const struct function *fn, uint64_t usual_ms);
/* Says its annotation com.bramble.page "trusted"?  Then its pages may do in a browser what the
 * dashboard may. */
bool function_is_trusted(const struct function *fn);
/* Counts a call. */
void function_count_call(struct function *fn);
/* Calls so far, as people are told: what the agent knows, and at once our own. */
uint64_t function_invocations(const struct function *fn);

struct replica *replica_ref(struct replica *r);
void replica_unref(struct replica *r);
/* It could not be reached: for a while calls go elsewhere. */
void replica_suspect(struct deadlines *ds, struct replica *r);

#endif
