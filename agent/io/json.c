#include "io/json.h"

#include "base/str.h"
#include "core/limits.h"

#include <errno.h>
#include <string.h>

enum { TOP_KEYS = 256 };

/* What cJSON would take and we do not: 1,000 levels, which is a deep recursion on a small stack,
 * and an escaped NUL, at which every reader of a string would think that it ends.  0 or an errno.
 */
static int scan(const char *text, size_t len) {
        bool quoted = false;
        int depth = 0;

        for (size_t i = 0; i < len; i++) {
                if (quoted) {
                        if (text[i] == '\\' && len - i > 5 && memcmp(text + i + 1, "u0000", 5) == 0)
                                return -EILSEQ;
                        if (text[i] == '\\')
                                i++;
                        else if (text[i] == '"')
                                quoted = false;
                } else if (text[i] == '"') {
                        quoted = true;
                } else if (text[i] == '{' || text[i] == '[') {
                        if (++depth > LIMIT_JSON_DEPTH)
                                return -EMLINK;
                } else if (text[i] == '}' || text[i] == ']') {
                        depth--;
                }
        }
        return 0;
}

int json_parse_object(const char *text, size_t len, cJSON **ret, struct fail *f) {
        const char *end = NULL;
        cJSON *o;
        int r;

        if (len > LIMIT_FRAME_BYTES)
                return fail(f, -E2BIG, "the JSON is larger than %d KB", LIMIT_FRAME_BYTES / 1024);
        r = scan(text, len);
        if (r == -EILSEQ || memchr(text, '\0', len))
                return fail(f, -EINVAL, "the JSON holds a NUL byte");
        if (r < 0)
                return fail(f, -EINVAL, "the JSON is nested deeper than %d levels",
                            LIMIT_JSON_DEPTH);
        o = cJSON_ParseWithLengthOpts(text, len, &end, false);
        if (!o) {
                size_t at = end ? (size_t)(end - text) : 0;

                return fail(f, -EINVAL, "this is no JSON (byte %zu)", at < len ? at : len);
        }
        while (end < text + len && strchr(" \t\r\n", *end))
                end++;
        if (!cJSON_IsObject(o) || end != text + len || cJSON_GetArraySize(o) > TOP_KEYS) {
                cJSON_Delete(o);
                return fail(f, -EINVAL, "one JSON object of at most %d keys is wanted here",
                            TOP_KEYS);
        }
        for (const cJSON *a = o->child; a; a = a->next) {
                for (const cJSON *b = a->next; b; b = b->next) {
                        if (!str_eq(a->string, b->string))
                                continue;
                        (void)fail(f, -EINVAL, "the JSON says '%.40s' twice", a->string);
                        cJSON_Delete(o);
                        return -EINVAL;
                }
        }
        *ret = o;
        return 0;
}

const char *json_text(const cJSON *o, const char *key, const char *fallback) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        return cJSON_IsString(v) ? v->valuestring : fallback;
}

bool json_bool(const cJSON *o, const char *key) {
        return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, key));
}

int json_number(const cJSON *o, const char *key, uint64_t max, uint64_t *ret) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

        if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) || v->valuedouble > (double)max ||
            v->valuedouble > 9007199254740992.0 || /* 2^53: beyond it doubles have holes */
            v->valuedouble != (double)(uint64_t)v->valuedouble)
                return -EINVAL;
        *ret = (uint64_t)v->valuedouble;
        return 0;
}

void json_wipe(cJSON *o) {
        for (; o; o = o->next) {
                if (o->valuestring && !(o->type & cJSON_IsReference))
                        explicit_bzero(o->valuestring, strlen(o->valuestring));
                if (!(o->type & cJSON_IsReference))
                        json_wipe(o->child);
        }
}
