/* reporter - reads the sensors and tells the coordinator, every second and when something changed.
 */
#ifndef BRAMBLE_DAEMON_REPORTER_H
#define BRAMBLE_DAEMON_REPORTER_H

#include "daemon/agent.h"

int reporter_open(struct agent *a);
/* Reports in this turn of the loop. */
void reporter_soon(struct agent *a);
/* The newest readings of this board. */
const struct sensors *reporter_sensors(const struct agent *a);
/* What is wrong with this board, in 'ret'; returns their number. */
uint32_t reporter_alarms(const struct agent *a, struct report_alarm ret[static ALARM_BOARD_KINDS]);
/* What this board's gateway tells of one function. */
struct reporter_load {
        const char *name, *namespace;
        uint64_t count; /* calls that came in the last 'ms' milliseconds */
        uint64_t ms;
        uint32_t in_flight, waiting; /* now */
};
void reporter_calls(struct agent *a, const struct reporter_load *load);

/* All that the gateway told at once: from here on it outlives this agent. */
void reporter_calls_told(struct agent *a);
/* The agent ends: what was counted goes to the card. */
void reporter_close(struct agent *a);

#endif
