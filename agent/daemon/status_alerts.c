#include "daemon/status_alerts.h"

#include "core/alarms.h"
#include "daemon/reporter.h"

static cJSON *alert(enum alarm_kind kind, const char *board, enum severity severity,
                    usec_t age_usec, const char *text) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "name", alarm_name(kind));
        (void)cJSON_AddStringToObject(o, "board", board);
        (void)cJSON_AddStringToObject(o, "severity", severity_text(severity));
        (void)cJSON_AddNumberToObject(o, "since_ms", (double)(age_usec / USEC_PER_MSEC));
        (void)cJSON_AddStringToObject(o, "text", text);
        return o;
}

cJSON *status_alerts(const struct agent *a) {
        usec_t shown = usec_sub(agent_now(), a->world_taken);
        cJSON *array = cJSON_CreateArray();

        for (uint32_t i = 0; i < a->world.n_alarms; i++) {
                const struct world_alarm *x = &a->world.alarms[i];
                const struct world_member *m = world_member(&a->world, x->node);

                (void)cJSON_AddItemToArray(array, alert(x->kind, m ? m->name : "", x->severity,
                                                        usec_add(x->age_sec * USEC_PER_SEC, shown),
                                                        x->text));
        }
        return array;
}

cJSON *status_alerts_self(const struct agent *a) {
        struct report_alarm told[ALARM_BOARD_KINDS];
        uint32_t n = reporter_alarms(a, told);
        cJSON *array = cJSON_CreateArray();

        for (uint32_t i = 0; i < n; i++)
                (void)cJSON_AddItemToArray(array,
                                           alert(told[i].kind, a->name, told[i].severity,
                                                 told[i].age_sec * USEC_PER_SEC, told[i].text));
        return array;
}
