/* env - says its environment: what the deployment set, and what the watchdog says of the call. */
#include "functions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int env_main(void) {
        size_t n = 0;

        while (environ[n])
                n++;
        qsort(environ, n, sizeof(environ[0]), compare);
        for (size_t i = 0; i < n; i++)
                puts(environ[i]);
        return 0;
}
