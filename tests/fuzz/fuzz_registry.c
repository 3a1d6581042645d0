/* fuzz_registry - challenges and references: what comes out is bounded text, and a reference can be
 * put together again. */
#include "base/str.h"
#include "core/image_name.h"
#include "core/registry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct registry_challenge c = { 0 };
        struct registry_reference r;
        char *text = malloc(size + 1), full[SIZE_IMAGE], again[3 * SIZE_IMAGE];

        if (!text)
                abort();
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        if (registry_challenge(text, size, &c) == 0 &&
            (strlen(c.realm) >= REGISTRY_FIELD || (c.scheme == REGISTRY_BEARER && !c.realm[0]) ||
             strchr(c.realm, '\n')))
                abort();
        if (image_name_normalise(text, full) == 0) {
                if (registry_reference(full, &r) < 0)
                        abort();
                (void)snprintf(again, sizeof(again), "%s/%s%c%s", r.host, r.repository,
                               str_starts(r.reference, "sha256:") ? '@' : ':', r.reference);
                if (!strchr(full, '@') && strcmp(again, full) != 0)
                        abort();
        }
        (void)registry_is_loopback(text);
        (void)registry_entry_is(text, "docker.io");
        free(text);
        return 0;
}
