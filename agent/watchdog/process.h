/* process - starts the function's command. */
#ifndef BRAMBLE_WATCHDOG_PROCESS_H
#define BRAMBLE_WATCHDOG_PROCESS_H

#include "core/http_parse.h"
#include "watchdog/options.h"

#include <sys/types.h>

struct process {
        pid_t pid;   /* also the id of its process group */
        int in, out; /* our ends of its stdin and stdout: non-blocking, owned by the caller */
};

/* The environment of a call: free() frees it all.  -ENOMEM. */
int process_environment(const struct options *o, const struct http_head *head, char ***ret);

/* Starts it in a process group of its own, with default signals.  -errno, of exec too. */
int process_start(const struct options *o, char **env, struct process *ret);
/* The same for one that serves as long as we do: nothing on stdin, its output is our log. */
int process_serve(const struct options *o, pid_t *ret);

/* Ends it and all of its group at once.  Only before it was reaped: later the number may be
 * somebody else's. */
void process_kill(pid_t pid);

/* A pipe takes 64 KB before its writer waits; this makes it 256 KB, where that is allowed. */
void process_widen(int pipe);

#endif
