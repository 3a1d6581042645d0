/* sweep - takes images off this board's card: those that the bramble was told to forget, and, when
 * the card fills, those that no function uses. */
#ifndef BRAMBLE_DAEMON_SWEEP_H
#define BRAMBLE_DAEMON_SWEEP_H

#include "daemon/agent.h"

int sweep_open(struct agent *a);
/* The world is another one. */
void sweep_world_changed(struct agent *a);
/* There was no room for an image: look now, as if less were free. */
void sweep_need_room(struct agent *a);

#endif
