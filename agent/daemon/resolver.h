/* resolver - on the leader: asks registries which bytes the names mean that functions are deployed
 * from, and writes that down, so that all boards run the same. */
#ifndef BRAMBLE_DAEMON_RESOLVER_H
#define BRAMBLE_DAEMON_RESOLVER_H

#include "daemon/agent.h"

int resolver_open(struct agent *a);

/* Begins what is missing: the image of each function that the charter does not know. */
void resolver_look(struct agent *a);
/* This board does not lead any more: what is under way is for the next one. */
void resolver_stop(struct agent *a);

/* Asks anew what a name means that the charter knows; 'done' when that is written down, or with an
 * errno and a sentence.  Comes once, later. */
typedef void (*resolver_cb)(void *arg, int result, const char *why);
void resolver_refresh(struct agent *a, const char *image, resolver_cb done, void *arg);

/* Why a function's image is not known yet, in words.  True where asking for it has failed and is
 * tried again later. */
bool resolver_reason(const struct agent *a, const char *image, char dst[static SIZE_REASON]);

#endif
