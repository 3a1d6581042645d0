/* push - an image from this computer into the bramble. */
#ifndef BRAMBLE_CLI_PUSH_H
#define BRAMBLE_CLI_PUSH_H

#include "cli/cli.h"
#include "cli/source.h"

/* Sends what 'source' (taken over) holds, under 'name' (NULL: the archive says it).  '*ret' is the
 * agent's answer, to be deleted; may be NULL.  CLI_FAILED after a message. */
int push_source(const struct cli *c, struct source *source, const char *name, cJSON **ret);
/* A line for each image of the answer. */
void push_print(const cJSON *reply, uint64_t skipped);

#endif
