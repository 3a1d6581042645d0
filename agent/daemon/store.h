/* store - the functions that come with bramble: the list of them, and their images, which are on
 * the card of every board and need no registry. */
#ifndef BRAMBLE_DAEMON_STORE_H
#define BRAMBLE_DAEMON_STORE_H

#include "daemon/agent.h"

#include <cjson/cJSON.h>

/* The list as faas-cli reads it; the caller deletes it.  -ENOENT: this board has none. */
int store_list(const struct agent *a, cJSON **ret, struct fail *f);
/* No registry has this host: what is named so is in the store, or nowhere. */
#define STORE_HOST "bramble.local/"

/* Is this (normalised) reference one of its images? */
bool store_has(const struct agent *a, const char *image);

/* Brings that image from the card into containerd.  'done' comes once, now or later; with result 0
 * 'imported' (borrowed) is what came. */
typedef void (*store_cb)(void *arg, int result, const char *why,
                         const struct image_imported *imported);
void store_import(struct agent *a, const char *image, store_cb done, void *arg);

/* Answers the verb "store" with the list. */
struct request;
void verb_store(struct request *q);

#endif
