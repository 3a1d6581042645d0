/* status_alerts - what is wrong, as status shows it. */
#ifndef BRAMBLE_DAEMON_STATUS_ALERTS_H
#define BRAMBLE_DAEMON_STATUS_ALERTS_H

#include "daemon/agent.h"

#include <cjson/cJSON.h>

/* [{"name","board","severity","since_ms","text"}] of all boards, as the newest picture has them. */
cJSON *status_alerts(const struct agent *a);
/* The same of this board alone, where nobody leads. */
cJSON *status_alerts_self(const struct agent *a);

#endif
