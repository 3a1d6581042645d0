/* fuzz_tar - any bytes, in pieces of any size: no path that leads out, no more data than announced.
 */
#include "core/tar.h"

#include "base/scope.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void path_is_clean(const char *path) {
        if (path[0] == '/' || strstr(path, "//") || strncmp(path, "../", 3) == 0 ||
            strstr(path, "/../") || strcmp(path, "..") == 0 || strlen(path) >= SIZE_TAR_PATH)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct tar t; /* 67 kB */
        size_t piece = size ? 1 + data[0] * 3 : 1;
        uint64_t left_of_entry = 0;
        int r = 0;

        tar_init(&t);
        for (size_t at = 0; r >= 0 && at < size; at += piece) {
                size_t left = size - at < piece ? size - at : piece, n = 0;
                const void *p = data + at, *view = NULL;

                while ((r = tar_next(&t, &p, &left, &view, &n)) > TAR_MORE) {
                        char target[SIZE_TAR_PATH];

                        if (r == TAR_ENTRY) {
                                path_is_clean(tar_entry(&t)->path);
                                if (tar_resolve(tar_entry(&t), target) == 0)
                                        path_is_clean(target);
                                left_of_entry = tar_entry(&t)->size;
                        } else if (r == TAR_DATA) {
                                if (n == 0 || n > left_of_entry)
                                        abort();
                                left_of_entry -= n;
                        } else if (r == TAR_DONE && tar_entry(&t)->kind == TAR_FILE) {
                                if (left_of_entry != 0)
                                        abort();
                        }
                }
        }
        (void)tar_complete(&t);
        return 0;
}
