#include "daemon/status_json.h"

#include "base/str.h"

#include <stdio.h>

const char *status_ipv4(char dst[static 16], uint32_t address) {
        dst[0] = '\0';
        if (address)
                (void)snprintf(dst, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                               address >> 8 & 255, address & 255);
        return dst;
}

static cJSON *placements(const struct agent *a, uint32_t function) {
        cJSON *array = cJSON_CreateArray();

        for (uint32_t i = 0; i < a->world.n_instances; i++) {
                const struct world_instance *in = &a->world.instances[i];
                const struct world_member *m = world_member(&a->world, in->node);
                char address[16];
                cJSON *o;

                if (in->function != function)
                        continue;
                o = cJSON_CreateObject();
                (void)cJSON_AddNumberToObject(o, "id", in->id);
                (void)cJSON_AddStringToObject(o, "node", m ? m->name : "");
                (void)cJSON_AddStringToObject(o, "state", instance_state_text(in->state));
                (void)cJSON_AddStringToObject(o, "address", status_ipv4(address, in->address));
                (void)cJSON_AddNumberToObject(o, "generation", in->generation);
                (void)cJSON_AddItemToArray(array, o);
        }
        return array;
}

cJSON *status_functions(const struct agent *a) {
        cJSON *array = cJSON_CreateArray();

        for (uint32_t i = 0; i < a->world.n_functions; i++) {
                const struct world_function *f = &a->world.functions[i];
                cJSON *o = cJSON_CreateObject();

                (void)cJSON_AddStringToObject(o, "name", f->name);
                (void)cJSON_AddStringToObject(o, "namespace", f->namespace);
                (void)cJSON_AddStringToObject(o, "image", f->image);
                (void)cJSON_AddNumberToObject(o, "replicas", f->replicas);
                (void)cJSON_AddNumberToObject(o, "available_replicas", f->available);
                (void)cJSON_AddNumberToObject(o, "invocations", (double)f->invocations);
                (void)cJSON_AddNumberToObject(o, "generation", f->generation);
                (void)cJSON_AddStringToObject(o, "reason", f->reason);
                (void)cJSON_AddItemToObject(o, "placements", placements(a, i));
                (void)cJSON_AddItemToArray(array, o);
        }
        return array;
}
