/* /system/logs: what a function wrote, on all boards, a line at a time. */
#include "base/scope.h"
#include "base/str.h"
#include "core/rfc3339.h"
#include "core/route.h"
#include "gateway/agent_stream.h"
#include "gateway/api.h"
#include "gateway/client.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "io/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_ALL UINT32_MAX /* the agent's word for every line */

/* One client that reads. */
struct log_reader {
        struct list link; /* the gateway's */
        struct gateway *g;
        struct client *client;
        struct agent_stream *stream;
        bool begun; /* the head is sent */
        bool chunked;
};

static void reader_free(struct log_reader *l) {
        list_remove(&l->link);
        l->g->n_log_readers--;
        free(l);
}

/* ---- what is asked for ------------------------------------------------------------------------
 */

/* A value of the query, "" where it is absent. False, and answered, where it is wrong. */
static bool get(struct api_request *q, const char *key, char *ret, size_t size) {
        int r = route_query(&q->query, key, ret, size);

        if (r == 0)
                return true;
        ret[0] = '\0';
        if (r == -ENOENT)
                return true;
        api_reply_error(q, 400, "'%s' in the query is wrong or too long.", key);
        return false;
}

/* As faas-provider has it: no number, 0 or less are all lines. */
static bool get_tail(struct api_request *q, cJSON *request) {
        char text[24];
        uint64_t n = 0;

        if (!get(q, "tail", text, sizeof(text)))
                return false;
        if (text[0] && str_to_u64(text[0] == '-' ? text + 1 : text, INT32_MAX, &n) < 0) {
                api_reply_error(q, 400, "'tail' has to be a number of lines, or -1 for all.");
                return false;
        }
        (void)cJSON_AddNumberToObject(request, "tail",
                                      n == 0 || text[0] == '-' ? TAIL_ALL : (double)n);
        return true;
}

static bool get_since(struct api_request *q, cJSON *request) {
        char text[64];
        uint64_t usec = 0;

        if (!get(q, "since", text, sizeof(text)))
                return false;
        if (text[0] && rfc3339_parse(text, &usec) < 0) {
                api_reply_error(q, 400,
                                "'since' has to be a time like 2026-11-25T07:02:03Z (RFC 3339).");
                return false;
        }
        if (usec)
                (void)cJSON_AddNumberToObject(request, "since_usec", (double)usec);
        return true;
}

static bool get_follow(struct api_request *q, cJSON *request) {
        static const struct {
                const char *text;
                bool yes;
        } words[] = { { "", false },      { "0", false },     { "f", false },   { "1", true },
                      { "false", false }, { "False", false }, { "t", true },    { "true", true },
                      { "True", true },   { "T", true },      { "TRUE", true }, { "F", false },
                      { "FALSE", false } };
        char text[8];

        if (!get(q, "follow", text, sizeof(text)))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (!str_eq(words[i].text, text))
                        continue;
                (void)cJSON_AddBoolToObject(request, "follow", words[i].yes);
                return true;
        }
        api_reply_error(q, 400, "'follow' has to be true or false.");
        return false;
}

/* "hello-7", as a replica's own host name is, or the number alone. */
static bool get_instance(struct api_request *q, const char *name, cJSON *request) {
        char text[2 * SIZE_NAME];
        const char *at = text;
        size_t len = strlen(name);
        uint64_t id;

        if (!get(q, "instance", text, sizeof(text)))
                return false;
        if (!text[0])
                return true;
        if (strncmp(text, name, len) == 0 && text[len] == '-')
                at = text + len + 1;
        if (str_to_u64(at, UINT32_MAX, &id) < 0) {
                api_reply_error(q, 400, "'instance' has to be one of the function's replicas.");
                return false;
        }
        (void)cJSON_AddStringToObject(request, "instance", at);
        return true;
}

