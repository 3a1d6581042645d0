/* api - which path is answered by whom; requests whose body is read before they are answered. */
#ifndef BRAMBLE_GATEWAY_API_H
#define BRAMBLE_GATEWAY_API_H

#include "base/buf.h"
#include "core/http_parse.h"

#include <cjson/cJSON.h>

struct client;
struct gateway;

enum api_method {
        API_GET = 1 << 0, /* and HEAD */
        API_POST = 1 << 1,
        API_PUT = 1 << 2,
        API_DELETE = 1 << 3,
        API_OTHER = 1 << 4,
        API_ANY = API_GET | API_POST | API_PUT | API_DELETE | API_OTHER,
};

/* The server's handler: finds the route, checks the credentials, and starts the answer. */
void api_handle(struct client *c, const struct http_head *head);

/* A request with its whole body. */
struct api_request {
        struct gateway *g;
        struct client *client;
        enum api_method method;
        struct http_text rest;  /* what the pattern's star took of the path */
        struct http_text query; /* of zero length where there is none */
        struct buf body;
        void (*answer)(struct api_request *q);
        struct agent_request *asked;
        unsigned asked_status; /* the answer to the client where the agent has done it */
        const char *wanted;    /* the part of the agent's answer that is ours; NULL: none */
        void *state; /* the resource's own; 'forget' frees it where the client went away */
        void (*forget)(void *state);
        char *target; /* what 'rest' and 'query' look at */
};

/* Every answer() ends with exactly one of these, now or later; 'q' is gone after it. */
void api_reply_json(struct api_request *q, unsigned status, cJSON *o); /* frees 'o' */
void api_reply_empty(struct api_request *q, unsigned status, const char *headers);
void api_reply_error(struct api_request *q, unsigned status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Asks the agent ('request' is freed): its error becomes ours, its success is 'status', empty. */
void api_ask_agent(struct api_request *q, cJSON *request, unsigned status);

/* The same; its success is 200 with what the agent's answer has under 'key' (borrowed). */
void api_ask_agent_for(struct api_request *q, cJSON *request, const char *key);
/* The client, to be answered without 'q', which is gone. */
struct client *api_take_client(struct api_request *q);

/* The body as a JSON object; NULL, and the request was answered with 400, where it is none. */
cJSON *api_body_json(struct api_request *q);

/* A function as the request names it: 'rest' is NAME or NAME.NAMESPACE, 'namespace' in the query or
 * (not NULL) in 'body' wins.  Buffers of SIZE_NAME bytes.  False: the request was answered. */
bool api_function_name(struct api_request *q, const cJSON *body, char *ret_name,
                       char *ret_namespace);

/* ---- the resources, each in its own file ----------------------------------------------------- */

void api_functions_list(struct api_request *q);   /* GET /system/functions */
void api_functions_deploy(struct api_request *q); /* POST, PUT */
void api_functions_remove(struct api_request *q); /* DELETE */
void api_function_show(struct api_request *q);    /* GET /system/function/NAME */
void api_function_scale(struct api_request *q);   /* POST /system/scale-function/NAME */
void api_info(struct api_request *q);             /* GET /system/info */
void api_store(struct api_request *q);            /* GET /store */
void api_healthz(struct api_request *q);          /* GET /healthz */
void api_root(struct api_request *q);             /* GET / */

void api_secrets_list(struct api_request *q);     /* GET /system/secrets */
void api_secrets_change(struct api_request *q);   /* POST, PUT, DELETE */
void api_namespaces_list(struct api_request *q);  /* GET /system/namespaces */
void api_namespace_show(struct api_request *q);   /* GET /system/namespace/NAME */
void api_namespace_set(struct api_request *q);    /* POST, PUT */
void api_namespace_remove(struct api_request *q); /* DELETE */
void api_logs(struct api_request *q);             /* GET /system/logs */
void api_alert(struct api_request *q);            /* POST /system/alert */

/* The gateway stops: those that read logs are at their end. */
void api_logs_stop(struct gateway *g);

#endif
