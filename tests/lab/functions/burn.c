/* burn - a function for the lab that is nothing but work: some milliseconds of one core, then a
 * number. */
#include <stdint.h>
#include <stdio.h>

int main(void) {
        uint64_t x = 88172645463325252;

        for (unsigned i = 0; i < 2000000; i++) { /* xorshift64 */
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
        }
        printf("%llu\n", (unsigned long long)x);
        return 0;
}
