/* Whatever a request says, its path stays below the root and each part of a file inside of it; a
 * date that is read prints as it was. */
#include "core/http_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *p) {
        size_t len = strlen(p), part = 0;

        if (p[0] == '/' || len > HTTP_FILE_PATH - 1)
                abort();
        for (size_t i = 0; i <= len; i++) {
                size_t n = i - part;

                if (p[i] != '/' && p[i] != '\0')
                        continue;
                if (n == 0 && p[i] == '/')
                        abort();
                if ((n == 1 && p[part] == '.') || (n == 2 && memcmp(p + part, "..", 2) == 0))
                        abort();
                part = i + 1;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint64_t sizes[] = { 0, 1, 1000, UINT64_MAX };
        struct http_text t = { (const char *)data, size };
        char path[HTTP_FILE_PATH], again[HTTP_DATE];
        uint64_t from, length;
        int64_t seconds;

        if (http_file_path(&t, path) == 0) {
                check_path(path);
                if (!http_file_type(path))
                        abort();
        }
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                if (http_range(&t, sizes[i], &from, &length) == HTTP_RANGE_PART &&
                    (length == 0 || from >= sizes[i] || length > sizes[i] - from))
                        abort();
        if (http_date_read(&t, &seconds) == 0) {
                http_date_print(seconds, again);
                if (memcmp(again, data, size) != 0)
                        abort();
        }
        return 0;
}
