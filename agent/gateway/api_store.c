/* GET /store: what faas-cli store list and deploy read (--url). */
#include "gateway/agent.h"
#include "gateway/api.h"
#include "gateway/gateway.h"

static void on_list(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct api_request *q = arg;

        q->asked = NULL;
        if (code)
                api_reply_error(q, code, "%s", error);
        else
                api_reply_json(q, 200, cJSON_Duplicate(reply, true));
}

void api_store(struct api_request *q) {
        cJSON *request = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(request, "verb", "store");
        if (agent_ask(q->g->agent, request, on_list, q, &q->asked) < 0)
                api_reply_error(q, 503,
                                "The agent of this board cannot be asked now; try again in a "
                                "moment.");
}
