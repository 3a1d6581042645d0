#include "core/autoscale.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

#define SCALE "com.openfaas.scale."

/* ---- labels -----------------------------------------------------------------------------------
 */

static int take_number(const char *name, const char *value, uint32_t least, uint32_t most,
                       uint32_t *ret, struct fail *f) {
        uint64_t n;

        if (str_to_u64(value, most, &n) < 0 || n < least)
                return fail(f, -EINVAL, "label %s must be a number from %u to %u", name, least,
                            most);
        *ret = (uint32_t)n;
        return 1;
}

static int take_bool(const char *name, const char *value, bool *ret, struct fail *f) {
        if (!str_eq(value, "true") && !str_eq(value, "false"))
                return fail(f, -EINVAL, "label %s must be true or false", name);
        *ret = str_eq(value, "true");
        return 1;
}

/* "0.90" in thousandths; "1" is the most. */
static int take_proportion(const char *name, const char *value, uint32_t *ret, struct fail *f) {
        const char *point = strchr(value, '.');
        size_t whole = point ? (size_t)(point - value) : strlen(value);
        uint32_t n = 0, scale = 1000;
        bool good = whole == 1 && (!point || (point[1] && strlen(point) < 10));

        for (const char *s = value; good && *s; s++) {
                if (s == point)
                        continue;
                good = *s >= '0' && *s <= '9';
                n += (uint32_t)(*s - '0') * scale;
                scale /= 10;
        }
        if (!good || n < 10 || n > 1000)
                return fail(f, -EINVAL, "label %s must be a proportion from 0.01 to 1 (like 0.9)",
                            name);
        *ret = n;
        return 1;
}

/* Go's durations in whole units: "15m", "1m30s", "500ms"; also a bare number of seconds. */
static int parse_duration(const char *value, usec_t *ret) {
        static const struct {
                const char *name;
                usec_t usec;
        } units[] = { { "h", USEC_PER_HOUR },
                      { "m", USEC_PER_MIN },
                      { "s", USEC_PER_SEC },
                      { "ms", USEC_PER_MSEC } };
        char digits[12];
        uint64_t n;

        *ret = 0;
        if (str_to_u64(value, USEC_PER_DAY / USEC_PER_SEC, &n) == 0) {
                *ret = n * USEC_PER_SEC;
                return 0;
        }
        if (!*value)
                return -EINVAL;
        while (*value) {
                size_t len = strspn(value, "0123456789"), unit, i = 0;

                if (str_copy_n(digits, sizeof(digits), value, len) < 0 ||
                    str_to_u64(digits, USEC_PER_DAY / USEC_PER_MSEC, &n) < 0)
                        return -EINVAL;
                value += len;
                unit = strcspn(value, "0123456789");
                while (i < ARRAY_SIZE(units) &&
                       (strlen(units[i].name) != unit || strncmp(value, units[i].name, unit) != 0))
                        i++;
                if (i == ARRAY_SIZE(units))
                        return -EINVAL;
                *ret += n * units[i].usec;
                value += unit;
        }
        return 0;
}

static int take_duration(const char *name, const char *value, usec_t least, usec_t most,
                         const char *range, usec_t *ret, struct fail *f) {
        usec_t usec;

        if (parse_duration(value, &usec) < 0 || usec < least || usec > most)
                return fail(f, -EINVAL, "label %s must be a time from %s (like 90s or 1m30s)", name,
                            range);
        *ret = usec;
        return 1;
}

static int take_type(const char *name, const char *value, enum autoscale_type *ret,
                     struct fail *f) {
        static const char *const names[] = {
                [AUTOSCALE_RPS] = "rps", [AUTOSCALE_CAPACITY] = "capacity", [AUTOSCALE_CPU] = "cpu"
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (!str_eq(value, names[i]))
                        continue;
                *ret = (enum autoscale_type)i;
                return 1;
        }
        return fail(f, -EINVAL, "label %s must be rps, capacity or cpu", name);
}