/* Which function: NAME, or NAME.NAMESPACE; 'namespace' wins. */
static bool get_function(struct api_request *q, cJSON *request, char *ret_name) {
        char name[2 * SIZE_NAME], namespace[SIZE_NAME];
        struct route_function path;

        if (!get(q, "name", name, sizeof(name)) ||
            !get(q, "namespace", namespace, sizeof(namespace)))
                return false;
        if (!name[0]) {
                api_reply_error(q, 400, "'name' has to be in the query: the function's.");
                return false;
        }
        if (route_function(&(struct http_text){ name, strlen(name) }, &path) < 0 ||
            path.rest.len > 0) {
                api_reply_error(q, 400, "'name' is no name of a function.");
                return false;
        }
        if (!namespace[0])
                memcpy(namespace, path.namespace, sizeof(namespace));
        if (!functions_find(&q->g->functions, path.name, namespace)) {
                api_reply_error(q, 404, "There is no function '%s' in the namespace '%s'.",
                                path.name, namespace);
                return false;
        }
        (void)cJSON_AddStringToObject(request, "name", path.name);
        (void)cJSON_AddStringToObject(request, "namespace", namespace);
        memcpy(ret_name, path.name, SIZE_NAME);
        return true;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static void give_up(struct log_reader *l) {
        struct client *c = l->client;

        agent_stream_close(l->stream);
        reader_free(l);
        client_abort(c);
}

static bool send_head(struct log_reader *l) {
        char head[512];
        int n = snprintf(head, sizeof(head),
                         "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
                         "X-Content-Type-Options: nosniff\r\n%s%s\r\n",
                         l->chunked ? "Transfer-Encoding: chunked\r\n" : "",
                         client_connection_line(l->client, !l->chunked));
        uv_buf_t buf = uv_buf_init(head, (unsigned)n);

        l->begun = true;
        if (client_write(l->client, &buf, 1) >= 0)
                return true;
        give_up(l);
        return false;
}

static char *line_text(const cJSON *event) {
        auto_json cJSON *o = cJSON_CreateObject();
        char when[RFC3339_SIZE];
        uint64_t usec = 0;

        (void)json_number(event, "timestamp_usec", UINT64_MAX, &usec);
        (void)cJSON_AddStringToObject(o, "name", json_text(event, "name", ""));
        (void)cJSON_AddStringToObject(o, "namespace", json_text(event, "namespace", ""));
        (void)cJSON_AddStringToObject(o, "instance", json_text(event, "instance", ""));
        (void)cJSON_AddStringToObject(o, "timestamp", rfc3339_text(when, usec));
        (void)cJSON_AddStringToObject(o, "text", json_text(event, "text", ""));
        return cJSON_PrintUnformatted(o);
}

static void on_event(void *arg, const cJSON *event) {
        struct log_reader *l = arg;
        auto_free char *text = NULL;
        char size[24], line_end[] = "\n\r\n";
        uv_buf_t bufs[3];
        int r;

        if (!l->begun && !send_head(l))
                return;
        text = json_text(event, "text", NULL) ? line_text(event) : NULL;
        if (!text)
                return; /* it only says that lines will come */
        (void)snprintf(size, sizeof(size), "%zx\r\n", strlen(text) + 1);
        bufs[0] = uv_buf_init(size, l->chunked ? (unsigned)strlen(size) : 0);
        bufs[1] = uv_buf_init(text, (unsigned)strlen(text));
        bufs[2] = uv_buf_init(line_end, l->chunked ? 3 : 1);
        r = client_write(l->client, bufs, 3);
        if (r < 0)
                give_up(l);
        else if (r > 0)
                agent_stream_pause(l->stream);
}

static void finish(struct log_reader *l) {
        char zero[] = "0\r\n\r\n";
        uv_buf_t last = uv_buf_init(zero, sizeof(zero) - 1);
        struct client *c = l->client;
        int r = l->chunked ? client_write(c, &last, 1) : 0;

        reader_free(l);
        if (r < 0)
                client_abort(c);
        else
                client_finish(c);
}

static void on_end(void *arg, unsigned code, const char *error) {
        struct log_reader *l = arg;
        struct client *c = l->client;

        l->stream = NULL;
        if (code && !l->begun) {
                reader_free(l);
                reply_error(c, code, "%s", error);
        } else if (code) {
                give_up(l); /* the client must not take it for the end */
        } else if (l->begun || send_head(l)) {
                finish(l);
        }
}

static const struct agent_stream_ops stream_ops = { .event = on_event, .end = on_end };

static void on_drained(void *arg) {
        struct log_reader *l = arg;

        if (l->stream)
                agent_stream_resume(l->stream);
}

static void on_closed(void *arg) {
        struct log_reader *l = arg;

        agent_stream_close(l->stream);
        reader_free(l);
}

static const struct exchange_ops exchange_ops = {
        .drained = on_drained,
        .closed = on_closed,
};

static void start(struct api_request *q, cJSON *request) {
        struct gateway *g = q->g;
        struct log_reader *l = calloc(1, sizeof(*l));
        struct client *c;

        if (!l) {
                cJSON_Delete(request);
                api_reply_error(q, 503, "The gateway is out of memory.");
                return;
        }
        c = api_take_client(q);
        *l = (struct log_reader){ .g = g, .client = c, .chunked = !client_is_old(c) };
        list_append(&g->log_readers, &l->link);
        g->n_log_readers++;
        if (agent_stream_open(g, request, &stream_ops, l, &l->stream) < 0) {
                reader_free(l);
                reply_error(c, 503, "The gateway is out of memory.");
                return;
        }
        client_attach(c, &exchange_ops, l, false);
        client_endless(c);
}

void api_logs(struct api_request *q) {
        cJSON *request = cJSON_CreateObject();
        char name[SIZE_NAME];

        (void)cJSON_AddStringToObject(request, "verb", "logs");
        if (!get_function(q, request, name) || !get_instance(q, name, request) ||
            !get_since(q, request) || !get_tail(q, request) || !get_follow(q, request)) {
                cJSON_Delete(request);
        } else if (q->g->n_log_readers >= GATEWAY_LOG_READERS) {
                cJSON_Delete(request);
                api_reply_error(q, 503, "More than %d read logs here already; try another board.",
                                GATEWAY_LOG_READERS);
        } else if (client_is_head(q->client)) {
                cJSON_Delete(request);
                api_reply_empty(q, 200, "Content-Type: application/x-ndjson\r\n");
        } else {
                (void)cJSON_AddTrueToObject(request, "greet");
                start(q, request);
        }
}

void api_logs_stop(struct gateway *g) {
        struct log_reader *l, *next;

        list_each(l, next, &g->log_readers, link) {
                agent_stream_close(l->stream);
                l->stream = NULL;
                if (l->begun)
                        finish(l);
                else
                        give_up(l);
        }
}
