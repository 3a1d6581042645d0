/* top_feed - asks an agent again and again: its state each second, its events as they come; and
 * for one thing at a time that a person wants done. */
#ifndef BRAMBLE_CLI_TOP_FEED_H
#define BRAMBLE_CLI_TOP_FEED_H

#include "cli/cli.h"

#include <uv.h>

struct top_feed;

struct top_feed_ops {
        void (*status)(void *arg, const cJSON *status);
        void (*event)(void *arg, const cJSON *event);
        /* The agent follows its events for us, or does not know what that is. */
        void (*events)(void *arg, bool known);
        void (*lost)(void *arg, const char *why); /* it is asked again in a second */
        uint64_t (*since)(void *arg);             /* the newest event that is known */
        /* What was asked for: progress or lines, and its end once; 'reply' is NULL where the link
         * was lost. */
        void (*act_event)(void *arg, const cJSON *event);
        void (*act_done)(void *arg, const cJSON *reply, const char *why);
};

int top_feed_new(const struct cli *c, uv_loop_t *loop, const struct top_feed_ops *ops, void *arg,
                 struct top_feed **ret);
/* Ends all; the memory goes when the loop has closed its handles. */
void top_feed_close(struct top_feed *feed);

/* Takes 'request' over.  -EBUSY while another one is under way; -errno where nobody is there. */
int top_feed_act(struct top_feed *feed, cJSON *request);
/* Nobody wants to hear of it any more: no act_done comes. */
void top_feed_act_end(struct top_feed *feed);

#endif
