/* process - runs a program on the loop: its lines come as they are written, its time is limited,
 * and nothing that it started in its process group outlives it. */
#ifndef BRAMBLE_IO_PROCESS_H
#define BRAMBLE_IO_PROCESS_H

#include "base/fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum {
        PROCESS_LINE_MAX = 4096, /* a longer line is cut */
        PROCESS_OUTPUT_MAX =
                4 * 1024 * 1024, /* passed on in all; what follows is read and dropped */
        PROCESS_STDIN_MAX = 1024 * 1024,
        PROCESS_GRACE_MS = 5000, /* from TERM to KILL where nothing is given */
};

struct process; /* one run */

struct process_config {
        const char *const *argv; /* ends with NULL; argv[0] is the program's absolute path */
        const char *const
                *env;   /* ends with NULL; NULL: a PATH of Debian's and LANG=C.UTF-8 alone */
        const void *in; /* its stdin, copied; NULL: /dev/null */
        size_t in_len;
        unsigned timeout_ms; /* 0: none */
        unsigned grace_ms;   /* 0: PROCESS_GRACE_MS */
};

struct process_end {
        int status;     /* of exit(), -1 where a signal ended it */
        int signal;     /* 0: none */
        bool timed_out; /* it was ended because of timeout_ms */
        bool stopped;   /* ... because of process_stop */
        bool cut;       /* it wrote more than PROCESS_OUTPUT_MAX */
};

/* One line without its newline: printable ASCII, a tab is a blank; 'errors': of stderr.  A last
 * line may lack its newline.  The order between the two streams is not kept. */
typedef void (*process_line_cb)(void *arg, bool errors, const char *text, size_t len);

/* It has ended and all its lines have come.  The last call. */
typedef void (*process_end_cb)(void *arg, const struct process_end *end);

/* Starts it in a session of its own, in "/", with default signals; of our descriptors it gets those
 * three alone that it needs, as all others are O_CLOEXEC.  Everything in the config is copied or
 * used before this returns.  'line' may be NULL.  -ENOENT, -EACCES ... of exec, -EMSGSIZE (stdin),
 * -EINVAL (argv), -ENOMEM, libuv's errors: then nothing was started and no callback comes. */
int process_start(uv_loop_t *loop, const struct process_config *config, process_line_cb line,
                  process_end_cb end, void *arg, struct process **ret, struct fail *f);

/* Asks its group to end (TERM), and ends it after the grace (KILL); 'end' follows. */
void process_stop(struct process *p);

/* Kills the whole group at once where it still runs; no callback comes any more.  May be called
 * inside callbacks.  NULL is a no-op.  The loop has to run until the handles are closed. */
void process_free(struct process *p);

/* Of the child; also its session's and its group's. */
int process_pid(const struct process *p);

#endif
