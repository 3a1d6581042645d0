/* status - a function as the API shows it. */
#ifndef BRAMBLE_GATEWAY_STATUS_H
#define BRAMBLE_GATEWAY_STATUS_H

#include "gateway/functions.h"

#include <cjson/cJSON.h>

/* FunctionStatus: what was deployed, word for word, with name in place of service, and how it is.
 * Empty maps, lists and texts, and zeroes are left out, but for the replicas.  NULL: no memory. */
cJSON *status_json(const struct function *fn);

#endif
