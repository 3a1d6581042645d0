/* reporter_alarms - what a board says of itself that a person should do something about. */
#ifndef BRAMBLE_DAEMON_REPORTER_ALARMS_H
#define BRAMBLE_DAEMON_REPORTER_ALARMS_H

#include "core/alarms.h"
#include "daemon/agent.h"

/* All zero at its start. */
struct reporter_alarms {
        struct alarms alarms;
        usec_t read;                     /* when the certificates were last looked at; 0: never */
        const char *certificate, *renew; /* literals */
        int64_t ends;                    /* Unix seconds */
};

/* Takes a reading of the sensors. */
void reporter_alarms_look(struct reporter_alarms *r, const struct agent *a, int root_fd,
                          const struct sensors *sensors, usec_t now);

#endif
