/* An image's configuration, and the spec that is written from it. */
#include "fuzz.h"

#include "base/str.h"
#include "core/image_name.h"
#include "io/json.h"
#include "io/oci_config.h"
#include "io/oci_spec.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct container_spec spec = { .id = "f-1",
                                                    .group = "f",
                                                    .hostname = "f",
                                                    .watchdog = "/fwatchdog",
                                                    .memory_bytes = 1 << 20,
                                                    .cpu_millicores = 100 };
        static const struct container_host host = { .cgroup_v2 = true, .memory = true };
        static const struct oci_user user = { .uid = 1 };
        struct oci_config c;
        struct fail f = { 0 };

        if (oci_config_parse(data, size, &c, &f) == 0) {
                const struct oci_spec s = {
                        .spec = &spec, .config = &c, .user = &user, .host = &host
                };
                char *text = NULL;

                fuzz_took = true;
                assert(c.working_dir[0] == '/');
                assert(!c.chain_id[0] || image_digest_valid(c.chain_id));
                if (oci_spec_write(&s, &text, &f) == 0) {
                        cJSON *json = cJSON_Parse(text);

                        assert(cJSON_IsObject(json));
                        cJSON_Delete(json);
                        free(text);
                }
        }
        oci_config_done(&c);
        return 0;
}
