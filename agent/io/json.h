/* json - cJSON with bounds: sizes, depth, and the types that a caller expects. */
#ifndef BRAMBLE_IO_JSON_H
#define BRAMBLE_IO_JSON_H

#include "base/fail.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void json_delete(cJSON **o) {
        cJSON_Delete(*o);
}
#define auto_json __attribute__((cleanup(json_delete)))

/* Parses one object from 'len' bytes with nothing behind it.  -EINVAL (also for nesting deeper
 * than LIMIT_JSON_DEPTH, NUL bytes and repeated keys at the top), -E2BIG above LIMIT_FRAME_BYTES.
 */
int json_parse_object(const char *text, size_t len, cJSON **ret, struct fail *f);

/* Fields of an object; the fallback where the key is missing or of another type. */
const char *json_text(const cJSON *o, const char *key, const char *fallback);
bool json_bool(const cJSON *o, const char *key);
/* -EINVAL unless it is a whole number from 0 to 'max'. */
int json_number(const cJSON *o, const char *key, uint64_t max, uint64_t *ret);

/* Overwrites every string below 'o' (may be NULL), which is about to be deleted. */
void json_wipe(cJSON *o);

#endif
