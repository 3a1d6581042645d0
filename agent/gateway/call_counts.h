/* call_counts - how many calls of one function began, and ended with which status after how long.
 * Counting costs nanoseconds; memory grows with the statuses that were seen, up to a limit. */
#ifndef BRAMBLE_GATEWAY_CALL_COUNTS_H
#define BRAMBLE_GATEWAY_CALL_COUNTS_H

#include "base/buf.h"

#include <stdint.h>

enum {
        CALL_COUNTS_CODES = 8, /* of one function: seven that came first, the rest together */
        CALL_COUNTS_BUCKETS = 11,
        CALL_STATUS_GONE = 499, /* the client went away before there was a status */
};

struct call_code;

struct call_counts {
        uint64_t started, ended;
        struct call_code *codes[CALL_COUNTS_CODES]; /* in the order of their first call */
};

void call_counts_done(struct call_counts *counts);

static inline void call_counts_begin(struct call_counts *counts) {
        counts->started++;
}
/* 'status' 0: there was none, counted as CALL_STATUS_GONE.  Without memory for a first call of its
 * status the call counts as ended and no more. */
void call_counts_end(struct call_counts *counts, unsigned status, uint64_t took_ns);

static inline uint64_t call_counts_in_flight(const struct call_counts *counts) {
        return counts->started - counts->ended;
}

/* How many calls ended within each bound, whatever their status, each without those before it; the
 * last place are those that took longer. */
void call_counts_buckets(const struct call_counts *counts,
                         uint64_t ret[static CALL_COUNTS_BUCKETS + 1]);
/* How long the fastest 'percent' of them took at most, in microseconds, as Prometheus'
 * histogram_quantile() has it: even within a bucket, the last bound where it took longer; 0 where
 * there are none. */
uint64_t call_counts_quantile(const uint64_t buckets[static CALL_COUNTS_BUCKETS + 1],
                              unsigned percent);

/* The samples of one function in gateway_function_invocation_total; 'name' is FUNCTION.NAMESPACE
 * with nothing in it to escape. */
void call_counts_print_total(const struct call_counts *counts, const char *name, struct buf *out);
/* And in gateway_functions_seconds. */
void call_counts_print_seconds(const struct call_counts *counts, const char *name, struct buf *out);

#endif
