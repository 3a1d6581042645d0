/* /system/info, /healthz and /: about the gateway itself. */
#include "gateway/api.h"
#include "gateway/gateway.h"

#include <sys/utsname.h>

void api_info(struct api_request *q) {
        cJSON *o = cJSON_CreateObject(), *provider, *version;
        struct utsname machine = { 0 };

        (void)uname(&machine);
        provider = cJSON_AddObjectToObject(o, "provider");
        (void)cJSON_AddStringToObject(provider, "provider", "bramble");
        version = cJSON_AddObjectToObject(provider, "version");
        (void)cJSON_AddStringToObject(version, "sha", BRAMBLE_COMMIT);
        (void)cJSON_AddStringToObject(version, "release", BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(provider, "orchestration", "containerd");
        version = cJSON_AddObjectToObject(o, "version");
        (void)cJSON_AddStringToObject(version, "commit_message", "bramble " BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(version, "sha", BRAMBLE_COMMIT);
        (void)cJSON_AddStringToObject(version, "release", BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(o, "arch", q->g->arch[0] ? q->g->arch : machine.machine);
        api_reply_json(q, 200, o);
}

void api_healthz(struct api_request *q) {
        if (q->g->had_state)
                api_reply_empty(q, 200, "");
        else
                api_reply_error(q, 503,
                                "This board's agent has not yet told which functions there are.");
}

void api_root(struct api_request *q) {
        api_reply_empty(q, 307, "Location: /ui/\r\n");
}
