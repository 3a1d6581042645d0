#include "gateway/agent.h"

#include "base/buf.h"
#include "base/str.h"
#include "core/frame.h"
#include "gateway/gateway.h"
#include "gateway/load.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
        AGENT_BACKOFF_MS = 100,
        AGENT_BACKOFF_MAX_MS = 2000,
        AGENT_CALLS_MS = 500, /* scaling follows the load that closely */
        AGENT_WAKE_MS = 300,  /* a wake that nobody could lead is asked for again */
        AGENT_WATCH_STREAM = 1,
        AGENT_TRIM_BYTES = 256 * 1024, /* after a state this large memory is given back */
};

struct agent_request {
        struct list link;
        struct agent *agent;
        uint32_t stream;
        struct deadline deadline;
        agent_reply_cb done; /* NULL: forgotten */
        void *arg;
};

struct agent {
        struct gateway *g;
        const char *path;
        uv_pipe_t pipe;
        uv_connect_t connect;
        uv_timer_t retry, calls, wake;
        uint64_t told_ms; /* of calls, the last time */
        unsigned backoff_ms;
        bool connected, closing, calls_armed;
        uint32_t next_stream;
        struct buf in;
        struct list requests;
        unsigned n_requests;
};

/* ---- frames out --------------------------------------------------------------------------------
 */

struct agent_write {
        uv_write_t write;
        char *text;
        uint8_t header[FRAME_HEADER];
};

static void on_written(uv_write_t *write, int status) {
        struct agent_write *w = container_of(write, struct agent_write, write);

        (void)status; /* a broken pipe shows at the reader */
        explicit_bzero(w->text, strlen(w->text));
        free(w->text);
        free(w);
}

/* Sends one request frame; 'o' is freed. */
static int send_json(struct agent *a, uint32_t stream, cJSON *o) {
        struct agent_write *w = calloc(1, sizeof(*w));
        char *text = o ? cJSON_PrintUnformatted(o) : NULL;
        size_t len = text ? strlen(text) : 0;
        uv_buf_t bufs[2];
        int r = -ENOMEM;

        json_wipe(o); /* there may be a secret in it */
        cJSON_Delete(o);
        if (w && text && len <= LIMIT_FRAME_BYTES - FRAME_HEADER) {
                w->text = text;
                frame_header(w->header, FRAME_REQUEST, stream, len);
                bufs[0] = uv_buf_init((char *)w->header, FRAME_HEADER);
                bufs[1] = uv_buf_init(text, (unsigned)len);
                r = uv_write(&w->write, (uv_stream_t *)&a->pipe, bufs, 2, on_written);
                if (r == 0)
                        return 0;
        } else if (w && text) {
                r = -EMSGSIZE;
        }
        free(text);
        free(w);
        return r;
}

/* ---- requests
 * ------------------------------------------------------------------------------------ */

static void answer(struct agent_request *q, unsigned code, const char *error, const cJSON *reply) {
        list_remove(&q->link);
        q->agent->n_requests--;
        deadline_clear(&q->deadline);
        if (q->done)
                q->done(q->arg, code, error, reply);
        free(q);
}

static void on_expired(struct deadline *d) {
        answer(container_of(d, struct agent_request, deadline), 504,
               "The agent of this board does not answer; it may still do what was asked.", NULL);
}

static int ask(struct agent *a, cJSON *request, enum deadline_kind within, agent_reply_cb done,
               void *arg, struct agent_request **ret) {
        struct agent_request *q = a->connected ? calloc(1, sizeof(*q)) : NULL;
        int r;

        if (!q) {
                cJSON_Delete(request);
                return a->connected ? -ENOMEM : -ENOTCONN;
        }
        *q = (struct agent_request){ .agent = a, .done = done, .arg = arg };
        q->stream = a->next_stream++;
        r = send_json(a, q->stream, request);
        if (r < 0) {
                free(q);
                return r;
        }
        list_append(&a->requests, &q->link);
        a->n_requests++;
        deadline_init(&q->deadline, on_expired);
        deadline_set(&a->g->deadlines, &q->deadline, within);
        if (ret)
                *ret = q;
        return 0;
}

static int ask_if_few(struct agent *a, cJSON *request, enum deadline_kind within,
                      agent_reply_cb done, void *arg, struct agent_request **ret) {
        if (a->n_requests < GATEWAY_AGENT_REQUESTS)
                return ask(a, request, within, done, arg, ret);
        cJSON_Delete(request);
        return -EBUSY;
}

