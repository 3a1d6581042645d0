/* shout - a function for the lab: its input in capitals. */
#include <ctype.h>
#include <stdio.h>

int main(void) {
        int c;

        while ((c = getchar()) != EOF)
                putchar(toupper(c));
        return fflush(stdout) == 0 ? 0 : 1;
}
