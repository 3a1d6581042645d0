#include "io/event_json.h"

#include "base/str.h"
#include "core/alarms.h"
#include "io/json.h"

#include <errno.h>
#include <string.h>

#define MS_MAX (UINT64_C(1) << 52) /* 140,000 years */

cJSON *event_json(const struct event *e, int64_t now_usec) {
        cJSON *o = cJSON_CreateObject();
        int64_t age_ms = (now_usec - e->at_usec) / (int64_t)USEC_PER_MSEC;

        (void)cJSON_AddNumberToObject(o, "id", (double)e->id);
        (void)cJSON_AddNumberToObject(o, "unix", (double)(e->unix_ms / 1000));
        (void)cJSON_AddNumberToObject(o, "age_ms", age_ms > 0 ? (double)age_ms : 0);
        (void)cJSON_AddStringToObject(o, "kind", event_kind_text(e->kind));
        (void)cJSON_AddStringToObject(o, "severity", severity_text(e->severity));
        (void)cJSON_AddStringToObject(o, "board", e->board);
        (void)cJSON_AddStringToObject(o, "function", e->function);
        (void)cJSON_AddStringToObject(o, "text", e->text);
        if (e->alarm < ALARM_KINDS)
                (void)cJSON_AddStringToObject(o, "alert", alarm_name(e->alarm));
        return o;
}

static bool take_text(const cJSON *o, const char *key, char *dst, size_t size) {
        const char *text = json_text(o, key, NULL);

        if (!text || str_copy(dst, size, text) < 0)
                return false;
        for (const char *s = dst; *s; s++)
                if (*s < 0x20 || *s > 0x7e)
                        return false;
        return true;
}

int event_from_json(const cJSON *o, int64_t now_usec, struct event *ret) {
        struct event e = { .kind = event_kind_of(json_text(o, "kind", "")),
                           .severity = event_severity_of(json_text(o, "severity", "")),
                           .alarm = ALARM_KINDS };
        const char *alert = json_text(o, "alert", NULL);
        uint64_t unix_sec, age_ms;

        if (json_number(o, "id", MS_MAX, &e.id) < 0 || e.id == 0 ||
            json_number(o, "unix", MS_MAX / 1000, &unix_sec) < 0 ||
            json_number(o, "age_ms", MS_MAX, &age_ms) < 0 || e.kind == EVENT_KINDS ||
            e.severity == SEVERITY_NONE || !take_text(o, "board", e.board, sizeof(e.board)) ||
            !take_text(o, "function", e.function, sizeof(e.function)) ||
            !take_text(o, "text", e.text, sizeof(e.text)))
                return -EBADMSG;
        if (alert && (e.alarm = event_alarm_of(alert)) == ALARM_KINDS)
                return -EBADMSG;
        e.unix_ms = unix_sec * 1000;
        e.at_usec = now_usec - (int64_t)(age_ms * USEC_PER_MSEC);
        *ret = e;
        return 0;
}
