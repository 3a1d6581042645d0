/* Any request that parses makes an environment whose lines all are Http_NAME=VALUE, no more of them
 * than it has headers and the fixed ones, and all inside of its memory. */
#include "fuzz.h"

#include "core/http_environment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static char path[] = "PATH=/bin";
        static char *own[] = { path, NULL };
        struct http_head head;
        size_t scanned = 0, n = 0;
        char **env;

        if (http_parse_request((const char *)data, size, &scanned, &head) <= 0)
                return 0;
        fuzz_took = true;
        if (http_environment_make(own, &head, &env) < 0)
                abort();
        if (env[0] != path)
                abort();
        for (n = 1; env[n]; n++)
                if (strncmp(env[n], "Http_", 5) != 0 || !strchr(env[n], '='))
                        abort();
        if (n > 1 + 6 + head.n_headers)
                abort();
        free(env);
        return 0;
}
