#include "gateway/api.h"

#include "base/fail.h"
#include "base/str.h"
#include "core/limits.h"
#include "core/names.h"
#include "core/route.h"
#include "gateway/agent.h"
#include "gateway/async.h"
#include "core/basic_auth.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/proxy.h"
#include "gateway/reply.h"
#include "gateway/ui.h"
#include "io/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum api_auth { OPEN, BASIC };

/* Either 'stream' takes the request with its body still to come, or 'answer' gets it whole. */
struct api_route {
        const char *pattern;
        unsigned methods;
        enum api_auth auth;
        void (*answer)(struct api_request *q);
        void (*stream)(struct gateway *g, struct client *c, const struct http_head *head,
                       const struct http_text *rest);
};

/* clang-format off */
static const struct api_route routes[] = {
        { "/function/**",             API_ANY,             OPEN,  NULL, proxy_start },
        { "/async-function/**",       API_POST,            OPEN,  NULL, async_accept },
        { "/async-function/*",        API_DELETE,          OPEN,  async_cancel, NULL },
        { "/system/functions",        API_GET,             BASIC, api_functions_list, NULL },
        { "/system/functions",        API_POST | API_PUT,  BASIC, api_functions_deploy, NULL },
        { "/system/functions",        API_DELETE,          BASIC, api_functions_remove, NULL },
        { "/system/function/*",       API_GET,             BASIC, api_function_show, NULL },
        { "/system/scale-function/*", API_POST,            BASIC, api_function_scale, NULL },
        { "/system/secrets",          API_GET,             BASIC, api_secrets_list, NULL },
        { "/system/secrets",          API_POST | API_PUT | API_DELETE, BASIC, api_secrets_change, NULL },
        { "/system/logs",             API_GET,             BASIC, api_logs, NULL },
        { "/system/namespaces",       API_GET,             BASIC, api_namespaces_list, NULL },
        { "/system/namespace/",       API_POST,            BASIC, api_namespace_set, NULL },
        { "/system/namespace/*",      API_GET,             BASIC, api_namespace_show, NULL },
        { "/system/namespace/*",      API_POST | API_PUT,  BASIC, api_namespace_set, NULL },
        { "/system/namespace/*",      API_DELETE,          BASIC, api_namespace_remove, NULL },
        { "/system/alert",            API_POST,            BASIC, api_alert, NULL },
        { "/system/info",             API_GET,             BASIC, api_info, NULL },
        { "/store",                   API_GET,             OPEN,  api_store, NULL },
        { "/metrics",                 API_GET,             OPEN,  NULL, metrics_start },
        { "/healthz",                 API_GET,             OPEN,  api_healthz, NULL },
        { "/",                        API_GET,             OPEN,  api_root, NULL },
        { "/ui",                      API_GET,             OPEN,  api_root, NULL },
        { "/ui/**",                   API_ANY,             OPEN,  NULL, ui_start },
};
/* clang-format on */

static enum api_method method_of(const struct http_text *text) {
        static const struct {
                const char *name;
                enum api_method method;
        } methods[] = { { "GET", API_GET },
                        { "HEAD", API_GET },
                        { "POST", API_POST },
                        { "PUT", API_PUT },
                        { "DELETE", API_DELETE } };

        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (http_text_is(text, methods[i].name))
                        return methods[i].method;
        return API_OTHER;
}

/* ---- requests that are read before they are answered -------------------------------------------
 */

static void request_free(struct api_request *q) {
        if (q->asked)
                agent_forget(q->asked);
        if (q->state)
                q->forget(q->state);
        if (q->body.data)
                explicit_bzero(q->body.data, q->body.len); /* there may be a secret in it */
        buf_done(&q->body);
        free(q->target);
        free(q);
}

struct client *api_take_client(struct api_request *q) {
        struct client *c = q->client;

        request_free(q);
        return c;
}

void api_reply_json(struct api_request *q, unsigned status, cJSON *o) {
        struct client *c = api_take_client(q);

        reply_json(c, status, o);
}

void api_reply_empty(struct api_request *q, unsigned status, const char *headers) {
        reply_send(api_take_client(q), status, headers, NULL, "", 0);
}

void api_reply_error(struct api_request *q, unsigned status, const char *format, ...) {
        struct client *c = q->client;
        char text[512];
        va_list args;

        va_start(args, format); /* the arguments may lie in what is freed next */
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        request_free(q);
        reply_error(c, status, "%s", text);
}

static void on_body(void *arg, const char *data, size_t len) {
        struct api_request *q = arg;
        int r = buf_add(&q->body, data, len);

        if (r == -EMSGSIZE)
                api_reply_error(q, 413, "The body is larger than the %d KB that are taken here.",
                                LIMIT_JSON_BYTES / 1024);
        else if (r < 0)
                api_reply_error(q, 503, "The gateway is out of memory.");
}

static void on_body_end(void *arg) {
        struct api_request *q = arg;

        q->answer(q);
}

static void on_closed(void *arg) {
        request_free(arg);
}

static const struct exchange_ops collect_ops = {
        .body = on_body,
        .end = on_body_end,
        .closed = on_closed,
};

static struct http_text moved(const struct http_text *t, const char *from, const char *to) {
        return t->len > 0 ? (struct http_text){ to + (t->at - from), t->len }
                          : (struct http_text){ to, 0 };
}

