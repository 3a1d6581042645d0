/* power_json - how far a shutdown is, as boards tell each other and people. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/power_private.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

cJSON *power_view_json(const struct power_view *v) {
        cJSON *o = cJSON_CreateObject(), *rows = cJSON_CreateArray();
        char hex[17];

        (void)cJSON_AddBoolToObject(o, "active", v->active);
        str_hex64(v->id, hex);
        (void)cJSON_AddStringToObject(o, "id", v->id ? hex : "");
        (void)cJSON_AddBoolToObject(o, "reboot", v->reboot);
        (void)cJSON_AddStringToObject(o, "phase", v->id ? shutdown_phase_text(v->phase) : "");
        (void)cJSON_AddStringToObject(o, "last", v->last);
        (void)cJSON_AddStringToObject(o, "text", v->text);
        for (uint32_t i = 0; i < v->n; i++) {
                const struct power_row *row = &v->rows[i];
                cJSON *item = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(item, "name", row->name);
                (void)cJSON_AddStringToObject(item, "role", row->master ? "master" : "worker");
                (void)cJSON_AddNumberToObject(item, "order", i + 1);
                (void)cJSON_AddStringToObject(item, "state", shutdown_state_text(row->state));
                str_hex64(row->node, hex);
                (void)cJSON_AddStringToObject(item, "node", hex);
                (void)cJSON_AddItemToArray(rows, item);
        }
        (void)cJSON_AddItemToObject(o, "boards", rows);
        return o;
}

static int read_row(const cJSON *o, struct power_row *ret) {
        int state = shutdown_state_from(json_text(o, "state", ""));

        if (state < 0 || str_from_hex64(json_text(o, "node", ""), &ret->node) < 0 ||
            str_copy(ret->name, sizeof(ret->name), json_text(o, "name", "")) < 0)
                return -EINVAL;
        ret->state = (enum shutdown_state)state;
        ret->master = str_eq(json_text(o, "role", ""), "master");
        return 0;
}

int power_view_read(const cJSON *o, struct power_view *ret) {
        struct power_view v = { .active = json_bool(o, "active"),
                                .reboot = json_bool(o, "reboot"),
                                .phase = SHUTDOWN_PHASE_MAX };
        const char *phase = json_text(o, "phase", "");
        const cJSON *row;

        if (str_from_hex64(json_text(o, "id", ""), &v.id) < 0 ||
            str_copy(v.last, sizeof(v.last), json_text(o, "last", "")) < 0)
                return -EINVAL;
        for (int i = 0; i < SHUTDOWN_PHASE_MAX; i++)
                if (str_eq(shutdown_phase_text((enum shutdown_phase)i), phase))
                        v.phase = (enum shutdown_phase)i;
        if (v.phase == SHUTDOWN_PHASE_MAX)
                return -EINVAL;
        (void)snprintf(v.text, sizeof(v.text), "%s", json_text(o, "text", ""));
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(o, "boards")) {
                if (v.n == LIMIT_BOARDS || read_row(row, &v.rows[v.n]) < 0)
                        return -EINVAL;
                v.n++;
        }
        *ret = v;
        return 0;
}
