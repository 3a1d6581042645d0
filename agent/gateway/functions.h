/* functions - the functions and replicas of the bramble, as the agent last told. */
#ifndef BRAMBLE_GATEWAY_FUNCTIONS_H
#define BRAMBLE_GATEWAY_FUNCTIONS_H

#include "base/list.h"
#include "core/limits.h"

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
        bool gone;           /* no longer in the state: nothing new goes there */
        uint32_t in_flight;  /* calls that we have under way there */
        uint64_t suspect_ms; /* avoided until then (the loop's clock) */
        struct list idle;    /* unused connections, upstream.c; newest last */
        unsigned n_idle;
};

/* Somebody who waits for a ready replica. */
struct function_waiter {
        struct list link;
        /* The function has a ready replica, or is gone; the waiter is off the list. */
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
        bool failing;            /* its last call failed, and it was logged */
        bool stuck;              /* none is ready, and none will be soon: 'reason' says why */
        bool waking;             /* the agent was asked for a replica, and no state came since */
        bool asking;             /* and has not answered yet */
        bool telling, told_busy; /* load.c */
        uint32_t turn;
        size_t n_replicas;
        struct replica *replica[LIMIT_REPLICAS];
        struct list waiting;
        unsigned n_waiting;
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
/* -ENOSPC above GATEWAY_WAITING. */
int function_wait(struct function *fn, struct function_waiter *w);
void function_wait_end(struct function *fn, struct function_waiter *w);
/* Counts a call. */
void function_count_call(struct function *fn);
/* Calls so far, as people are told: what the agent knows, and at once our own. */
uint64_t function_invocations(const struct function *fn);

struct replica *replica_ref(struct replica *r);
void replica_unref(struct replica *r);

#endif
