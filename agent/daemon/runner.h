/* runner - keeps the containers of this board as the world wants them. */
#ifndef BRAMBLE_DAEMON_RUNNER_H
#define BRAMBLE_DAEMON_RUNNER_H

#include "daemon/agent.h"

int runner_open(struct agent *a, struct fail *f);
/* The agent ends: nothing stays paused that nobody could wake.  Functions go on running. */
void runner_close(struct agent *a);
/* The world changed, an image arrived, containerd came back: look again. */
void runner_look(struct agent *a);
/* Fills at most LIMIT_BOARD_INSTANCES; returns how many. */
uint32_t runner_report(const struct agent *a, struct report_instance *ret);

/* The same for what the containers use, as it was measured last. */
uint32_t runner_usage(const struct agent *a, struct report_usage *ret);
/* Measures what every container uses; to be called each second. */
void runner_measure(struct agent *a);
/* A call came for this function: its paused replicas go on at once.  Is there one? */
bool runner_wake(struct agent *a, const char *name, const char *namespace);

/* The board goes off: nothing is started any more and everything stops in place, calls in flight
 * first, but not beyond 'hurry' (monotonic); again with an earlier one hurries.  What had a place
 * has it still. */
void runner_freeze(struct agent *a, usec_t hurry);
/* It does not: everything runs again. */
void runner_thaw(struct agent *a);
/* Containers that run or are being worked on. */
unsigned runner_left(const struct agent *a);

/* Callbacks of io/container. */
void runner_available(struct agent *a, bool yes);
void runner_exited(struct agent *a, const char *id, uint32_t status, bool oom);
void runner_output(struct agent *a, const char *id, const char *stream, const char *text,
                   size_t len);

#endif
