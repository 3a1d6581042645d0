/* crash - a function for the lab that should be a server and cannot start: says so and ends. */
#include <stdio.h>

int main(void) {
        fputs("crash: no way to start\n", stderr);
        return 1;
}
