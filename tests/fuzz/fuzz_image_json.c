/* fuzz_image_json - every document of an image, from any bytes. */
#include "fuzz.h"

#include "io/image_json.h"

#include <stdlib.h>

static void config_and_archive(const uint8_t *data, size_t size) {
        static struct image_config config;
        struct image_archive archive = { 0 };

        if (image_json_config(data, size, &config, NULL) == 0 && config.n_layers > 0 &&
            !image_digest_valid(config.diff_ids[config.n_layers - 1]))
                abort();
        if (image_json_archive(data, size, &archive, NULL) == 0 && archive.n > IMAGE_ARCHIVED)
                abort();
        image_archive_done(&archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct image_index index;
        static struct image_manifest manifest;
        enum image_kind kind;

        fuzz_took = image_json_kind(data, size, &kind, NULL) == 0;
        if (image_json_index(data, size, &index, NULL) == 0)
                for (uint32_t i = 0; i < index.n; i++)
                        if (!image_digest_valid(index.items[i].blob.digest))
                                abort();
        if (image_json_manifest(data, size, &manifest, NULL) == 0)
                for (uint32_t i = 0; i < manifest.n_layers; i++)
                        if (!image_digest_valid(manifest.layers[i].digest))
                                abort();
        config_and_archive(data, size);
        return 0;
}
