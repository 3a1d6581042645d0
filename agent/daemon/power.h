/* power - switching boards off: the leader's plan for all of them, this board's own part, and the
 * delay that lets functions end first whoever switches it off. */
#ifndef BRAMBLE_DAEMON_POWER_H
#define BRAMBLE_DAEMON_POWER_H

#include "daemon/agent.h"

int power_open(struct agent *a, struct fail *f);

/* Leadership or the charter may have changed. */
void power_look(struct agent *a);
/* Is the whole bramble being switched off, so that the coordinator decides nothing?  Only on the
 * leader. */
bool power_frozen(const struct agent *a);
/* Is this board about to go off or to restart, by its record: it gets nothing new? */
bool power_leaves(const struct agent *a, uint64_t node);

#endif
