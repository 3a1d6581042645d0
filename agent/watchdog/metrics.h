/* metrics - counts calls, and prints them as Prometheus reads them. */
#ifndef BRAMBLE_WATCHDOG_METRICS_H
#define BRAMBLE_WATCHDOG_METRICS_H

#include "base/buf.h"
#include "base/time.h"
#include "core/http_parse.h"

#include <stdint.h>

enum { METRICS_SERIES = 64, METRICS_BUCKETS = 11 };

/* All zero to begin with. */
struct metrics {
        struct {
                uint16_t code;
                uint8_t method; /* metrics_method() */
                uint64_t total;
        } series[METRICS_SERIES]; /* those seen, the first 'n'; the last one takes what is too much
                                   */
        unsigned n;
        uint64_t buckets[METRICS_BUCKETS]; /* each without those below it */
        uint64_t count;
        usec_t sum_usec;
};

/* A method as metrics_count() wants it: a request's bytes are gone when its answer is known. */
uint8_t metrics_method(const struct http_text *method);
void metrics_count(struct metrics *m, unsigned code, uint8_t method, usec_t took);

/* 'in_flight': calls that run now.  Errors as buf_printf(). */
int metrics_print(const struct metrics *m, unsigned in_flight, struct buf *out);

#endif