int agent_ask(struct agent *a, cJSON *request, agent_reply_cb done, void *arg,
              struct agent_request **ret) {
        return ask_if_few(a, request, DEADLINE_AGENT, done, arg, ret);
}

int agent_ask_soon(struct agent *a, cJSON *request, agent_reply_cb done, void *arg,
                   struct agent_request **ret) {
        return ask_if_few(a, request, DEADLINE_AGENT_SOON, done, arg, ret);
}

void agent_forget(struct agent_request *q) {
        q->done = NULL;
}

static void on_reply(struct agent *a, const struct frame *f) {
        struct agent_request *q, *next;
        auto_json cJSON *o = cJSON_ParseWithLength((const char *)f->body, f->len);
        const char *error = json_text(o, "error", NULL);
        uint64_t code = 0;

        if (error && (json_number(o, "code", 599, &code) < 0 || code < 400))
                code = 500;
        list_each(q, next, &a->requests, link) {
                if (q->stream == f->stream) {
                        answer(q, (unsigned)code, error, o);
                        return;
                }
        }
}

/* ---- calls
 * --------------------------------------------------------------------------------------- */

static void on_calls_told(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct agent *a = arg;

        (void)error;
        (void)reply;
        load_settle(a->g, code == 0);
        agent_note_calls(a);
}

static void on_calls_timer(uv_timer_t *timer) {
        struct agent *a = container_of(timer, struct agent, calls);
        uint64_t now = uv_now(a->g->loop), since;
        cJSON *request;

        a->calls_armed = false;
        /* away, or not yet confirmed: the answer or the next connection starts this again */
        if (!a->connected || load_under_way(a->g))
                return;
        since = now - a->told_ms;
        a->told_ms = now;
        request = load_collect(a->g, since < 2 * AGENT_CALLS_MS ? since : AGENT_CALLS_MS);
        if (!request || ask(a, request, DEADLINE_AGENT, on_calls_told, a, NULL) == 0)
                return;
        load_settle(a->g, false);
        agent_note_calls(a);
}

void agent_note_calls(struct agent *a) {
        if (!a || a->calls_armed || a->closing)
                return;
        a->calls_armed = true;
        (void)uv_timer_start(&a->calls, on_calls_timer, AGENT_CALLS_MS, 0);
}

/* ---- waking
 * -------------------------------------------------------------------------------------- */

struct waking {
        struct agent *agent;
        struct function *fn;
};

static void wake_wanted(struct agent *a);

static void on_wake_timer(uv_timer_t *timer) {
        wake_wanted(container_of(timer, struct agent, wake));
}

static void on_awake(void *arg, unsigned code, const char *error, const cJSON *reply) {
        struct waking *w = arg;
        struct agent *a = w->agent;
        struct function *fn = w->fn;

        (void)reply;
        free(w);
        fn->asking = false;
        if (code != 0)
                fn->waking = false;
        /* Nobody leads just now, or another than a moment ago: waking twice is waking once, so
         * those who wait go on to wait, as long as they would for the replica itself. */
        if (code == 503 && !a->closing) {
                (void)str_printable(fn->reason, sizeof(fn->reason), error, strlen(error));
                if (!uv_is_active((uv_handle_t *)&a->wake))
                        (void)uv_timer_start(&a->wake, on_wake_timer, AGENT_WAKE_MS, 0);
        } else if (code != 0) {
                function_fail_waiting(fn, error);
        }
        function_unref(fn);
}

void agent_wake(struct agent *a, struct function *fn) {
        struct waking *w = !a || fn->waking ? NULL : calloc(1, sizeof(*w));
        cJSON *request;

        if (!w)
                return; /* it is being woken, for all who wait */
        *w = (struct waking){ .agent = a, .fn = function_ref(fn) };
        fn->waking = fn->asking = true;
        request = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(request, "verb", "wake");
        (void)cJSON_AddStringToObject(request, "name", fn->name);
        (void)cJSON_AddStringToObject(request, "namespace", fn->namespace);
        if (ask(a, request, DEADLINE_AGENT, on_awake, w, NULL) == 0)
                return;
        fn->waking = fn->asking = false; /* away: the next state finds those who wait */
        free(w);
        function_unref(fn);
}

