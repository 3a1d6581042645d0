/* container_spec - a copy of a container_spec that outlives its caller's. */
#ifndef BRAMBLE_IO_CONTAINER_SPEC_H
#define BRAMBLE_IO_CONTAINER_SPEC_H

#include "io/container.h"

/* NULL texts become "".  -ENOMEM. */
int container_spec_copy(const struct container_spec *spec, struct container_spec *ret);
/* Frees what container_spec_copy() made; also one that is all zero. */
void container_spec_done(struct container_spec *spec);

#endif
