/* kube_metrics - how many requests changed something, out of an API server's /metrics.  Pure.
 *
 * Fed with the page in pieces of any size; keeps no more than one line.  The sum is compared with
 * an earlier one of the same server: another number means that an object was written.  Left out
 * is what a still cluster writes all the time: leases, events, reviews, and objects' status. */
#ifndef BRAMBLE_CORE_KUBE_METRICS_H
#define BRAMBLE_CORE_KUBE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KUBE_METRICS_LINE = 2048 }; /* a longer line is passed over; real ones take 300 bytes */

struct kube_metrics {       /* all zero before the first piece */
        uint64_t mutations; /* the sum */
        uint32_t series;    /* apiserver_request_total lines seen; 0: that was no such page */
        bool skip;          /* the line is too long: drop the rest of it */
        size_t len;         /* of the line so far */
        char line[KUBE_METRICS_LINE];
};

void kube_metrics_feed(struct kube_metrics *m, const void *data, size_t len);
/* The page ended: a last line without its newline counts too. */
void kube_metrics_end(struct kube_metrics *m);

#endif
