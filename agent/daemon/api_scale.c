/* api_scale - calls wake functions that are at zero; what functions use. */
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/coordinator.h"
#include "daemon/membership.h"
#include "daemon/runner.h"
#include "io/json.h"

#include <errno.h>

static void on_raised(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;
        const char *error = json_text(reply, "error", NULL);
        uint64_t code = 503;

        if (error)
                (void)json_number(reply, "code", 599, &code);
        if (error)
                request_fail(q, (int)code, "%s", error);
        else if (result < 0)
                request_fail_errno(q, result, why);
        else
                request_reply(q, cJSON_CreateObject());
        request_unref(q);
}

/* The gateway has calls for a function at zero.  A replica that is paused here goes on at once; the
 * leader hears of it in any case. */
void verb_wake(struct request *q) {
        const char *name = json_text(q->args, "name", "");
        const char *namespace = json_text(q->args, "namespace", "");
        auto_json cJSON *request = cJSON_CreateObject();

        (void)runner_wake(q->agent, name, namespace);
        (void)cJSON_AddStringToObject(request, "verb", "raise");
        (void)cJSON_AddStringToObject(request, "name", name);
        (void)cJSON_AddStringToObject(request, "namespace", namespace);
        api_run_on_leader(q->agent, request, on_raised, request_ref(q));
}

static void on_written(void *arg, int result) {
        struct request *q = arg;

        if (result == 0 || result == -ESTALE) /* somebody else was faster: all the better */
                request_reply(q, cJSON_CreateObject());
        else if (result == -ENOENT)
                request_fail(q, 404, "the function was removed");
        else if (result == -ECANCELED || result == -ENOTCONN) /* the gateway asks again */
                request_fail(q, 503, "the leader has just changed");
        else
                request_fail_errno(q, result, "");
        request_unref(q);
}

void verb_raise(struct request *q) {
        const char *name = json_text(q->args, "name", "");
        const char *namespace = json_text(q->args, "namespace", "");
        int r = coordinator_raise(q->agent, name, namespace, on_written, request_ref(q));

        if (r != 0)
                on_written(q, r > 0 ? 0 : r);
}

/* The leader says that a replica that is paused here is called. */
void verb_thaw(struct request *q) {
        (void)runner_wake(q->agent, json_text(q->args, "name", ""),
                          json_text(q->args, "namespace", ""));
        request_reply(q, cJSON_CreateObject());
}

void verb_usage(struct request *q) {
        uint64_t millicores, bytes;
        cJSON *o;

        if (coordinator_usage(q->agent, json_text(q->args, "name", ""),
                              json_text(q->args, "namespace", ""), &millicores, &bytes) < 0) {
                request_fail(q, 404, "there is no such function");
                return;
        }
        o = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(o, "cpu", (double)millicores);
        (void)cJSON_AddNumberToObject(o, "totalMemoryBytes", (double)bytes);
        request_reply(q, o);
}