/* Calls that came while the last replica went. */
static void wake_wanted(struct agent *a) {
        const struct functions *fs = &a->g->functions;

        for (size_t i = 0; i < fs->n; i++)
                if (function_sleeps(fs->items[i]) && fs->items[i]->n_waiting > 0)
                        agent_wake(a, fs->items[i]);
}

/* ---- the state
 * ------------------------------------------------------------------------------------ */

static void copy_text(char *dst, size_t size, const cJSON *o, const char *key) {
        const char *text = json_text(o, key, NULL);

        if (text && str_copy(dst, size, text) < 0)
                log_warning("the agent told a '%s' that is too long", key);
}

static void take_state(struct agent *a, cJSON *state) {
        struct gateway *g = a->g;
        const cJSON *auth = cJSON_GetObjectItemCaseSensitive(state, "auth");
        cJSON *functions = cJSON_GetObjectItemCaseSensitive(state, "functions");
        int wrong;

        copy_text(g->cluster, sizeof(g->cluster), state, "cluster");
        copy_text(g->node, sizeof(g->node), state, "node");
        copy_text(g->arch, sizeof(g->arch), state, "arch");
        copy_text(g->user, sizeof(g->user), auth, "user");
        copy_text(g->password, sizeof(g->password), auth, "password");
        if (!cJSON_IsArray(functions))
                return;
        g->had_state = true;
        wrong = functions_update(&g->functions, functions);
        if (wrong != 0 && log_once("state"))
                log_warning("cannot use %d of the functions that the agent told", wrong);
        wake_wanted(a);
}

static void on_event(struct agent *a, const struct frame *f) {
        cJSON *state = cJSON_ParseWithLength((const char *)f->body, f->len);

        if (cJSON_IsObject(state)) {
                const cJSON *counts = cJSON_GetObjectItemCaseSensitive(state, "counts");

                log_again("no-json");
                if (counts)
                        functions_take_counts(&a->g->functions, counts);
                else
                        take_state(a, state);
        } else if (log_once("no-json")) {
                log_warning("the agent told a state that is no JSON object, it is ignored");
        }
        cJSON_Delete(state);
        if (f->len > AGENT_TRIM_BYTES)
                (void)malloc_trim(0);
}

/* ---- the connection
 * --------------------------------------------------------------------------------- */

static void start_connect(struct agent *a);

static void on_retry(uv_timer_t *timer) {
        start_connect(container_of(timer, struct agent, retry));
}

static void on_pipe_closed(uv_handle_t *handle) {
        struct agent *a = container_of(handle, struct agent, pipe);

        if (a->closing)
                return;
        (void)uv_timer_start(&a->retry, on_retry, a->backoff_ms, 0);
        a->backoff_ms =
                a->backoff_ms * 2 < AGENT_BACKOFF_MAX_MS ? a->backoff_ms * 2 : AGENT_BACKOFF_MAX_MS;
}

static void lose(struct agent *a, const char *why) {
        struct agent_request *q, *next;

        if (uv_is_closing((uv_handle_t *)&a->pipe))
                return;
        if (log_once("agent"))
                log_warning("no connection to the agent at %s, serving what was last known: %s",
                            a->path, why);
        a->connected = false;
        buf_done(&a->in);
        uv_close((uv_handle_t *)&a->pipe, on_pipe_closed);
        list_each(q, next, &a->requests, link)
                answer(q, 503, "The agent of this board went away; try again in a moment.", NULL);
}

static void on_frame(struct agent *a, const struct frame *f) {
        switch (f->type) {
        case FRAME_EVENT:
                if (f->stream == AGENT_WATCH_STREAM)
                        on_event(a, f);
                break;
        case FRAME_REPLY:
                if (f->stream == AGENT_WATCH_STREAM)
                        lose(a, "it ended the watch");
                else
                        on_reply(a, f);
                break;
        case FRAME_HELLO:
        case FRAME_VIEW:
        case FRAME_JOIN:
        case FRAME_JOINED:
        case FRAME_REPORT:
        case FRAME_ORDERS:
        case FRAME_REQUEST:
        case FRAME_DATA:
        case FRAME_END:
        case FRAME_RAFT:
        case FRAME_COUNTS:
        case FRAME_TYPE_MAX:
        default:
                lose(a, "it sent a frame that is not for a gateway");
        }
}

