#include "daemon/api.h"

#include "base/scope.h"
#include "base/str.h"
#include "daemon/membership.h"
#include "daemon/peers.h"
#include "daemon/store.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        API_REQUESTS = 1024,     /* at a time, from all sides */
        API_LINK_REQUESTS = 128, /* of one connection */
        API_LOCAL_LINKS = 64,    /* CLIs on this board */
        API_GATEWAY_LINKS = 32,  /* the gateway's own, and one for each that reads logs there */
        ASK_SEC = 30,            /* the leader must have answered by then */
        TICK_MS = 1000,
};

/* What a connection may ask. */
enum scope { SCOPE_ALL, SCOPE_GATEWAY, SCOPE_PEER, SCOPE_SELF };

struct session {
        struct agent *agent;
        enum scope scope;
};

struct ask {
        struct ask *next;
        struct link *link; /* NULL: answered already, told in this turn of the loop */
        uint32_t stream;
        usec_t deadline;
        api_reply_cb done;
        void *arg;
};

struct api {
        struct agent *agent;
        uv_timer_t timer;
        unsigned n_requests;
        struct request *requests;
        struct ask *asks;
        struct request *watchers;
        uint32_t next_stream;
};

static const struct api_verb verbs[] = {
        { "status", VERB_PEER | VERB_GATEWAY, verb_status },
        { "functions", VERB_PEER | VERB_GATEWAY, verb_functions },
        { "doctor", 0, verb_doctor },
        { "auth", 0, verb_auth },
        { "version", VERB_PEER | VERB_GATEWAY, verb_version },
        { "deploy", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_deploy },
        { "remove", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_remove },
        { "scale", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_scale },
        { "wake", VERB_GATEWAY, verb_wake },
        { "raise", VERB_LEADER | VERB_PEER, verb_raise },
        { "thaw", VERB_PEER, verb_thaw },
        { "usage", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_usage },
        { "image", VERB_LEADER | VERB_PEER, verb_image },
        { "import", 0, verb_import },
        { "blob", VERB_PEER, verb_blob },
        { "blobs", 0, verb_blobs },
        { "images", VERB_PEER | VERB_GATEWAY, verb_images },
        { "image-remove", VERB_LEADER | VERB_PEER, verb_image_remove },
        { "image-spare", VERB_LEADER | VERB_PEER | VERB_BOARDS, verb_image_spare },
        { "registry-login", VERB_SECRET, verb_registry_login },
        { "registry-logout", 0, verb_registry_logout },
        { "registry-keep", VERB_PEER | VERB_BOARDS | VERB_SECRET, verb_registry_keep },
        { "registry-give", VERB_PEER | VERB_BOARDS | VERB_SECRET, verb_registry_give },
        { "registry-logins", 0, verb_registry_logins },
        { "store", VERB_PEER | VERB_GATEWAY, verb_store },
        { "logs", VERB_GATEWAY, verb_logs },
        { "log-lines", VERB_PEER, verb_log_lines },
        { "watch", VERB_GATEWAY, verb_watch },
        { "events", VERB_PEER | VERB_GATEWAY, verb_events },
        { "event-list", VERB_PEER | VERB_BOARDS, verb_event_list },
        { "calls", VERB_GATEWAY, verb_calls },
        { "metrics", VERB_GATEWAY, verb_metrics },
        { "kube-founded", VERB_LEADER | VERB_PEER | VERB_BOARDS, verb_kube_founded },
        { "kube-key", VERB_LEADER | VERB_PEER | VERB_BOARDS | VERB_SECRET, verb_kube_key },
        { "kube-off", VERB_LEADER | VERB_PEER, verb_kube_off },
        { "kube-snapshot-who", VERB_LEADER | VERB_PEER, verb_kube_snapshot_who },
        { "kube-snapshot-put", VERB_PEER, verb_kube_snapshot_put },
        { "kube-snapshot-get", VERB_PEER, verb_kube_snapshot_get },
        { "kube-join", VERB_PEER, verb_kube_join },
        { "kube-leave", VERB_PEER, verb_kube_leave },
        { "kube-reset", VERB_PEER, verb_kube_reset },
        { "kubeconfig", 0, verb_kubeconfig },
        { "reset", 0, verb_reset },
        { "drain", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_drain },
        { "uncordon", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_uncordon },
        { "rename", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_rename },
        { "locate", VERB_GATEWAY, verb_locate },
        { "locate-here", VERB_PEER, verb_locate_here },
        { "twin", VERB_PEER | VERB_BOARDS, verb_twin },
        { "promote", VERB_LEADER | VERB_PEER, verb_promote },
        { "secret-key", VERB_PEER | VERB_BOARDS | VERB_SECRET, verb_secret_key },
        { "secret-get", VERB_LEADER | VERB_PEER | VERB_BOARDS | VERB_SECRET, verb_secret_get },
        { "secrets", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_secrets },
        { "secret-set", VERB_LEADER | VERB_PEER | VERB_GATEWAY | VERB_SECRET, verb_secret_set },
        { "secret-remove", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_secret_remove },
        { "namespaces", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_namespaces },
        { "namespace", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_namespace },
        { "namespace-set", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_namespace_set },
        { "shutdown", VERB_GATEWAY, verb_shutdown },
        { "shutdown-begin", VERB_LEADER | VERB_PEER, verb_shutdown_begin },
        { "shutdown-record", VERB_LEADER | VERB_PEER, verb_shutdown_record },
        { "shutdown_status", VERB_PEER | VERB_GATEWAY, verb_shutdown_status },
        { "power", VERB_PEER | VERB_BOARDS, verb_power },
        { "power-snapshot", VERB_PEER | VERB_BOARDS, verb_power_snapshot },
        { "namespace-remove", VERB_LEADER | VERB_PEER | VERB_GATEWAY, verb_namespace_remove },
};

