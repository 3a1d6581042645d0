#include "daemon/webhook.h"

#include "base/scope.h"
#include "base/str.h"
#include "core/alarms.h"
#include "io/json.h"
#include "io/log.h"
#include "io/puller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        WEBHOOK_QUEUE = 32, /* alerts that wait; the oldest are given up beyond it */
        TRIES = 6,
        FIRST_PAUSE_SEC = 5, /* each pause is three times as long: 5, 15, 45, 135, 405 s */
        ASK_SEC = 45,        /* longer than bramble-pull itself waits */
};

/* What is sent; the process that sends it lives as long as there is something to send. */
struct webhook {
        struct agent *agent;
        struct puller *puller;
        uv_timer_t timer; /* the next try, or the end of one that hangs */
        bool asking;
        unsigned tries; /* of the oldest */
        uint32_t n;
        char *bodies[WEBHOOK_QUEUE]; /* oldest first */
};

static void next(struct webhook *w);

static void drop_oldest(struct webhook *w) {
        free(w->bodies[0]);
        w->n--;
        memmove(w->bodies, w->bodies + 1, w->n * sizeof(w->bodies[0]));
        w->tries = 0;
}

static void end_process(struct webhook *w) {
        puller_free(w->puller);
        w->puller = NULL;
        w->asking = false;
}

static void on_pause(uv_timer_t *timer) {
        next(timer->data);
}

/* 'passing': another try may go better. */
static void failed(struct webhook *w, const char *why, bool passing) {
        unsigned pause = FIRST_PAUSE_SEC;

        for (unsigned i = 0; i < w->tries; i++)
                pause *= 3;
        if (!passing || ++w->tries == TRIES) {
                log_warning("an alert could not be told to the webhook and is given up: %s", why);
                drop_oldest(w);
                next(w);
                return;
        }
        if (log_once("webhook"))
                log_warning("the webhook of alerts cannot be reached, trying again: %s", why);
        end_process(w);
        (void)uv_timer_start(&w->timer, on_pause, pause * UINT64_C(1000), 0);
}

static void on_done(void *arg, int result, const char *why, const cJSON *reply) {
        struct webhook *w = arg;

        w->asking = false;
        (void)uv_timer_stop(&w->timer);
        if (w->n == 0)
                return;
        if (result < 0) {
                if (result == -EPIPE)
                        end_process(w);
                failed(w, why, !reply || !json_bool(reply, "final"));
                return;
        }
        log_again("webhook");
        drop_oldest(w);
        next(w);
}

static void on_data(void *arg, const void *data, size_t len) {
        (void)arg;
        (void)data;
        (void)len;
}

static void on_hang(uv_timer_t *timer) {
        struct webhook *w = timer->data;

        end_process(w);
        failed(w, "no answer", true);
}

/* The URL is a secret: it goes through a socket, never into an argument or a log. */
static int ask(struct webhook *w, struct fail *f) {
        static const struct puller_ops ops = { .data = on_data, .done = on_done };
        struct agent *a = w->agent;
        auto_json cJSON *request = cJSON_CreateObject();
        int r = 0;

        if (!w->puller)
                r = puller_start(a->loop, a->config.pull, "bramble-pull", &ops, w, &w->puller, f);
        if (r < 0)
                return r;
        (void)cJSON_AddStringToObject(request, "verb", "notify");
        (void)cJSON_AddStringToObject(request, "url", a->config.alert_webhook);
        (void)cJSON_AddStringToObject(request, "body", w->bodies[0]);
        if (access(a->config.registry_ca, R_OK) == 0)
                (void)cJSON_AddStringToObject(request, "ca", a->config.registry_ca);
        r = puller_ask(w->puller, request);
        json_wipe(request);
        if (r < 0)
                return fail(f, r, "cannot ask bramble-pull: %s", strerror(-r));
        w->asking = true;
        (void)uv_timer_start(&w->timer, on_hang, ASK_SEC * UINT64_C(1000), 0);
        return 0;
}

static void next(struct webhook *w) {
        struct fail f = { 0 };

        if (w->asking)
                return;
        if (w->n == 0) {
                end_process(w);
                return;
        }
        if (ask(w, &f) < 0) {
                end_process(w);
                failed(w, fail_text(&f), true);
        }
}

/* Slack, Mattermost and Rocket.Chat show "text", Discord "content", Gotify (and ntfy, by a
 * template) "title", "message" and "priority"; the rest is for programs. */
static char *body_of(const struct agent *a, const struct event *e) {
        auto_json cJSON *o = cJSON_CreateObject();
        bool over = e->kind == EVENT_ALERT_OVER;
        char title[SIZE_CLUSTER + 64], text[SIZE_CLUSTER + SIZE_EVENT + 8];

        (void)snprintf(title, sizeof(title), "%s: %s %s", a->world.cluster, alarm_name(e->alarm),
                       over ? "is over" : severity_text(e->severity));
        (void)snprintf(text, sizeof(text), "%s: %s", a->world.cluster, e->text);
        (void)cJSON_AddStringToObject(o, "text", text);
        (void)cJSON_AddStringToObject(o, "content", text);
        (void)cJSON_AddStringToObject(o, "title", title);
        (void)cJSON_AddStringToObject(o, "message", e->text);
        (void)cJSON_AddNumberToObject(o, "priority",
                                      over                            ? 3
                                      : e->severity == SEVERITY_ERROR ? 5
                                                                      : 4);
        (void)cJSON_AddStringToObject(o, "cluster", a->world.cluster);
        (void)cJSON_AddStringToObject(o, "board", e->board);
        (void)cJSON_AddStringToObject(o, "alert", alarm_name(e->alarm));
        (void)cJSON_AddStringToObject(o, "severity", severity_text(e->severity));
        (void)cJSON_AddStringToObject(o, "state", over ? "over" : "begins");
        (void)cJSON_AddNumberToObject(o, "id", (double)e->id);
        (void)cJSON_AddNumberToObject(o, "unix", (double)(e->unix_ms / 1000));
        return cJSON_PrintUnformatted(o);
}

void webhook_event(struct agent *a, const struct event *e) {
        struct webhook *w = a->webhook;
        char *body;

        if (!a->config.alert_webhook[0] || e->alarm >= ALARM_KINDS ||
            (e->kind == EVENT_ALERT ? e->severity <= SEVERITY_INFO : e->kind != EVENT_ALERT_OVER))
                return;
        if (w->n == WEBHOOK_QUEUE) {
                /* the oldest may be on its way: the one behind it goes */
                free(w->bodies[1]);
                memmove(w->bodies + 1, w->bodies + 2, (w->n - 2) * sizeof(w->bodies[0]));
                w->n--;
                if (log_once("webhook-full"))
                        log_warning("more than %d alerts wait for the webhook: the oldest are "
                                    "given up",
                                    WEBHOOK_QUEUE);
        }
        body = body_of(a, e);
        if (!body)
                return;
        w->bodies[w->n++] = body;
        if (w->n == 1)
                next(w);
}

int webhook_open(struct agent *a) {
        struct webhook *w = calloc(1, sizeof(*w));
        int r;

        if (!w)
                return -ENOMEM;
        w->agent = a;
        a->webhook = w;
        r = uv_timer_init(a->loop, &w->timer);
        w->timer.data = w;
        return r;
}
