/* join - the leader's side of a board that asks to be taken in. */
#ifndef BRAMBLE_DAEMON_JOIN_H
#define BRAMBLE_DAEMON_JOIN_H

#include "daemon/agent.h"

/* Answers a FRAME_JOIN with a FRAME_JOINED, at once or when the charter says yes. */
void join_answer(struct agent *a, struct link *l, const struct frame *f);

#endif