/* ---- a request's life
 * ---------------------------------------------------------------------------------- */

struct request **api_watchers(struct agent *a) {
        return &a->api->watchers;
}

struct request *request_ref(struct request *q) {
        q->refs++;
        return q;
}

void request_unref(struct request *q) {
        if (--q->refs > 0)
                return;
        if (q->verb && (q->verb->flags & VERB_SECRET))
                json_wipe(q->args);
        cJSON_Delete(q->args);
        free(q);
}

bool request_hold(struct held_requests *h, struct request *q) {
        if (h->n == ARRAY_SIZE(h->list))
                return false;
        h->list[h->n++] = request_ref(q);
        return true;
}

void requests_run(struct held_requests *h) {
        struct held_requests now = *h;

        h->n = 0; /* one that must wait again is held again */
        for (unsigned i = 0; i < now.n; i++) {
                now.list[i]->verb->run(now.list[i]);
                request_unref(now.list[i]);
        }
}

static void forget(struct request *q) {
        struct api *api = q->agent->api;

        for (struct request **p = &api->requests; *p; p = &(*p)->next) {
                if (*p != q)
                        continue;
                *p = q->next;
                api->n_requests--;
                request_unref(q);
                return;
        }
}

static int send_json(struct link *l, enum frame_type type, uint32_t stream, const cJSON *o) {
        auto_free char *text = cJSON_PrintUnformatted(o);
        size_t len = text ? strlen(text) : 0;
        int r = text ? link_send(l, type, stream, text, len) : -ENOMEM;

        if (text)
                explicit_bzero(text, len); /* there may be a secret in it */
        return r;
}

void request_reply(struct request *q, cJSON *result) {
        static const char too_large[] = "{\"error\":\"the answer is too large\",\"code\":500}";

        if (q->replied) {
                cJSON_Delete(result);
                return;
        }
        q->replied = true;
        if (q->link && result) {
                int r = send_json(q->link, FRAME_REPLY, q->stream, result);

                if (r == -EMSGSIZE)
                        (void)link_send(q->link, FRAME_REPLY, q->stream, too_large,
                                        sizeof(too_large) - 1);
        }
        if (q->done)
                q->done(q->done_arg, 0, "", result);
        if (q->verb && (q->verb->flags & VERB_SECRET))
                json_wipe(result);
        cJSON_Delete(result);
        forget(q);
}

void request_fail(struct request *q, int code, const char *format, ...) {
        cJSON *o = cJSON_CreateObject();
        char text[512];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        (void)cJSON_AddStringToObject(o, "error", str_utf8(text)); /* it may quote the request */
        (void)cJSON_AddNumberToObject(o, "code", code);
        request_reply(q, o);
}

