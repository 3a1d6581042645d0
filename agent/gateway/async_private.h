/* async_private - what the files async*.c share.  A call is an item from the moment on which it is
 * accepted (or delivered) until its end is stored:
 *
 *         STORING -> READY -> BEGINNING -> RUNNING -> ENDING
 *                      ^---------- LATER <-----'
 *
 * Where it is stored is a keeper's business: a file of this board, or NATS. */
#ifndef BRAMBLE_GATEWAY_ASYNC_PRIVATE_H
#define BRAMBLE_GATEWAY_ASYNC_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "core/http_forward.h"
#include "core/limits.h"
#include "core/retry.h"
#include "gateway/async.h"
#include "gateway/functions.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct async_post;
struct async_run;
struct callbacks;
struct server;

enum { ASYNC_QUEUES = 512, ASYNC_KEY = 2 * SIZE_NAME };

/* Functions that share their workers; one of its own for each that names none. */
struct async_queue {
        struct list link;
        char name[ASYNC_KEY];
        unsigned running; /* calls that are being made */
        unsigned lanes;
        uint64_t accepted, done, failures, retries, callback_failures;
        uint64_t depth, oldest_ms; /* only while metrics are printed */
};

/* The calls of one function, in order. */
struct async_lane {
        struct list link;
        char name[SIZE_NAME], namespace[SIZE_NAME];
        char key[ASYNC_KEY]; /* NAME.NAMESPACE */
        struct list ready;
        unsigned n_items;
        struct async_queue *queue;
        struct retry_policy policy;
        bool failing; /* its last call failed, and it was logged */
};

enum async_state {
        ASYNC_STORING,   /* its client waits until it is safe */
        ASYNC_READY,     /* in its lane */
        ASYNC_BEGINNING, /* the attempt is being noted */
        ASYNC_RUNNING,
        ASYNC_LATER,  /* waits for its next attempt */
        ASYNC_ENDING, /* its end is being noted */
};

struct async_item {
        struct async *a;
        struct async_lane *lane;
        enum async_state state;
        bool slot;         /* it takes a place among the running */
        bool counted;      /* its request is counted as memory */
        struct list link;  /* in lane->ready, or in a->later by 'due_ms' */
        struct list all;   /* in a->items, oldest first */
        uint64_t seq;      /* the keeper's number for it */
        uint32_t attempts; /* begun so far */
        uint64_t due_ms, since_ms;
        uint64_t bytes;     /* of the request */
        struct buf request; /* a whole HTTP request; empty where only the keeper has it */
        struct async_post *post;
        struct async_run *run;
        struct api_request *cancel; /* to be answered at the end */
        /* for the keeper */
        struct list op;
        uint8_t op_kind;
        int op_error;
        uint64_t wait_usec;
        char *reply;     /* NATS: by which its delivery is answered */
        uint64_t serial; /* NATS: of the question whose answer it waits for */
        char id[HTTP_FORWARD_ID_MAX + 1];
};

/* Where calls are kept.  Each of these ends with the call of the function that is named, never
 * before it returns; an item has at most one of them under way. */
struct async_keeper {
        bool shared; /* other gateways make the calls as well: what was stored is delivered */
        /* -> async_stored().  Where item->slot is set, its first attempt begins with it. */
        void (*put)(void *keeper, struct async_item *item);
        /* item->attempts was counted up; fills item->request where it is empty.
         * -> async_begun() */
        void (*begin)(void *keeper, struct async_item *item);
        /* -> async_postponed(), or async_forget() where another may get it. */
        void (*later)(void *keeper, struct async_item *item, uint64_t wait_usec);
        /* Tried until it is done.  -> async_ended() */
        void (*end)(void *keeper, struct async_item *item);
        /* A call that is no item here.  Answers 'q'; NULL where there is no other place. */
        void (*cancel)(void *keeper, struct api_request *q, const char *id);
        /* Room for 'n' more deliveries; NULL where nothing is delivered. */
        void (*want)(void *keeper, unsigned n);
        /* How many calls wait, elsewhere too; NULL: the items are all of them. */
        uint64_t (*depth)(void *keeper);
        /* Closes its handles; waits for what is under way. */
        void (*close)(void *keeper);
        void (*free)(void *keeper);
};

struct async {
        struct gateway *g;
        struct async_options options;
        const struct async_keeper *keeper;
        void *keep;
        struct list lanes, queues, items, later;
        unsigned n_items, running, n_queues;
        unsigned ops;           /* that the keeper has under way */
        uint64_t bytes, memory; /* of all requests; of those that are in memory */
        struct server *server;  /* the data path for our own calls */
        struct replica *self;   /* its address */
        struct callbacks *callbacks;
        unsigned n_callbacks;
        uv_timer_t timer;
        uint64_t stalled_ms; /* nothing begins before: the keeper failed */
        bool stopping, closing, dispatching;
        bool aborted; /* what cannot be written down now is left as it is */
        void (*stopped)(void *arg);
        void *stopped_arg;
};

/* ---- async.c: items, lanes, and who is next ----------------------------------------------------
 */

/* The lane of a function, made where there is none; NULL: no memory. */
struct async_lane *async_lane(struct async *a, const char *name, const char *namespace);
/* NULL: no memory.  'id' fits. */
struct async_item *async_item_new(struct async *a, struct async_lane *lane, const char *id);
/* Whatever it is at; counts and lists are set right. */
void async_item_free(struct async_item *item);
/* Counts the request as memory; false where there is no room for 'more' bytes. */
bool async_room(const struct async *a, uint64_t more);
void async_hold(struct async_item *item);
void async_drop_request(struct async_item *item);
/* May a first attempt begin right now?  Then the item has its slot. */
bool async_take_slot(struct async_item *item);
void async_leave_slot(struct async_item *item);
/* Puts it into its lane, behind the others. */
void async_ready(struct async_item *item);
/* Puts it among those whose time has yet to come. */
void async_wait(struct async_item *item, uint64_t wait_usec);
/* Lets begin what can. */
void async_dispatch(struct async *a);
/* What is still to be done before 'stopped'? */
void async_check_stopped(struct async *a);

/* The keeper's answers. */
void async_stored(struct async_item *item, int error);
void async_begun(struct async_item *item, int error);
void async_postponed(struct async_item *item);
void async_forget(struct async_item *item);
void async_ended(struct async_item *item);

/* ---- async_accept.c ---------------------------------------------------------------------------
 */

/* The client learns how it went; its 'post' is gone. */
void async_post_done(struct async_post *post, int error);

/* ---- async_run.c ------------------------------------------------------------------------------
 */

/* Makes the call; its outcome leads to the keeper. */
void async_run_start(struct async_item *item);
void async_run_abort(struct async_run *run);

/* ---- keepers ----------------------------------------------------------------------------------
 */

int async_file_open(struct async *a, struct fail *f);
int async_nats_open(struct async *a, struct fail *f);

#endif
