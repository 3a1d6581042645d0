/* ui_calls - calls per second and how long they took, of each function that the dashboard shows. */
#ifndef BRAMBLE_GATEWAY_UI_CALLS_H
#define BRAMBLE_GATEWAY_UI_CALLS_H

#include "gateway/functions.h"
#include "gateway/ui_state.h"

/* What is kept of the function, made where it is new.  NULL: no memory, or too many. */
struct ui_calls *ui_calls_of(struct ui_state *s, const char *name, const char *namespace);
/* Forgets those that were not asked for since the last time. */
void ui_calls_sweep(struct ui_state *s);

/* A second later: 'total' calls were made through all gateways together, and 'fn' (may be NULL)
 * has the counts of this one. */
void ui_calls_sample(struct ui_calls *c, uint64_t now_ms, uint64_t total,
                     const struct function *fn);
/* Calls a second; negative: not known yet. */
double ui_calls_rate(const struct ui_calls *c);
/* Of this gateway's calls of the last ten to twenty seconds; false where there were none. */
bool ui_calls_latency(const struct ui_calls *c, const struct function *fn, uint64_t *ret_p50_usec,
                      uint64_t *ret_p99_usec);

#endif
