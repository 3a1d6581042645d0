#include "core/retry.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

struct retry_policy retry_default(void) {
        return (struct retry_policy){
                .attempts = RETRY_ATTEMPTS,
                .min_wait_usec = RETRY_MIN_WAIT_USEC,
                .max_wait_usec = RETRY_MAX_WAIT_USEC,
                .n_codes = 6,
                .codes = { 408, 429, 500, 502, 503, 504 },
        };
}

/* ---- annotations ------------------------------------------------------------------------------
 */

static int set_attempts(struct retry_policy *p, const char *value) {
        uint64_t n;

        if (str_to_u64(value, RETRY_MOST_ATTEMPTS, &n) < 0 || n == 0)
                return -EINVAL;
        p->attempts = (uint32_t)n;
        return 0;
}

static int set_codes(struct retry_policy *p, const char *value) {
        struct retry_policy next = *p;

        next.n_codes = 0;
        while (*value) {
                size_t len = strcspn(value, ","), from = strspn(value, " ");
                char digits[4];
                uint64_t code;

                while (len > from && value[len - 1] == ' ')
                        len--;
                if (len < from || next.n_codes == RETRY_CODES ||
                    str_copy_n(digits, sizeof(digits), value + from, len - from) < 0 ||
                    str_to_u64(digits, 599, &code) < 0 || code < 100)
                        return -EINVAL;
                next.codes[next.n_codes++] = (uint16_t)code;
                value += strcspn(value, ",");
                value += *value == ',';
        }
        *p = next;
        return 0;
}

/* The unit at 'text'; its length, 0 where there is none. */
static size_t unit_at(const char *text, usec_t *ret) {
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = { { "ms", USEC_PER_MSEC },
                      { "s", USEC_PER_SEC },
                      { "m", USEC_PER_MIN },
                      { "h", USEC_PER_HOUR } };

        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (!str_starts(text, units[i].name))
                        continue;
                *ret = units[i].usec;
                return strlen(units[i].name);
        }
        return 0;
}

static int set_duration(usec_t *field, const char *value) {
        usec_t sum = 0, unit = USEC_PER_SEC;
        bool bare = value[strspn(value, "0123456789")] == '\0';

        if (!*value)
                return -EINVAL;
        while (*value) {
                size_t n = strspn(value, "0123456789");
                char digits[12];
                uint64_t number;

                if (n == 0 || str_copy_n(digits, sizeof(digits), value, n) < 0 ||
                    str_to_u64(digits, UINT32_MAX, &number) < 0)
                        return -EINVAL;
                value += n;
                n = bare ? 0 : unit_at(value, &unit);
                if (n == 0 && !bare)
                        return -EINVAL;
                value += n;
                sum += number * unit;
        }
        if (sum > RETRY_MOST_USEC)
                return -EINVAL;
        *field = sum;
        return 0;
}

static int set_min_wait(struct retry_policy *p, const char *value) {
        return set_duration(&p->min_wait_usec, value);
}

static int set_max_wait(struct retry_policy *p, const char *value) {
        return set_duration(&p->max_wait_usec, value);
}

int retry_annotation(struct retry_policy *p, const char *key, const char *value, struct fail *f) {
        static const struct {
                const char *key, *wanted;
                int (*set)(struct retry_policy *p, const char *value);
        } keys[] = {
                { "com.openfaas.retry.attempts", "a number from 1 to 1000", set_attempts },
                { "com.openfaas.retry.codes", "up to 16 statuses, such as 429,503", set_codes },
                { "com.openfaas.retry.min_wait", "a time up to 24h, such as 10s", set_min_wait },
                { "com.openfaas.retry.max_wait", "a time up to 24h, such as 1m30s", set_max_wait },
        };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                if (!str_eq(key, keys[i].key))
                        continue;
                if (keys[i].set(p, value) < 0)
                        return fail(f, -EINVAL, "the annotation %s is '%.40s', but has to be %s",
                                    key, value, keys[i].wanted);
                return 0;
        }
        return -ENOENT;
}

/* ---- deciding ---------------------------------------------------------------------------------
 */

static bool is_listed(const struct retry_policy *p, uint16_t status) {
        for (size_t i = 0; i < p->n_codes; i++)
                if (p->codes[i] == status)
                        return true;
        return false;
}

bool retry_again(const struct retry_policy *p, uint32_t made, const struct retry_answer *a,
                 usec_t *ret_wait) {
        usec_t wait = p->min_wait_usec;

        if (made >= p->attempts || a->status < 400 || !(a->own || is_listed(p, a->status)))
                return false;
        for (uint32_t i = 1; i < made && wait < p->max_wait_usec && wait > 0; i++)
                wait *= 2;
        if (wait > p->max_wait_usec)
                wait = p->max_wait_usec;
        if (a->retry_after_usec > 0)
                wait = a->retry_after_usec;
        *ret_wait = wait < RETRY_MOST_USEC ? wait : RETRY_MOST_USEC;
        return true;
}

usec_t retry_after(const struct http_text *t) {
        char digits[12];
        uint64_t seconds;

        if (!t || str_copy_n(digits, sizeof(digits), t->at, t->len) < 0 ||
            str_to_u64(digits, UINT32_MAX, &seconds) < 0)
                return 0;
        return seconds * USEC_PER_SEC < RETRY_MOST_USEC ? seconds * USEC_PER_SEC : RETRY_MOST_USEC;
}
