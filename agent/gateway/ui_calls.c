#include "gateway/ui_calls.h"

#include "base/str.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

struct ui_calls *ui_calls_of(struct ui_state *s, const char *name, const char *namespace) {
        struct ui_calls *c;

        for (size_t i = 0; i < s->n_calls; i++) {
                c = &s->calls[i];
                if (!str_eq(c->name, name) || !str_eq(c->namespace, namespace))
                        continue;
                c->seen = true;
                return c;
        }
        if (s->n_calls == s->calls_capacity) {
                size_t want = s->calls_capacity ? s->calls_capacity * 2 : 8;

                if (s->n_calls >= LIMIT_FUNCTIONS)
                        return NULL;
                c = reallocarray(s->calls, want, sizeof(*c));
                if (!c)
                        return NULL;
                s->calls = c;
                s->calls_capacity = want;
        }
        c = &s->calls[s->n_calls];
        *c = (struct ui_calls){ .seen = true };
        if (str_copy(c->name, sizeof(c->name), name) < 0 ||
            str_copy(c->namespace, sizeof(c->namespace), namespace) < 0)
                return NULL;
        s->n_calls++;
        return c;
}

void ui_calls_sweep(struct ui_state *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_calls; i++) {
                if (!s->calls[i].seen)
                        continue;
                if (n != i)
                        s->calls[n] = s->calls[i];
                s->calls[n++].seen = false;
        }
        s->n_calls = n;
}

static void sample_total(struct ui_calls *c, uint64_t now_ms, uint64_t total) {
        if (c->n > 0 && total < c->samples[c->n - 1].calls)
                c->n = 0; /* deployed anew, or another leader that knows less */
        if (c->n == UI_RATE_SAMPLES) {
                memmove(&c->samples[0], &c->samples[1],
                        (UI_RATE_SAMPLES - 1) * sizeof(c->samples[0]));
                c->n--;
        }
        c->samples[c->n].at_ms = now_ms;
        c->samples[c->n].calls = total;
        c->n++;
}

void ui_calls_sample(struct ui_calls *c, uint64_t now_ms, uint64_t total,
                     const struct function *fn) {
        sample_total(c, now_ms, total);
        if (!fn || (c->window_ms && now_ms - c->window_ms < UI_LATENCY_WINDOW_MS))
                return;
        if (c->window_ms)
                memcpy(c->older, c->younger, sizeof(c->older));
        else
                call_counts_buckets(&fn->counts, c->older);
        call_counts_buckets(&fn->counts, c->younger);
        c->window_ms = now_ms;
}

double ui_calls_rate(const struct ui_calls *c) {
        uint64_t ms, calls;

        if (c->n < 2)
                return -1;
        ms = c->samples[c->n - 1].at_ms - c->samples[0].at_ms;
        calls = c->samples[c->n - 1].calls - c->samples[0].calls;
        return ms ? (double)calls * 1000 / (double)ms : -1;
}

bool ui_calls_latency(const struct ui_calls *c, const struct function *fn, uint64_t *ret_p50_usec,
                      uint64_t *ret_p99_usec) {
        uint64_t since[CALL_COUNTS_BUCKETS + 1], n = 0;

        if (!fn || !c->window_ms)
                return false;
        call_counts_buckets(&fn->counts, since);
        for (unsigned i = 0; i <= CALL_COUNTS_BUCKETS; i++) {
                since[i] -= c->older[i] < since[i] ? c->older[i] : since[i];
                n += since[i];
        }
        if (n == 0)
                return false;
        *ret_p50_usec = call_counts_quantile(since, 50);
        *ret_p99_usec = call_counts_quantile(since, 99);
        return true;
}
