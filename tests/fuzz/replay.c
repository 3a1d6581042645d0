/* replay CORPUS [VALID] - runs a fuzz target over every file of its corpus; libFuzzer brings its
 * own main.  VALID has the names of the seeds that the target must take, one a line; it must refuse
 * all others: a seed that a new format made stale would test no more than that it is refused. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 256 };

static char *valid[SEEDS]; /* names, NULL once they were found */
static size_t n_valid;

static int read_valid(const char *path) {
        FILE *f = fopen(path, "re");
        char *line = NULL;
        size_t size = 0;

        if (!f) {
                perror(path);
                return -1;
        }
        while (getline(&line, &size, f) > 0) {
                line[strcspn(line, "\n")] = '\0';
                if (line[0] && n_valid < SEEDS)
                        valid[n_valid++] = strdup(line);
        }
        free(line);
        (void)fclose(f);
        return 0;
}

static bool is_valid(const char *name) {
        for (size_t i = 0; i < n_valid; i++)
                if (valid[i] && strcmp(valid[i], name) == 0) {
                        free(valid[i]);
                        valid[i] = NULL;
                        return true;
                }
        return false;
}

static int replay(const char *dir, const char *name) {
        char path[4096];
        uint8_t *data;
        size_t size;
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "re");
        if (!f) {
                perror(path);
                return 1;
        }
        data = malloc(1 << 20);
        if (!data)
                abort();
        size = fread(data, 1, 1 << 20, f);
        (void)fclose(f);
        /* exactly 'size' bytes, so that the sanitizer sees the first byte read too many */
        data = realloc(data, size ? size : 1);
        fuzz_took = false;
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
        return 0;
}

int main(int argc, char **argv) {
        struct dirent *entry;
        unsigned files = 0;
        int failed = 0;
        DIR *dir;

        if (argc < 2 || argc > 3 || !(dir = opendir(argv[1]))) {
                fprintf(stderr, "usage: %s CORPUS-FOLDER [FILE]\n", argv[0]);
                return 2;
        }
        if (argc == 3 && read_valid(argv[2]) < 0)
                return 2;
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                failed |= replay(argv[1], entry->d_name);
                files++;
                if (argc == 3 && is_valid(entry->d_name) != fuzz_took) {
                        printf("%s/%s: was %s, and %s says otherwise\n", argv[1], entry->d_name,
                               fuzz_took ? "taken" : "refused", argv[2]);
                        failed = 1;
                }
        }
        (void)closedir(dir);
        for (size_t i = 0; i < n_valid; i++)
                if (valid[i]) {
                        printf("%s: there is no seed '%s'\n", argv[2], valid[i]);
                        free(valid[i]);
                        failed = 1;
                }
        printf("%u inputs\n", files);
        return failed || files == 0; /* an empty corpus checks nothing */
}
