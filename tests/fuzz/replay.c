/* replay - runs a fuzz target over every file of its corpus; libFuzzer brings its own main. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
        (void)LLVMFuzzerTestOneInput(data, size);
        free(data);
        return 0;
}

int main(int argc, char **argv) {
        struct dirent *entry;
        unsigned files = 0;
        int failed = 0;
        DIR *dir;

        if (argc != 2 || !(dir = opendir(argv[1]))) {
                fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
                return 2;
        }
        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                failed |= replay(argv[1], entry->d_name);
                files++;
        }
        (void)closedir(dir);
        printf("%u inputs\n", files);
        return failed || files == 0; /* an empty corpus checks nothing */
}
