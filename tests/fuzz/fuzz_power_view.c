#include "fuzz.h"

#include "daemon/power_private.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

/* Whatever is read is written, and read again, as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct power_view v, again;
        cJSON *o = NULL, *copy;

        if (json_parse_object((const char *)data, size, &o, NULL) < 0)
                return 0;
        if (power_view_read(o, &v) == 0) {
                fuzz_took = true;
                copy = power_view_json(&v);
                if (power_view_read(copy, &again) < 0) {
                        if (v.id) /* none has no phase */
                                abort();
                } else if (again.n != v.n || again.id != v.id || again.phase != v.phase ||
                           memcmp(again.rows, v.rows, v.n * sizeof(v.rows[0])) != 0) {
                        abort();
                }
                cJSON_Delete(copy);
        }
        cJSON_Delete(o);
        return 0;
}
