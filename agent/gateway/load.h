/* load - what the agent is told of the calls: how many came, how many are under way and how many
 * wait for a replica.  Nothing is told while nobody calls. */
#ifndef BRAMBLE_GATEWAY_LOAD_H
#define BRAMBLE_GATEWAY_LOAD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct function;
struct gateway;

/* The request that tells it for the last 'ms' milliseconds; NULL where there is nothing to say.
 * What is in it counts as told until load_settle() says otherwise. */
cJSON *load_collect(struct gateway *g, uint64_t ms);
/* The newest request arrived at the agent, or did not. */
void load_settle(struct gateway *g, bool arrived);
/* Is one on its way? */
bool load_under_way(const struct gateway *g);

#endif