void request_fail_errno(struct request *q, int error, const char *why) {
        static const struct {
                int error, code;
        } codes[] = {
                { -EINVAL, 400 }, { -E2BIG, 400 },    { -ENOENT, 404 },    { -EEXIST, 409 },
                { -ENOSPC, 507 }, { -ENOTCONN, 503 }, { -ETIMEDOUT, 504 }, { -ESHUTDOWN, 503 }
        };
        int code = 500;

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                if (codes[i].error == error)
                        code = codes[i].code;
        if (error == -ESHUTDOWN && !(why && why[0]))
                why = "the bramble is being switched off: nothing is changed until it is back";
        request_fail(q, code, "%s", why && why[0] ? why : strerror(-error));
}

bool request_event(struct request *q, const cJSON *event) {
        return q->link && !q->replied && send_json(q->link, FRAME_EVENT, q->stream, event) >= 0;
}

bool request_data(struct request *q, const void *data, size_t len) {
        return q->link && !q->replied && link_send(q->link, FRAME_DATA, q->stream, data, len) >= 0;
}

/* ---- asking the leader
 * ------------------------------------------------------------------------------------ */

static void answered(struct ask *ask, int result, const char *why, const cJSON *reply) {
        ask->done(ask->arg, result, why, reply);
        free(ask);
}

static struct ask *take_ask(struct api *api, const struct link *l, uint32_t stream) {
        for (struct ask **p = &api->asks; *p; p = &(*p)->next) {
                struct ask *ask = *p;

                if (ask->link != l || ask->stream != stream)
                        continue;
                *p = ask->next;
                return ask;
        }
        return NULL;
}

static void ask_link(struct agent *a, struct link *l, const cJSON *request, api_reply_cb done,
                     void *arg) {
        struct api *api = a->api;
        struct ask *ask;
        int r;

        ask = calloc(1, sizeof(*ask));
        if (!ask) {
                done(arg, -ENOMEM, "", NULL);
                return;
        }
        *ask = (struct ask){ .next = api->asks,
                             .link = l,
                             .stream = ++api->next_stream,
                             .deadline = usec_add(agent_now(), ASK_SEC * USEC_PER_SEC),
                             .done = done,
                             .arg = arg };
        r = send_json(l, FRAME_REQUEST, ask->stream, request);
        if (r < 0) {
                free(ask);
                done(arg, r, "the leader cannot be reached", NULL);
                return;
        }
        api->asks = ask;
}

void api_ask_leader(struct agent *a, const cJSON *request, api_reply_cb done, void *arg) {
        struct link *l = peers_link(a, membership_leader(a));

        if (l)
                ask_link(a, l, request, done, arg);
        else
                done(arg, -ENOTCONN, "nobody leads this bramble right now: try again in a moment",
                     NULL);
}

void api_ask_peer(struct agent *a, uint64_t node, const cJSON *request, api_reply_cb done,
                  void *arg) {
        struct link *l = peers_link(a, node);

        if (l)
                ask_link(a, l, request, done, arg);
        else
                done(arg, -EHOSTUNREACH, "that board cannot be reached", NULL);
}

static void ask_reply(struct api *api, const struct link *l, const struct frame *f) {
        struct ask *ask = take_ask(api, l, f->stream);
        auto_json cJSON *reply = NULL;
        struct fail why = { 0 };

        if (!ask)
                return;
        if (json_parse_object((const char *)f->body, f->len, &reply, &why) < 0)
                answered(ask, -EBADMSG, "the leader's answer makes no sense", NULL);
        else
                answered(ask, 0, "", reply);
        json_wipe(reply); /* it may have been a secret */
}

static void on_tick(uv_timer_t *timer) {
        struct api *api = timer->data;
        usec_t now = agent_now();

        for (struct ask **p = &api->asks; *p;) {
                struct ask *ask = *p;

                if (now < ask->deadline) {
                        p = &ask->next;
                        continue;
                }
                *p = ask->next;
                answered(ask, -ETIMEDOUT, "the leader did not answer", NULL);
                p = &api->asks; /* 'done' may have asked anew */
        }
}

