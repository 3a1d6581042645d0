/* api_wake - the gateway has calls for a function at zero: the leader hears of it, also one that is
 * only just becoming it. */
#include "base/scope.h"
#include "daemon/api.h"
#include "daemon/runner.h"
#include "io/json.h"

#include <errno.h>
#include <stdlib.h>

/* Leadership that is handed over, or lost, is somebody's again by then. */
#define WAKE_USEC (8 * USEC_PER_SEC)

enum { AGAIN_MS = 100 };

struct waking {
        struct request *q;
        cJSON *raise;
        usec_t deadline;
        uv_timer_t again;
};

static void on_closed(uv_handle_t *handle) {
        free(handle->data);
}

static void finish(struct waking *w) {
        request_unref(w->q);
        cJSON_Delete(w->raise);
        uv_close((uv_handle_t *)&w->again, on_closed);
}

static void ask(struct waking *w);

static void on_again(uv_timer_t *timer) {
        ask(timer->data);
}

static void on_raised(void *arg, int result, const char *why, const cJSON *reply) {
        struct waking *w = arg;
        const char *error = json_text(reply, "error", NULL);
        uint64_t code = 503;

        if (error)
                (void)json_number(reply, "code", 599, &code);
        /* nobody led, or somebody else does now: the callers wait, and need not hear of it */
        if ((result < 0 || (error && code == 503)) && w->q->link && agent_now() < w->deadline) {
                (void)uv_timer_start(&w->again, on_again, AGAIN_MS, 0);
                return;
        }
        if (error)
                request_fail(w->q, (int)code, "%s", error);
        else if (result < 0)
                request_fail_errno(w->q, result, why);
        else
                request_reply(w->q, cJSON_CreateObject());
        finish(w);
}

static void ask(struct waking *w) {
        api_run_on_leader(w->q->agent, w->raise, on_raised, w);
}

/* A replica that is paused here goes on at once; the leader hears of it in any case. */
void verb_wake(struct request *q) {
        const char *name = json_text(q->args, "name", "");
        const char *namespace = json_text(q->args, "namespace", "");
        struct waking *w = calloc(1, sizeof(*w));

        (void)runner_wake(q->agent, name, namespace);
        if (!w || uv_timer_init(q->agent->loop, &w->again) < 0) {
                free(w);
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        w->again.data = w;
        w->q = request_ref(q);
        w->deadline = usec_add(agent_now(), WAKE_USEC);
        w->raise = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(w->raise, "verb", "raise");
        (void)cJSON_AddStringToObject(w->raise, "name", name);
        (void)cJSON_AddStringToObject(w->raise, "namespace", namespace);
        ask(w);
}