/* As frame_parse(), for states that are larger than a frame between boards may be. */
static long parse_frame(const uint8_t *p, size_t len, struct frame *ret) {
        uint32_t counted;

        if (len < FRAME_HEADER)
                return 0;
        counted = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        if (counted > GATEWAY_AGENT_FRAME_BYTES)
                return -EMSGSIZE;
        if (counted < FRAME_HEADER - 4)
                return -EBADMSG;
        if (len - 4 < counted)
                return 0;
        *ret = (struct frame){
                .type = p[4],
                .stream = (uint32_t)p[5] << 24 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 8 | p[8],
                .body = p + FRAME_HEADER,
                .len = counted + 4 - FRAME_HEADER,
        };
        return (long)counted + 4;
}

static void take_frames(struct agent *a) {
        size_t at = 0;

        while (a->connected) {
                struct frame f;
                long used = parse_frame((const uint8_t *)a->in.data + at, a->in.len - at, &f);

                if (used < 0) {
                        lose(a, "it sent a frame of a wrong size");
                        return;
                }
                if (used == 0)
                        break;
                at += (size_t)used;
                on_frame(a, &f);
        }
        if (!a->connected)
                return;
        if (at == a->in.len)
                buf_done(&a->in);
        else
                buf_consume(&a->in, at);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
        struct agent *a = container_of(handle, struct agent, pipe);

        (void)suggested;
        *buf = uv_buf_init(a->g->reader.bytes, sizeof(a->g->reader.bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct agent *a = container_of(stream, struct agent, pipe);

        if (n == 0)
                return;
        if (n < 0) {
                lose(a, n == UV_EOF ? "it closed the connection" : uv_strerror((int)n));
                return;
        }
        if (buf_add(&a->in, buf->base, (size_t)n) < 0) {
                lose(a, "out of memory");
                return;
        }
        take_frames(a);
}

static void on_connected(uv_connect_t *connect, int status) {
        struct agent *a = container_of(connect, struct agent, connect);
        cJSON *watch;

        if (a->closing || status == UV_ECANCELED)
                return;
        if (status == 0)
                status = uv_read_start((uv_stream_t *)&a->pipe, on_alloc, on_read);
        if (status < 0) {
                lose(a, uv_strerror(status));
                return;
        }
        a->connected = true;
        a->backoff_ms = AGENT_BACKOFF_MS;
        a->next_stream = AGENT_WATCH_STREAM + 1;
        if (!log_once("agent"))
                log_info("connected to the agent again");
        log_again("agent");
        watch = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(watch, "verb", "watch");
        if (send_json(a, AGENT_WATCH_STREAM, watch) < 0)
                lose(a, "cannot ask it for the state");
        else
                agent_note_calls(a);
}

static void start_connect(struct agent *a) {
        if (a->closing)
                return;
        (void)uv_pipe_init(a->g->loop, &a->pipe, 0);
        uv_pipe_connect(&a->connect, &a->pipe, a->path, on_connected);
}

const char *agent_path(const struct agent *a) {
        return a->path;
}

int agent_open(struct gateway *g, const char *path, struct agent **ret) {
        struct agent *a;

        if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
                return -ENAMETOOLONG;
        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        *a = (struct agent){ .g = g, .path = path, .backoff_ms = AGENT_BACKOFF_MS };
        a->in.limit = GATEWAY_AGENT_FRAME_BYTES + SOCK_READ_BYTES;
        list_init(&a->requests);
        (void)uv_timer_init(g->loop, &a->retry);
        (void)uv_timer_init(g->loop, &a->calls);
        (void)uv_timer_init(g->loop, &a->wake);
        start_connect(a);
        *ret = a;
        return 0;
}

void agent_close(struct agent *a) {
        cJSON *last;

        if (a->closing)
                return;
        a->closing = true;
        /* the last calls count too: on a unix socket with room they are gone at once */
        if (a->connected && !load_under_way(a->g) && (last = load_collect(a->g, AGENT_CALLS_MS)))
                (void)send_json(a, a->next_stream++, last);
        (void)log_once("agent"); /* wanted: nothing to say */
        lose(a, "");
        uv_close((uv_handle_t *)&a->retry, NULL);
        uv_close((uv_handle_t *)&a->calls, NULL);
        uv_close((uv_handle_t *)&a->wake, NULL);
}

void agent_free(struct agent *a) {
        if (a)
                buf_done(&a->in);
        free(a);
}