static void relay(void *arg, int result, const char *why, const cJSON *reply) {
        struct request *q = arg;

        if (result < 0)
                request_fail_errno(q, result, why);
        else
                request_reply(q, cJSON_Duplicate(reply, true));
        request_unref(q);
}

/* ---- frames
 * ------------------------------------------------------------------------------------------------
 */

static bool allowed(const struct api_verb *verb, enum scope scope) {
        switch (scope) {
        case SCOPE_ALL:
                return !(verb->flags & VERB_BOARDS);
        case SCOPE_GATEWAY:
                return verb->flags & VERB_GATEWAY;
        case SCOPE_PEER:
                return verb->flags & VERB_PEER;
        case SCOPE_SELF:
                return true;
        }
        return false;
}

static void run(struct request *q, enum scope scope) {
        const char *name = json_text(q->args, "verb", "");
        struct agent *a = q->agent;

        for (size_t i = 0; i < ARRAY_SIZE(verbs) && !q->verb; i++)
                if (str_eq(verbs[i].name, name))
                        q->verb = &verbs[i];
        if (!q->verb) {
                request_fail(q, 400, "this agent does not know '%.40s': is it an older one?", name);
        } else if (!allowed(q->verb, scope)) {
                request_fail(q, 403, "'%s' may not be asked on this connection", name);
        } else if ((q->verb->flags & VERB_LEADER) && a->bramble == 0) {
                request_fail(q, 503, "this board belongs to no bramble yet");
        } else if ((q->verb->flags & VERB_LEADER) && !membership_leads(a)) {
                if (scope == SCOPE_PEER) /* two boards that each think the other leads */
                        request_fail(q, 503, "the leader has just changed: try again");
                else
                        api_ask_leader(a, q->args, relay, request_ref(q));
        } else {
                q->verb->run(q);
        }
}

/* In the list, with one reference for the list and one for the caller.  NULL: no memory. */
static struct request *request_new(struct agent *a) {
        struct api *api = a->api;
        struct request *q = calloc(1, sizeof(*q));

        if (!q)
                return NULL;
        q->agent = a;
        q->refs = 2;
        q->next = api->requests;
        api->requests = q;
        api->n_requests++;
        return q;
}

void api_run_on_leader(struct agent *a, const cJSON *request, api_reply_cb done, void *arg) {
        struct request *q;

        if (!membership_leads(a)) {
                api_ask_leader(a, request, done, arg);
                return;
        }
        q = request_new(a);
        if (!q) {
                done(arg, -ENOMEM, "no memory", NULL);
                return;
        }
        q->done = done;
        q->done_arg = arg;
        q->args = cJSON_Duplicate(request, true);
        run(q, SCOPE_SELF);
        request_unref(q);
}

static unsigned requests_of(const struct api *api, const struct link *l) {
        unsigned n = 0;

        for (const struct request *q = api->requests; q; q = q->next)
                n += q->link == l;
        return n;
}

static void on_request(struct agent *a, struct link *l, const struct frame *f, enum scope scope) {
        struct api *api = a->api;
        struct request *q = request_new(a);
        struct fail why = { 0 };
        int r;

        if (!q)
                return;
        q->link = l;
        q->stream = f->stream;
        r = json_parse_object((const char *)f->body, f->len, &q->args, &why);
        if (r < 0)
                request_fail(q, 400, "%s", fail_text(&why));
        else if (api->n_requests > API_REQUESTS || requests_of(api, l) > API_LINK_REQUESTS)
                request_fail(q, 503, "too many requests at a time");
        else
                run(q, scope);
        request_unref(q);
}

static void on_data(struct agent *a, const struct link *l, const struct frame *f) {
        for (struct request *q = a->api->requests; q; q = q->next) {
                if (q->link != l || q->stream != f->stream)
                        continue;
                if (q->on_data)
                        q->on_data(q, f->body, f->len, f->type == FRAME_END);
                return;
        }
}

