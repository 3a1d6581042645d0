/* api_about - the gateway's credentials and the program's version. */
#include "daemon/api.h"

void verb_auth(struct request *q) {
        const struct world *w = &q->agent->world;
        cJSON *o;

        if (!w->user[0]) {
                request_fail(q, 503, "this board belongs to no bramble yet: agentctl status");
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(o, "user", w->user);
        (void)cJSON_AddStringToObject(o, "password", w->password);
        request_reply(q, o);
}

void verb_version(struct request *q) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "version", BRAMBLE_VERSION);
        (void)cJSON_AddStringToObject(o, "commit", BRAMBLE_COMMIT);
        request_reply(q, o);
}
