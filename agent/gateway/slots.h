/* slots - hands places that came free at a function's replicas to the calls that wait for one, in
 * their order and not inside of the call that freed it: a line of calls that fail is no recursion.
 */
#ifndef BRAMBLE_GATEWAY_SLOTS_H
#define BRAMBLE_GATEWAY_SLOTS_H

#include "gateway/functions.h"

#include <uv.h>

struct slots {
        uv_idle_t idle;
        struct list freed; /* functions where somebody waits and a place came free */
};

void slots_init(struct slots *s, uv_loop_t *loop);
/* Closes the handle; the loop must run once more. */
void slots_close(struct slots *s);

/* A call has left one of the function's replicas. */
void slots_freed(struct slots *s, struct function *fn);

#endif