static void dispatch(struct agent *a, struct link *l, const struct frame *f, enum scope scope) {
        switch ((int)f->type) {
        case FRAME_REQUEST:
                on_request(a, l, f, scope);
                return;
        case FRAME_DATA:
        case FRAME_END:
                on_data(a, l, f);
                return;
        case FRAME_REPLY:
                ask_reply(a->api, l, f);
                return;
        case FRAME_HELLO:
        case FRAME_EVENT:
                return;
        default:
                link_close(l);
        }
}

/* Fails what was asked on 'l', or, 'others', on any connection but it. */
static void fail_asks(struct api *api, const struct link *l, bool others, const char *why) {
        for (struct ask **p = &api->asks; *p;) {
                struct ask *ask = *p;

                if ((ask->link == l) == others) {
                        p = &ask->next;
                        continue;
                }
                *p = ask->next;
                answered(ask, -ENOTCONN, why, NULL);
                p = &api->asks; /* 'done' may have asked anew */
        }
}

void api_leader_changed(struct agent *a) {
        fail_asks(a->api, peers_link(a, membership_leader(a)), true,
                  "the leader has just changed: try again");
}

void api_link_gone(struct agent *a, struct link *l) {
        struct api *api = a->api;

        fail_asks(api, l, false, "the connection to the leader ended: try again");
        for (struct request *q = api->requests, *next; q; q = next) {
                next = q->next;
                if (q->link != l)
                        continue;
                q->link = NULL;
                request_ref(q);
                forget(q);
                if (q->on_gone)
                        q->on_gone(q);
                request_unref(q);
                next = api->requests; /* on_gone may have ended others */
        }
}

void api_link_drained(struct agent *a, struct link *l) {
        for (struct request *q = a->api->requests, *next; q; q = next) {
                next = q->next;
                if (q->link == l && q->on_drained)
                        q->on_drained(q);
        }
}

void api_control_frame(struct agent *a, struct link *l, const struct frame *f) {
        dispatch(a, l, f, SCOPE_PEER);
}

/* ---- connections of their own
 * --------------------------------------------------------------------------------- */

static void session_frame(struct link *l, void *arg, const struct frame *f) {
        struct session *s = arg;

        dispatch(s->agent, l, f, s->scope);
}

static void session_drained(struct link *l, void *arg) {
        struct session *s = arg;

        api_link_drained(s->agent, l);
}

static void session_closed(struct link *l, void *arg, int error, const char *why) {
        struct session *s = arg;

        (void)error;
        (void)why;
        api_link_gone(s->agent, l);
        free(s);
}

static const struct link_ops session_ops = { .frame = session_frame,
                                             .drained = session_drained,
                                             .closed = session_closed };

static void attach(struct agent *a, struct link *l, enum scope scope) {
        struct session *s = calloc(1, sizeof(*s));

        if (!s) {
                peers_discard(l);
                return;
        }
        s->agent = a;
        s->scope = scope;
        link_set_ops(l, &session_ops, s);
}

void api_attach(struct agent *a, struct link *l) {
        attach(a, l, link_kind(l) == LINK_BOARD ? SCOPE_PEER : SCOPE_ALL);
}

static void on_local(struct link *l, void *arg) {
        attach(arg, l, SCOPE_ALL);
}

static void on_gateway(struct link *l, void *arg) {
        attach(arg, l, SCOPE_GATEWAY);
}

int api_open(struct agent *a, struct fail *f) {
        struct api *api = calloc(1, sizeof(*api));
        struct link_server *server; /* they live as long as the process */
        char path[SIZE_PATH + 32];
        int r;

        if (!api)
                return -ENOMEM;
        api->agent = a;
        a->api = api;
        r = uv_timer_init(a->loop, &api->timer);
        if (r < 0)
                return r;
        api->timer.data = api;
        (void)uv_timer_start(&api->timer, on_tick, TICK_MS, TICK_MS);
        (void)snprintf(path, sizeof(path), "%s/agent.sock", a->config.run_dir);
        r = link_listen_unix(a->loop, path, 0660, "bramble", API_LOCAL_LINKS, on_local, a, &server,
                             f);
        if (r < 0)
                return r;
        (void)snprintf(path, sizeof(path), "%s/gateway.sock", a->config.run_dir);
        return link_listen_unix(a->loop, path, 0660, "bramble-gateway", API_GATEWAY_LINKS,
                                on_gateway, a, &server, f);
}
