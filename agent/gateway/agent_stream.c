#include "gateway/agent_stream.h"

#include "base/buf.h"
#include "core/frame.h"
#include "gateway/agent.h"
#include "gateway/gateway.h"
#include "io/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STREAM = 1 };

struct agent_stream {
        struct gateway *g;
        const struct agent_stream_ops *ops; /* NULL: nothing is called any more */
        void *arg;
        uv_pipe_t pipe;
        uv_connect_t connect;
        uv_write_t write;
        char *text; /* the request */
        uint8_t header[FRAME_HEADER];
        bool connected, paused, taking;
        struct buf in;
};

static void on_closed(uv_handle_t *handle) {
        struct agent_stream *s = container_of(handle, struct agent_stream, pipe);

        buf_done(&s->in);
        free(s->text);
        free(s);
}

void agent_stream_close(struct agent_stream *s) {
        if (!s || uv_is_closing((uv_handle_t *)&s->pipe))
                return;
        s->ops = NULL;
        uv_close((uv_handle_t *)&s->pipe, on_closed);
}

static void end(struct agent_stream *s, unsigned code, const char *error) {
        const struct agent_stream_ops *ops = s->ops;
        void *arg = s->arg;

        agent_stream_close(s);
        if (ops)
                ops->end(arg, code, error);
}

static void lose(struct agent_stream *s) {
        end(s, 503, "The agent of this board cannot be asked now; try again in a moment.");
}

static void on_reply(struct agent_stream *s, const struct frame *f) {
        auto_json cJSON *o = cJSON_ParseWithLength((const char *)f->body, f->len);
        const char *error = json_text(o, "error", NULL);
        uint64_t code = 0;

        if (error && (json_number(o, "code", 599, &code) < 0 || code < 400))
                code = 500;
        if (code == 0 && o && s->ops->reply)
                s->ops->reply(s->arg, o);
        end(s, (unsigned)code, error);
}

static void on_event(struct agent_stream *s, const struct frame *f) {
        auto_json cJSON *o = cJSON_ParseWithLength((const char *)f->body, f->len);

        if (cJSON_IsObject(o))
                s->ops->event(s->arg, o);
}

/* Hands out the frames that are whole, until paused. */
static void take_frames(struct agent_stream *s) {
        size_t at = 0;

        s->taking = true;
        while (s->ops && !s->paused) {
                struct frame f;
                long used = frame_parse(s->in.data + at, s->in.len - at, &f);

                if (used == 0)
                        break;
                if (used < 0) {
                        lose(s);
                        break;
                }
                at += (size_t)used;
                if (f.type == FRAME_EVENT)
                        on_event(s, &f);
                else if (f.type == FRAME_REPLY)
                        on_reply(s, &f);
        }
        s->taking = false;
        if (at == s->in.len)
                buf_done(&s->in);
        else
                buf_consume(&s->in, at);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
        struct agent_stream *s = container_of(handle, struct agent_stream, pipe);

        (void)suggested;
        *buf = uv_buf_init(s->g->reader.bytes, sizeof(s->g->reader.bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
        struct agent_stream *s = container_of(stream, struct agent_stream, pipe);

        if (n == 0)
                return;
        if (n < 0 || buf_add(&s->in, buf->base, (size_t)n) < 0)
                lose(s);
        else
                take_frames(s);
}

static void on_written(uv_write_t *write, int status) {
        struct agent_stream *s = container_of(write, struct agent_stream, write);

        if (status < 0 && s->ops)
                lose(s);
}

static void on_connected(uv_connect_t *connect, int status) {
        struct agent_stream *s = container_of(connect, struct agent_stream, connect);
        uv_buf_t bufs[2] = { uv_buf_init((char *)s->header, FRAME_HEADER),
                             uv_buf_init(s->text, (unsigned)strlen(s->text)) };

        if (!s->ops)
                return; /* closed meanwhile */
        if (status < 0 || uv_write(&s->write, (uv_stream_t *)&s->pipe, bufs, 2, on_written) < 0 ||
            uv_read_start((uv_stream_t *)&s->pipe, on_alloc, on_read) < 0) {
                lose(s);
                return;
        }
        s->connected = true;
}

int agent_stream_open(struct gateway *g, cJSON *request, const struct agent_stream_ops *ops,
                      void *arg, struct agent_stream **ret) {
        struct agent_stream *s = calloc(1, sizeof(*s));
        char *text = request ? cJSON_PrintUnformatted(request) : NULL;
        int r = s && text ? 0 : -ENOMEM;

        cJSON_Delete(request);
        if (r == 0 && strlen(text) > FRAME_BODY_MAX)
                r = -EMSGSIZE;
        if (r == 0)
                r = uv_pipe_init(g->loop, &s->pipe, 0);
        if (r < 0) {
                free(text);
                free(s);
                return r;
        }
        s->g = g;
        s->ops = ops;
        s->arg = arg;
        s->text = text;
        s->in.limit = LIMIT_FRAME_BYTES + 4 + SOCK_READ_BYTES;
        frame_header(s->header, FRAME_REQUEST, STREAM, strlen(text));
        uv_pipe_connect(&s->connect, &s->pipe, agent_path(g->agent), on_connected);
        *ret = s;
        return 0;
}

void agent_stream_pause(struct agent_stream *s) {
        if (s->paused)
                return;
        s->paused = true;
        if (s->connected)
                (void)uv_read_stop((uv_stream_t *)&s->pipe);
}

void agent_stream_resume(struct agent_stream *s) {
        if (!s->paused || !s->ops)
                return;
        s->paused = false;
        if (!s->taking)
                take_frames(s);
        if (s->ops && !s->paused && s->connected)
                (void)uv_read_start((uv_stream_t *)&s->pipe, on_alloc, on_read);
}
