/* metrics - what Prometheus reads: the calls that went through this gateway, the parts' figures,
 * and what the agent tells of the board and the bramble. */
#ifndef BRAMBLE_GATEWAY_METRICS_H
#define BRAMBLE_GATEWAY_METRICS_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct gateway;

/* What the agent told last; all zero is nothing yet. */
struct metrics_told {
        struct buf text;
        char version[24], commit[24];
        uint64_t at_ms; /* the loop's clock */
        bool known;     /* it answered when it was last asked */
};

void metrics_told_done(struct metrics_told *told);

/* Answers GET /metrics.  At most GATEWAY_SCRAPES at a time, each sent no faster than it is taken.
 */
void metrics_start(struct gateway *g, struct client *client, const struct http_head *head,
                   const struct http_text *rest);

/* A part's own, in the table of metrics.c: adds its families, each name in one part only. */
void functions_metrics(struct gateway *g, struct buf *out); /* functions_metrics.c */
void process_metrics(struct gateway *g, struct buf *out);   /* process_metrics.c */

#endif
