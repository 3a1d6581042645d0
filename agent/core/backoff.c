#include "core/backoff.h"

void backoff_started(struct backoff *b, usec_t now) {
        b->started = now;
}

usec_t backoff_ended(struct backoff *b, usec_t now) {
        usec_t wait = BACKOFF_FIRST_USEC;

        if (b->started && usec_sub(now, b->started) >= BACKOFF_GOOD_USEC) {
                b->failures = 0;
                b->started = 0;
                return 0;
        }
        b->started = 0;
        for (uint16_t i = 0; i < b->failures && wait < BACKOFF_MOST_USEC; i++)
                wait *= 2;
        if (b->failures < UINT16_MAX)
                b->failures++;
        return wait < BACKOFF_MOST_USEC ? wait : BACKOFF_MOST_USEC;
}