int autoscale_label(struct autoscale_rules *r, const char *name, const char *value,
                    struct fail *f) {
        if (str_eq(name, "bramble.scale.zero")) {
                if (!str_eq(value, "freeze") && !str_eq(value, "stop"))
                        return fail(f, -EINVAL, "label %s must be freeze or stop", name);
                r->freeze = str_eq(value, "freeze");
                return 1;
        }
        if (!str_starts(name, SCALE))
                return 0;
        if (str_eq(name, SCALE "min"))
                return take_number(name, value, 0, LIMIT_REPLICAS, &r->min, f);
        if (str_eq(name, SCALE "max"))
                return take_number(name, value, 1, LIMIT_REPLICAS, &r->max, f);
        if (str_eq(name, SCALE "factor"))
                return take_number(name, value, 0, 100, &r->factor, f);
        if (str_eq(name, SCALE "target"))
                return take_number(name, value, 1, 1000000, &r->target, f);
        if (str_eq(name, SCALE "target-proportion"))
                return take_proportion(name, value, &r->target_permille, f);
        if (str_eq(name, SCALE "type"))
                return take_type(name, value, &r->type, f);
        if (str_eq(name, SCALE "zero"))
                return take_bool(name, value, &r->zero, f);
        if (str_eq(name, SCALE "zero-duration"))
                return take_duration(name, value, USEC_PER_SEC, USEC_PER_DAY, "1s to 24h",
                                     &r->zero_usec, f);
        if (str_eq(name, SCALE "down.window"))
                return take_duration(name, value, 0, 5 * USEC_PER_MIN, "0s to 5m", &r->down_usec,
                                     f);
        return 0;
}

int autoscale_check(const struct autoscale_rules *r, struct fail *f) {
        if (r->min > r->max)
                return fail(f, -EINVAL, "label " SCALE "min (%u) is above " SCALE "max (%u)",
                            r->min, r->max);
        return 0;
}

/* ---- decisions ---------------------------------------------------------------------------------
 */

static uint32_t least_of(const struct autoscale_rules *r) {
        return r->min > 1 ? r->min : 1;
}

uint32_t autoscale_wake(const struct autoscale_rules *r) {
        return least_of(r);
}

void autoscale_called(struct autoscale *a, usec_t at) {
        if (a->called < at)
                a->called = at;
}

static uint64_t load_milli(const struct autoscale_rules *r, const struct autoscale_now *now) {
        switch (r->type) {
        case AUTOSCALE_RPS:
                return now->rate_milli;
        case AUTOSCALE_CAPACITY:
                return ((uint64_t)now->in_flight + now->waiting) * 1000;
        case AUTOSCALE_CPU:
                return (uint64_t)now->millicores * 1000;
        }
        return 0;
}

/* ceil(ready * (load / ready) / (target * proportion)): what the load of this moment asks for. */
static uint32_t recommend(const struct autoscale_rules *r, const struct autoscale_now *now) {
        uint64_t each = (uint64_t)r->target * r->target_permille;
        uint64_t n = (load_milli(r, now) + each - 1) / each;

        return n > LIMIT_REPLICAS ? LIMIT_REPLICAS : (uint32_t)n;
}

static void note(struct autoscale_slot *slots, size_t n, uint64_t span, uint32_t replicas,
                 bool most) {
        struct autoscale_slot *s = &slots[span % n];

        if (s->span != span)
                *s = (struct autoscale_slot){ span, replicas };
        else if (most ? replicas > s->replicas : replicas < s->replicas)
                s->replicas = replicas;
}