static void collect(struct gateway *g, struct client *c, const struct http_head *head,
                    const struct http_text *rest, const struct api_route *route) {
        struct api_request *q;

        if (head->body == HTTP_BODY_LENGTH && head->length > LIMIT_JSON_BYTES) {
                reply_error(c, 413, "The body is larger than the %d KB that are taken here.",
                            LIMIT_JSON_BYTES / 1024);
                return;
        }
        q = calloc(1, sizeof(*q));
        if (q)
                q->target = strndup(head->target.at, head->target.len);
        if (!q || !q->target) {
                free(q);
                reply_error(c, 503, "The gateway is out of memory.");
                return;
        }
        q->g = g;
        q->client = c;
        q->method = method_of(&head->method);
        q->rest = moved(rest, head->target.at, q->target);
        q->query = moved(&head->query, head->target.at, q->target);
        q->body.limit = LIMIT_JSON_BYTES;
        q->answer = route->answer;
        client_attach(c, &collect_ops, q, false);
        client_continue(c);
}

/* ---- the way from the head to the answer
 * --------------------------------------------------------- */

static void refuse_method(struct client *c, unsigned methods) {
        char allow[64];

        (void)snprintf(allow, sizeof(allow), "Allow: %s%s%s%s\r\n",
                       methods & API_GET ? "GET, HEAD" : "",
                       methods & API_POST ? (methods & API_GET ? ", POST" : "POST") : "",
                       methods & API_PUT ? ", PUT" : "", methods & API_DELETE ? ", DELETE" : "");
        reply_error_with(c, 405, allow, "This path does not take that method.");
}

static void run(struct gateway *g, struct client *c, const struct http_head *head,
                const struct http_text *rest, const struct api_route *route) {
        static const char sentence[] = "invalid credentials";

        if (route->auth == BASIC && !g->had_state) {
                reply_error(c, 503,
                            "This board's agent has not yet told who may do this; try again in a "
                            "moment.");
                return;
        }
        if (route->auth == BASIC &&
            !basic_auth_fits(http_header(head, "authorization"), g->user, g->password) &&
            !ui_session_fits(g->ui, c, head)) {
                /* a browser would ask for a password in a window of its own */
                reply_send(c, 401,
                           ui_is_page(head) ? "X-OpenFaaS-Internal: bramble\r\n"
                                            : "WWW-Authenticate: Basic realm=\"Restricted\"\r\n"
                                              "X-OpenFaaS-Internal: bramble\r\n",
                           "text/plain; charset=utf-8", sentence, sizeof(sentence) - 1);
                return;
        }
        if (route->stream)
                route->stream(g, c, head, rest);
        else
                collect(g, c, head, rest, route);
}

void api_handle(struct client *c, const struct http_head *head) {
        struct gateway *g = client_gateway(c);
        enum api_method method = method_of(&head->method);
        unsigned methods = 0;

        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                struct http_text rest;

                if (!route_match(routes[i].pattern, &head->path, &rest))
                        continue;
                if (routes[i].methods & method) {
                        run(g, c, head, &rest, &routes[i]);
                        return;
                }
                methods |= routes[i].methods;
        }
        if (methods)
                refuse_method(c, methods);
        else
                reply_error(c, 404, "There is nothing at this path.");
}

/* ---- for the resources
 * ----------------------------------------------------------------------------- */

static void on_agent_reply(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct api_request *q = arg;

        q->asked = NULL;
        if (code)
                api_reply_error(q, code, "%s", error);
        else if (q->wanted)
                api_reply_json(
                        q, q->asked_status,
                        cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(reply, q->wanted), true));
        else
                api_reply_empty(q, q->asked_status, "");
}

void api_ask_agent(struct api_request *q, cJSON *request, unsigned status) {
        int r = agent_ask(q->g->agent, request, on_agent_reply, q, &q->asked);

        q->asked_status = status;
        if (r == -EMSGSIZE)
                api_reply_error(q, 413, "The request is larger than the agent takes.");
        else if (r < 0)
                api_reply_error(q, 503,
                                "The agent of this board cannot be asked now; try again in a "
                                "moment.");
}

void api_ask_agent_for(struct api_request *q, cJSON *request, const char *key) {
        q->wanted = key;
        api_ask_agent(q, request, 200);
}

cJSON *api_body_json(struct api_request *q) {
        struct fail f = { 0 };
        cJSON *o = NULL;

        if (q->body.len == 0)
                api_reply_error(q, 400, "A JSON object is wanted as the body of this request.");
        else if (json_parse_object(q->body.data, q->body.len, &o, &f) < 0)
                api_reply_error(q, 400, "The body is wrong: %s.", fail_text(&f));
        else
                return o;
        return NULL;
}

bool api_function_name(struct api_request *q, const cJSON *body, char *ret_name,
                       char *ret_namespace) {
        char namespace[SIZE_NAME];
        const char *in_body = json_text(body, "namespace", "");
        struct route_function path;
        int r = route_query(&q->query, "namespace", namespace, sizeof(namespace));

        if (route_function(&q->rest, &path) < 0) {
                api_reply_error(q, 404, "This is no name of a function.");
                return false;
        }
        if (r < 0 && r != -ENOENT) {
                api_reply_error(q, 400, "The namespace in the query is wrong.");
                return false;
        }
        if (r == -ENOENT || !namespace[0])
                (void)str_copy(namespace, sizeof(namespace), in_body[0] ? in_body : path.namespace);
        (void)str_copy(ret_name, SIZE_NAME, path.name);
        (void)str_copy(ret_namespace, SIZE_NAME, namespace);
        return true;
}
