/* events - the log of what happened: the leader writes it, every board has it, people read it. */
#ifndef BRAMBLE_DAEMON_EVENTS_H
#define BRAMBLE_DAEMON_EVENTS_H

#include "core/events.h"
#include "daemon/agent.h"

int events_open(struct agent *a);

/* This board leads and has made the picture that follows agent.world: what happened is written
 * down, and the picture names the newest entry. */
void events_lead(struct agent *a, struct world *now);
/* What the newest picture names and the log lacks is fetched from the leader.  Once a second, and
 * when a picture was taken. */
void events_follow(struct agent *a);

/* Writes down what pictures do not show (a shutdown that begins, a board that is drained); only the
 * leader may.  'e' needs no id and time. */
void events_tell(struct agent *a, const struct event *e);

#endif
