/* images - which images this board has, and how one that it needs comes from its peers. */
#ifndef BRAMBLE_DAEMON_IMAGES_H
#define BRAMBLE_DAEMON_IMAGES_H

#include "daemon/agent.h"

int images_open(struct agent *a);
/* Asks containerd again what is here; ends in runner_look() and a report. */
void images_refresh(struct agent *a);
bool images_have(const struct agent *a, const char *name, const char *digest);
/* Fetches an image of the world from a board that has it, once however often it is asked.  Ends
 * in images_refresh(); the reason of a failure is in images_reason() until the next try. */
void images_want(struct agent *a, const struct world_image *image);
/* Fetches what this board should keep a second copy of. */
void images_keep(struct agent *a);
/* "" while nothing failed. */
const char *images_reason(const struct agent *a, const char *name);
/* Fills at most LIMIT_IMAGES; returns how many. */
uint32_t images_report(const struct agent *a, struct report_image *ret);

#endif
