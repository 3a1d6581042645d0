#include "core/call_limits.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

void call_limits_init(struct call_limits *l) {
        *l = (struct call_limits){ .queue = CALL_LIMITS_QUEUE_DEFAULT };
}

/* The milliseconds of the unit at the front of 'text', and how long its name is. */
static uint64_t unit_at(const char *text, size_t *ret_len) {
        static const struct {
                const char *name;
                uint64_t ms;
        } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 } };

        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (!str_starts(text, units[i].name))
                        continue;
                *ret_len = strlen(units[i].name);
                return units[i].ms;
        }
        return 0;
}

int call_limits_seconds(const char *text, uint32_t max, uint32_t *ret) {
        uint64_t total_ms = 0, bare;

        if (str_to_u64(text, UINT32_MAX, &bare) == 0) {
                total_ms = bare * 1000;
                text = "";
        } else if (!text[0]) {
                return -EINVAL;
        }
        while (*text) {
                size_t digits = strspn(text, "0123456789"), unit_len = 0;
                uint64_t n = 0, unit = unit_at(text + digits, &unit_len);

                if (digits == 0 || digits > 9 || unit == 0)
                        return -EINVAL;
                for (size_t i = 0; i < digits; i++)
                        n = n * 10 + (uint64_t)(text[i] - '0');
                total_ms += n * unit; /* below 10^9 * 3.6 * 10^6 each */
                if (total_ms > (uint64_t)max * 1000)
                        return -ERANGE;
                text += digits + unit_len;
        }
        if (total_ms == 0 || total_ms > (uint64_t)max * 1000)
                return -ERANGE;
        *ret = (uint32_t)((total_ms + 999) / 1000);
        return 0;
}

static int take_number(const char *key, const char *value, uint32_t max, uint32_t *ret,
                       struct fail *f) {
        uint64_t n;

        if (str_to_u64(value, max, &n) < 0)
                return fail(f, -EINVAL, "%s: '%.20s' is no number from 0 to %u", key, value, max);
        *ret = (uint32_t)n;
        return 1;
}

int call_limits_take(struct call_limits *l, const char *key, const char *value, struct fail *f) {
        if (str_eq(key, CALL_LIMITS_CONCURRENCY))
                return take_number(key, value, CALL_LIMITS_CONCURRENCY_MAX, &l->concurrency, f);
        if (str_eq(key, CALL_LIMITS_QUEUE))
                return take_number(key, value, CALL_LIMITS_QUEUE_MAX, &l->queue, f);
        if (!str_eq(key, CALL_LIMITS_TIMEOUT))
                return 0;
        if (call_limits_seconds(value, CALL_LIMITS_TIMEOUT_MAX, &l->timeout_s) < 0)
                return fail(f, -EINVAL,
                            "%s: '%.20s' is no duration from 1s to 24h (like 90s or 5m)", key,
                            value);
        return 1;
}