/* What was asked for all the time of AUTOSCALE_UP_USEC; 0 where that is not known. */
static uint32_t lasting(struct autoscale *a, uint32_t asked, usec_t at) {
        uint64_t span = at / (AUTOSCALE_UP_USEC / AUTOSCALE_UP_SLOTS) + 1;
        uint32_t least = asked;
        bool known = false;

        note(a->up, ARRAY_SIZE(a->up), span, asked, false);
        for (size_t i = 0; i < ARRAY_SIZE(a->up); i++) {
                const struct autoscale_slot *s = &a->up[i];

                if (s->span == 0 || s->span > span || s->span + AUTOSCALE_UP_SLOTS < span)
                        continue;
                /* a caller that is a little late may leave one span out */
                known = known || s->span + AUTOSCALE_UP_SLOTS - 1 <= span;
                if (s->replicas < least)
                        least = s->replicas;
        }
        return known ? least : 0;
}

/* The most that was asked for within the window. */
static uint32_t needed(struct autoscale *a, uint32_t asked, usec_t window, usec_t at) {
        usec_t width = window / AUTOSCALE_DOWN_SLOTS + 1;
        uint64_t span = at / width + 1;
        uint32_t most = asked;

        note(a->down, ARRAY_SIZE(a->down), span, asked, true);
        for (size_t i = 0; i < ARRAY_SIZE(a->down); i++)
                if (a->down[i].span && a->down[i].span + AUTOSCALE_DOWN_SLOTS >= span &&
                    a->down[i].span <= span && a->down[i].replicas > most)
                        most = a->down[i].replicas;
        return most;
}

static uint32_t clamp(uint32_t n, uint32_t least, uint32_t most) {
        return n < least ? least : n > most ? most : n;
}

/* The most that there is room for.  What does not fit is not wanted for long: it would only be a
 * complaint that nobody can do anything about. */
static uint32_t room(struct autoscale *a, const struct autoscale_now *now, uint32_t most,
                     usec_t at) {
        if (now->placed >= now->replicas)
                a->tight = 0;
        else if (a->tight == 0)
                a->tight = at;
        if (a->tight && usec_sub(at, a->tight) >= AUTOSCALE_ROOM_USEC) {
                a->most = now->placed;
                a->full_until = usec_add(at, AUTOSCALE_AGAIN_USEC);
                a->tight = 0;
        }
        return at < a->full_until && a->most < most ? a->most : most;
}

static uint32_t follow_load(struct autoscale *a, const struct autoscale_rules *r,
                            const struct autoscale_now *now, usec_t at) {
        uint32_t bottom = now->floor ? now->floor : least_of(r);
        uint32_t top = r->max > bottom ? r->max : bottom;
        uint32_t most = room(a, now, top, at), asked, up, down;

        if (now->replicas > top)
                return top;
        if (now->replicas < bottom)
                return bottom;
        /* with none that answers nothing can be said about what one carries */
        asked = now->ready > 0 ? recommend(r, now) : now->replicas;
        up = lasting(a, asked, at);
        down = needed(a, asked, r->down_usec, at);
        if (up > now->replicas)
                return clamp(up, now->replicas, most > now->replicas ? most : now->replicas);
        if (now->replicas > most && most >= bottom)
                return most;
        if (down < now->replicas && usec_sub(at, a->since) >= r->down_usec)
                return clamp(down, bottom < now->replicas ? bottom : now->replicas, now->replicas);
        return now->replicas;
}

uint32_t autoscale_step(struct autoscale *a, const struct autoscale_rules *r,
                        const struct autoscale_now *now, usec_t at) {
        if (a->since == 0) {
                a->since = at > 0 ? at : 1;
                a->called = at;
        }
        if (now->rate_milli || now->in_flight || now->waiting || (a->last == 0 && now->replicas))
                a->called = at;
        a->last = now->replicas;
        if (now->replicas == 0)
                return 0; /* a call wakes it */
        if (r->zero && usec_sub(at, a->called) >= r->zero_usec)
                return 0;
        if (r->min == r->max || r->factor == 0)
                return now->replicas;
        return follow_load(a, r, now, at);
}
