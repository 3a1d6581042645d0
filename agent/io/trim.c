#include "io/trim.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct mapping {
        uintptr_t start, end;
        bool code_or_constant; /* of a file, and not writable */
        bool dirty;            /* pages that differ from the file: relocated addresses */
};

static void drop(const struct mapping *m) {
        if (m->code_or_constant && !m->dirty)
                (void)madvise((void *)m->start, m->end - m->start, MADV_DONTNEED);
}

void trim_program(void) {
        FILE *smaps = fopen("/proc/self/smaps", "re");
        char line[512], mode[8], path[256];
        struct mapping m = { 0 };
        unsigned long dirty_kb;

        (void)malloc_trim(0);
        if (!smaps)
                return;
        while (fgets(line, sizeof(line), smaps)) {
                uintptr_t start, end;

                if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %*s %255s", &start, &end,
                           mode, path) == 4) {
                        drop(&m);
                        m = (struct mapping){ .start = start, .end = end };
                        m.code_or_constant = path[0] == '/' && mode[0] == 'r' && mode[1] == '-' &&
                                             mode[3] == 'p';
                } else if (sscanf(line, "%255[^:]: %lu kB", path, &dirty_kb) == 2 && dirty_kb > 0 &&
                           (strcmp(path, "Private_Dirty") == 0 ||
                            strcmp(path, "Shared_Dirty") == 0 || strcmp(path, "Anonymous") == 0 ||
                            strcmp(path, "Swap") == 0)) {
                        m.dirty = true;
                }
        }
        drop(&m);
        (void)fclose(smaps);
}
