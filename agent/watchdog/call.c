#include "watchdog/call.h"

#include "watchdog/connection.h"
#include "watchdog/log.h"
#include "watchdog/mode.h"

#include <errno.h>

static const struct mode *mode_of(const struct call *c) {
        switch (c->dog->options.mode) {
        case MODE_CLASSIC:
        case MODE_STREAMING:
        case MODE_SERIALIZING:
                break;
        case MODE_HTTP:
                return &mode_http;
        case MODE_STATIC:
                return &mode_static;
        }
        return &mode_fork;
}

void call_begin(struct call *c, struct watchdog *dog, struct connection *connection,
                const struct http_head *head) {
        usec_t limit = dog->options.exec_timeout_usec;

        *c = (struct call){ .dog = dog, .connection = connection, .active = true };
        c->started = loop_now();
        c->deadline = limit ? usec_add(c->started, limit) : USEC_NEVER;
        dog->inflight++;
        mode_of(c)->begin(c, head);
}

size_t call_body(struct call *c, const char *data, size_t len) {
        return mode_of(c)->body(c, data, len);
}

ssize_t call_splice(struct call *c, int socket, uint64_t len) {
        const struct mode *m = mode_of(c);

        return m->splice ? m->splice(c, socket, len) : -EOPNOTSUPP;
}

void call_body_end(struct call *c) {
        mode_of(c)->body_end(c);
}

void call_drained(struct call *c) {
        if (!c->active || !c->paused)
                return;
        c->paused = false;
        mode_of(c)->drained(c);
}

void call_overdue(struct call *c) {
        mode_of(c)->overdue(c);
}

void call_end(struct call *c) {
        mode_of(c)->end(c);
        c->active = c->paused = false;
        c->deadline = USEC_NEVER;
        c->dog->inflight--;
}

void call_cancel(struct call *c) {
        if (c->active)
                call_end(c);
}

void call_fail(struct call *c, unsigned status, const char *text) {
        bool streaming = c->streaming;

        call_end(c);
        log_line("%s", text);
        if (streaming)
                connection_stream_end(c->connection, false);
        else
                connection_answer_text(c->connection, status, text);
}

void call_log_wrote(const struct call *c) {
        usec_t took = loop_now() - c->started;

        log_line("Wrote %llu Bytes - Duration: %llu.%06llus", (unsigned long long)c->wrote,
                 (unsigned long long)(took / USEC_PER_SEC),
                 (unsigned long long)(took % USEC_PER_SEC));
}
