/* metrics_text - lines of Prometheus' text format 0.0.4.  Pure.
 * A line is added whole or, where memory or the buffer's limit ends, not at all: what comes out is
 * always well-formed. */
#ifndef BRAMBLE_CORE_METRICS_TEXT_H
#define BRAMBLE_CORE_METRICS_TEXT_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { METRICS_LABELS_BYTES = 640 }; /* the labels of one sample, printed */

/* Labels as they are printed: a="b",c="d".  All zero is none; what does not fit is left out. */
struct metrics_labels {
        size_t len;
        char text[METRICS_LABELS_BYTES];
};

/* Adds one; quotes, backslashes and line ends of 'value' are escaped, bytes that are no printable
 * ASCII become '?'.  'name' is [a-z_]. */
void metrics_text_label(struct metrics_labels *l, const char *name, const char *value);

/* What comes before the samples of one name.  'type': counter, gauge, histogram, untyped. */
void metrics_text_family(struct buf *out, const char *name, const char *type, const char *help);

/* "NAME{LABELS} VALUE"; 'labels' may be NULL. */
void metrics_text_sample(struct buf *out, const char *name, const struct metrics_labels *labels,
                         double value);
/* The same for a count, exact to the last digit. */
void metrics_text_count(struct buf *out, const char *name, const struct metrics_labels *labels,
                        uint64_t value);

/* A family of one sample without labels. */
void metrics_text_one(struct buf *out, const char *name, const char *type, const char *help,
                      double value);

#endif
