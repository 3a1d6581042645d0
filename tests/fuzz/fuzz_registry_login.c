/* fuzz_registry_login - files like docker's config.json: what is taken is a user or a token. */
#include "fuzz.h"

#include "io/registry_login.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct registry_login l;
        struct fail f = { 0 };

        fuzz_took = registry_login_parse((const char *)data, size, "docker.io", &l, &f) == 0;
        if (fuzz_took && !l.user[0] && !l.identity[0])
                abort();
        return 0;
}
