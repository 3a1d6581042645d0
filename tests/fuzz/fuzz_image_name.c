/* fuzz_image_name - what is a reference is one again in its full form, and stays as it is. */
#include "fuzz.h"

#include "core/image_name.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char full[SIZE_IMAGE], again[SIZE_IMAGE];
        struct image_platform p = { "linux", "arm", "" };
        char *text = malloc(size + 1);

        if (!text)
                abort();
        if (size)
                memcpy(text, data, size);
        text[size] = '\0';
        fuzz_took = image_name_normalise(text, full) == 0;
        if (fuzz_took && (image_name_normalise(full, again) < 0 || strcmp(full, again) != 0 ||
                          strstr(full, "/.") || strchr(full, ' ')))
                abort();
        (void)image_name_is_name(text);
        (void)image_digest_valid(text);
        (void)strncpy(p.variant, text, sizeof(p.variant) - 1);
        (void)image_platform_rank(text, 32, &p);
        free(text);
        return 0;
}
