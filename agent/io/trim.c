#include "io/trim.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

void trim_after_start(void) {
        FILE *maps = fopen("/proc/self/maps", "re");
        char line[512], mode[8], path[256];
        uintptr_t start, end;

        (void)malloc_trim(0);
        if (!maps)
                return;
        while (fgets(line, sizeof(line), maps)) {
                if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %255s", &start, &end,
                           mode, path) != 4)
                        continue;
                /* Code only: no page of it is ever written, so nothing can be lost. */
                if (strcmp(mode, "r-xp") == 0 && path[0] == '/')
                        (void)madvise((void *)start, end - start, MADV_DONTNEED);
        }
        (void)fclose(maps);
}
