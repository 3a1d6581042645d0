/* wordcount - a function for the lab: lines, words and bytes of its input, as wc(1) says them. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>

int main(void) {
        unsigned long lines = 0, words = 0, bytes = 0;
        bool inside = false;
        int c;

        while ((c = getchar()) != EOF) {
                bytes++;
                if (c == '\n')
                        lines++;
                if (isspace(c)) {
                        inside = false;
                } else if (!inside) {
                        inside = true;
                        words++;
                }
        }
        return printf("%lu %lu %lu\n", lines, words, bytes) > 0 ? 0 : 1;
}
