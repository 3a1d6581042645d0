#include "io/ui_json.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/limits.h"

#include <errno.h>
#include <stdio.h>

enum rounding { AS_IT_IS, WHOLE, TENTHS, MEBIBYTES, TWO_DIGITS, UPTIME };

static enum rounding rounding_of(const char *name) {
        static const struct {
                const char *name;
                enum rounding rounding;
        } table[] = {
                { "cpu_percent", WHOLE },
                { "cpu_cores_percent", WHOLE }, /* each of the array */
                { "temperature_c", TENTHS },
                { "available_bytes", MEBIBYTES },
                { "total_bytes", MEBIBYTES },
                { "free_bytes", MEBIBYTES },
                { "written_bytes", MEBIBYTES },
                { "rx_bytes_per_second", TWO_DIGITS },
                { "tx_bytes_per_second", TWO_DIGITS },
                { "uptime_seconds", UPTIME },
        };

        for (size_t i = 0; name && i < ARRAY_SIZE(table); i++)
                if (str_eq(table[i].name, name))
                        return table[i].rounding;
        return AS_IT_IS;
}

/* As text without an exponent where it is whole. */
static int add_double(struct buf *out, double v) {
        if (v >= 0 && v < 9007199254740992.0 && v == (double)(uint64_t)v)
                return buf_add_number(out, (uint64_t)v);
        if (v != v || v > 1e300 || v < -1e300)
                return buf_add(out, "null", 4); /* JSON has no such numbers */
        return buf_printf(out, "%.15g", v);
}

static double whole(double v) {
        return v < 0 || v > 1e15 ? v : (double)(uint64_t)(v + 0.5);
}

int ui_json_rate(struct buf *out, double v) {
        double step = 1;

        if (!(v >= 0.005))
                return buf_add(out, "0", 1);
        if (v < 99.5)
                return buf_printf(out, "%.2g", v);
        while (v >= step * 100 && step < 1e15)
                step *= 10;
        return add_double(out, whole(v / step) * step);
}

static int add_number(struct buf *out, double v, enum rounding rounding) {
        switch (rounding) {
        case AS_IT_IS:
                break;
        case WHOLE:
                return add_double(out, whole(v));
        case TENTHS:
                return buf_printf(out, "%.1f", v > -1000 && v < 1000 ? v : 0);
        case MEBIBYTES:
                return add_double(out, v > 0 && v < 1e15 ? (double)((uint64_t)v >> 20 << 20) : v);
        case TWO_DIGITS:
                return ui_json_rate(out, v > 0 ? v : 0);
        case UPTIME:
                if (v > 0 && v < 1e15)
                        v -= (double)((uint64_t)v % (v < 3600 ? 10 : 60));
                break;
        }
        return add_double(out, v);
}

int ui_json_text(struct buf *out, const char *text) {
        int r = buf_add(out, "\"", 1);

        while (r == 0 && *text) {
                const char *from = text;

                while ((unsigned char)*text >= ' ' && *text != '"' && *text != '\\')
                        text++;
                r = buf_add(out, from, (size_t)(text - from));
                if (r < 0 || !*text)
                        break;
                r = *text == '"' || *text == '\\'
                            ? buf_printf(out, "\\%c", *text)
                            : buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
                text++;
        }
        return r < 0 ? r : buf_add(out, "\"", 1);
}

static int add(struct buf *out, const cJSON *v, enum rounding rounding, unsigned depth);

static int add_members(struct buf *out, const cJSON *v, enum rounding rounding, unsigned depth) {
        bool object = cJSON_IsObject(v);
        int r = buf_add(out, object ? "{" : "[", 1);

        for (const cJSON *o = v->child; o && r == 0; o = o->next) {
                if (o != v->child)
                        r = buf_add(out, ",", 1);
                if (r == 0 && object) {
                        rounding = rounding_of(o->string);
                        r = ui_json_text(out, o->string);
                        if (r == 0)
                                r = buf_add(out, ":", 1);
                }
                if (r == 0)
                        r = add(out, o, rounding, depth + 1);
        }
        return r < 0 ? r : buf_add(out, object ? "}" : "]", 1);
}

static int add(struct buf *out, const cJSON *v, enum rounding rounding, unsigned depth) {
        if (depth > LIMIT_JSON_DEPTH)
                return -ELOOP;
        if (cJSON_IsObject(v) || cJSON_IsArray(v))
                return add_members(out, v, rounding, depth);
        if (cJSON_IsString(v))
                return ui_json_text(out, v->valuestring);
        if (cJSON_IsNumber(v))
                return add_number(out, v->valuedouble, rounding);
        return buf_add_text(out, cJSON_IsTrue(v) ? "true" : cJSON_IsFalse(v) ? "false" : "null");
}

int ui_json_add(struct buf *out, const cJSON *v) {
        return add(out, v, v ? rounding_of(v->string) : AS_IT_IS, 0);
}
