#include "gateway/call_counts.h"

#include "base/scope.h"
#include "base/time.h"

#include <assert.h>
#include <stdio.h>

/* The contract's, which are those of Prometheus' own client. */
static const struct {
        uint64_t most_usec;
        const char *text;
} bounds[] = { { 5000, "0.005" },  { 10000, "0.01" },  { 25000, "0.025" }, { 50000, "0.05" },
               { 100000, "0.1" },  { 250000, "0.25" }, { 500000, "0.5" },  { 1000000, "1" },
               { 2500000, "2.5" }, { 5000000, "5" },   { 10000000, "10" } };
static_assert(ARRAY_SIZE(bounds) == CALL_COUNTS_BUCKETS, "a bucket for each bound");

enum { OTHER = 0 }; /* the status of those that have no place of their own */

struct call_code {
        unsigned status;
        uint64_t calls, sum_usec;
        uint64_t buckets[CALL_COUNTS_BUCKETS]; /* each without those before it */
};

void call_counts_done(struct call_counts *counts) {
        for (unsigned i = 0; i < CALL_COUNTS_CODES; i++)
                free(take_ptr(counts->codes[i]));
}

static struct call_code *code_of(struct call_counts *counts, unsigned status) {
        unsigned i = 0;

        for (; i < CALL_COUNTS_CODES && counts->codes[i]; i++)
                if (counts->codes[i]->status == status)
                        return counts->codes[i];
        if (i == CALL_COUNTS_CODES)
                return counts->codes[i - 1];
        counts->codes[i] = calloc(1, sizeof(*counts->codes[i]));
        if (counts->codes[i])
                counts->codes[i]->status = i < CALL_COUNTS_CODES - 1 ? status : OTHER;
        return counts->codes[i];
}

void call_counts_end(struct call_counts *counts, unsigned status, uint64_t took_ns) {
        struct call_code *code = code_of(counts, status ? status : CALL_STATUS_GONE);
        uint64_t usec = took_ns / NSEC_PER_USEC;

        counts->ended++;
        if (!code)
                return;
        code->calls++;
        code->sum_usec += usec;
        for (unsigned i = 0; i < CALL_COUNTS_BUCKETS; i++) {
                if (usec > bounds[i].most_usec)
                        continue;
                code->buckets[i]++;
                return;
        }
}

void call_counts_buckets(const struct call_counts *counts,
                         uint64_t ret[static CALL_COUNTS_BUCKETS + 1]) {
        for (unsigned b = 0; b <= CALL_COUNTS_BUCKETS; b++)
                ret[b] = 0;
        for (unsigned i = 0; i < CALL_COUNTS_CODES && counts->codes[i]; i++) {
                uint64_t longer = counts->codes[i]->calls;

                for (unsigned b = 0; b < CALL_COUNTS_BUCKETS; b++) {
                        ret[b] += counts->codes[i]->buckets[b];
                        longer -= counts->codes[i]->buckets[b];
                }
                ret[CALL_COUNTS_BUCKETS] += longer;
        }
}

uint64_t call_counts_quantile(const uint64_t buckets[static CALL_COUNTS_BUCKETS + 1],
                              unsigned percent) {
        uint64_t all = 0, before = 0, from = 0;
        double rank;

        for (unsigned b = 0; b <= CALL_COUNTS_BUCKETS; b++)
                all += buckets[b];
        rank = (double)all * percent / 100;
        for (unsigned b = 0; b < CALL_COUNTS_BUCKETS && all > 0; b++) {
                uint64_t to = bounds[b].most_usec;

                if (buckets[b] > 0 && (double)(before + buckets[b]) >= rank)
                        return from + (uint64_t)((double)(to - from) * (rank - (double)before) /
                                                 (double)buckets[b]);
                before += buckets[b];
                from = to;
        }
        return from;
}

static void labels_of(const struct call_code *code, const char *name, char *dst, size_t size) {
        char status[12] = "other";

        if (code->status != OTHER)
                (void)snprintf(status, sizeof(status), "%u", code->status);
        (void)snprintf(dst, size, "code=\"%s\",function_name=\"%s\"", status, name);
}

void call_counts_print_total(const struct call_counts *counts, const char *name, struct buf *out) {
        char labels[192];

        for (unsigned i = 0; i < CALL_COUNTS_CODES && counts->codes[i]; i++) {
                labels_of(counts->codes[i], name, labels, sizeof(labels));
                (void)buf_printf(out, "gateway_function_invocation_total{%s} %llu\n", labels,
                                 (unsigned long long)counts->codes[i]->calls);
        }
}

static void print_histogram(const struct call_code *code, const char *labels, struct buf *out) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < CALL_COUNTS_BUCKETS; i++) {
                sum += code->buckets[i];
                (void)buf_printf(out, "gateway_functions_seconds_bucket{%s,le=\"%s\"} %llu\n",
                                 labels, bounds[i].text, (unsigned long long)sum);
        }
        (void)buf_printf(out,
                         "gateway_functions_seconds_bucket{%s,le=\"+Inf\"} %llu\n"
                         "gateway_functions_seconds_sum{%s} %llu.%06llu\n"
                         "gateway_functions_seconds_count{%s} %llu\n",
                         labels, (unsigned long long)code->calls, labels,
                         (unsigned long long)(code->sum_usec / USEC_PER_SEC),
                         (unsigned long long)(code->sum_usec % USEC_PER_SEC), labels,
                         (unsigned long long)code->calls);
}

void call_counts_print_seconds(const struct call_counts *counts, const char *name,
                               struct buf *out) {
        char labels[192];

        for (unsigned i = 0; i < CALL_COUNTS_CODES && counts->codes[i]; i++) {
                labels_of(counts->codes[i], name, labels, sizeof(labels));
                print_histogram(counts->codes[i], labels, out);
        }
}
