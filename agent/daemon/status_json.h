/* status_json - parts of answers that several verbs show. */
#ifndef BRAMBLE_DAEMON_STATUS_JSON_H
#define BRAMBLE_DAEMON_STATUS_JSON_H

#include "daemon/agent.h"

#include <cjson/cJSON.h>

/* The "functions" array of status: name, namespace, image, replicas, available_replicas,
 * invocations, generation, reason, placements [{id,node,state,address,generation}]. */
cJSON *status_functions(const struct agent *a);

/* "10.62.3.5" of an address in host order; "" for 0. */
const char *status_ipv4(char dst[static 16], uint32_t address);

#endif
