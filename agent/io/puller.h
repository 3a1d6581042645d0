/* puller - runs bramble-pull, which talks to image registries as a user that owns nothing, and asks
 * it one thing at a time. */
#ifndef BRAMBLE_IO_PULLER_H
#define BRAMBLE_IO_PULLER_H

#include "base/fail.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct puller;

struct puller_ops {
        /* Bytes of the blob that was asked for; gone after the call. */
        void (*data)(void *arg, const void *data, size_t len);
        /* Once for each puller_ask(): 0 and the reply, or an errno and a sentence.  -EPIPE: the
         * program ended; every further ask will say so too. */
        void (*done)(void *arg, int result, const char *why, const cJSON *reply);
};

/* 'user' is whom it runs as where we are root; one that does not exist is nobody.  Callbacks come
 * from the loop.  -ENOENT, -EACCES ... of exec, -ENOMEM. */
int puller_start(uv_loop_t *loop, const char *program, const char *user,
                 const struct puller_ops *ops, void *arg, struct puller **ret, struct fail *f);

/* Sends a request (borrowed); -EBUSY while another is open.  Other errors come by 'done'. */
int puller_ask(struct puller *p, const cJSON *request);

/* Back-pressure: while paused nothing comes. */
void puller_pause(struct puller *p);
void puller_resume(struct puller *p);

/* Ends the program at once; no callback comes any more.  May be called inside callbacks.  NULL is a
 * no-op.  The loop has to run until its handle is closed. */
void puller_free(struct puller *p);

/* Process id, for tests. */
int puller_pid(const struct puller *p);

#endif
