/* hello - says where it runs, then what it was told. */
#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int hello_main(void) {
        const char *mode = getenv("mode");
        char text[INPUT_BYTES + 1];
        size_t n = read_input(text);

        printf("Hello from %s, mode %s.\n", board_name(), mode && mode[0] ? mode : "classic");
        if (n > 0)
                printf("You said: %s\n", text);
        return 0;
}

/* A line five times, so that one sees them come. */
int hello_streaming_main(void) {
        const struct timespec pause = { .tv_nsec = 200L * 1000 * 1000 };
        char text[INPUT_BYTES + 1];
        size_t n = read_input(text);

        for (int i = 1; i <= 5; i++) {
                printf("%d: hello from %s%s%s\n", i, board_name(), n > 0 ? ": " : "", text);
                (void)fflush(stdout);
                if (i < 5)
                        (void)nanosleep(&pause, NULL);
        }
        return 0;
}
