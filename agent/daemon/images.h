/* images - which images this board has, and how one that it needs comes from its peers. */
#ifndef BRAMBLE_DAEMON_IMAGES_H
#define BRAMBLE_DAEMON_IMAGES_H

#include "daemon/agent.h"

int images_open(struct agent *a);
/* Asks containerd again what is here; ends in runner_look() and a report. */
void images_refresh(struct agent *a);
bool images_have(const struct agent *a, const char *name, const char *digest);
/* Fetches an image of the world from a board that has it, once however often it is asked; where
 * nobody has it, one board pulls it from its registry for all.  Ends in images_refresh(); the
 * reason of a failure is in images_reason() until the next try. */
void images_want(struct agent *a, const struct world_image *image);
/* Fetches what this board should keep a second copy of, or pull for functions without a replica. */
void images_keep(struct agent *a);
/* It could not be had twice in a row, and is not on its way now: not to be waited for. */
bool images_failing(const struct agent *a, const char *name);
/* How far it is, what it waits for, or why it failed. */
void images_reason(const struct agent *a, const struct world_image *image,
                   char dst[static SIZE_REASON]);
/* What is here, whole and unpacked; valid until the loop turns. */
struct images_item {
        char name[SIZE_IMAGE];
        char digest[SIZE_DIGEST];
        uint64_t size_bytes;
        int64_t since_unix; /* 0: not known */
};
uint32_t images_all(const struct agent *a, const struct images_item **ret);
/* Is there one of this name, with whatever bytes? */
bool images_named(const struct agent *a, const char *name);
/* Is one on its way, or is containerd being asked what is here? */
bool images_busy(const struct agent *a);
/* Fills at most LIMIT_IMAGES; returns how many. */
uint32_t images_report(const struct agent *a, struct report_image *ret);

#endif
