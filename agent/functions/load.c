/* load - burns CPU for a while and says on which board: what one calls many times at once to see a
 * bramble work.  ?ms=N or N as the body; 200 where neither is there, at most a minute. */
#include "functions.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { USUAL_MS = 200, MOST_MS = 60 * 1000, STEP = 10000 };

static uint64_t spent_ns(clockid_t clock) {
        struct timespec t;

        (void)clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

int load_main(void) {
        char text[INPUT_BYTES + 1], host[65] = "?";
        uint64_t begin = spent_ns(CLOCK_MONOTONIC), rounds = 0, x = 88172645463325252U;
        unsigned ms = query_number("ms", MOST_MS, 0);

        if (ms == 0 && read_input(text) > 0)
                ms = (unsigned)strtoul(text, NULL, 10);
        if (ms == 0 || ms > MOST_MS)
                ms = USUAL_MS;
        while (spent_ns(CLOCK_PROCESS_CPUTIME_ID) < ms * UINT64_C(1000000)) {
                for (int i = 0; i < STEP; i++) { /* xorshift64 (Marsaglia 2003) */
                        x ^= x << 13;
                        x ^= x >> 7;
                        x ^= x << 17;
                }
                rounds += STEP;
        }
        (void)gethostname(host, sizeof(host) - 1);
        /* the number's last digit depends on all rounds, so they cannot be left out */
        printf("%s (%s): %u ms of CPU in %llu ms, %llu thousand rounds, %llu\n", board_name(), host,
               ms, (unsigned long long)((spent_ns(CLOCK_MONOTONIC) - begin) / 1000000U),
               (unsigned long long)(rounds / 1000), (unsigned long long)(x % 10));
        return 0;
}
