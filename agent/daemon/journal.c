#include "daemon/journal.h"

#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

enum { BATCH = 200, TEXT_BYTES = 8 * 1024, FIELD_BYTES = 80 };

struct journal {
        sd_journal *sd;
        bool follow;
        bool paused;
        uint64_t since_usec;
        uv_poll_t poll;
        uv_idle_t idle; /* the lines that exist already, a batch a turn of the loop */
        unsigned handles;
        void (*line)(void *arg, const struct journal_line *line);
        void (*end)(void *arg);
        void *arg;
};

static void get(sd_journal *sd, const char *field, char *dst, size_t size) {
        const void *data;
        size_t len, skip = strlen(field) + 1;

        dst[0] = '\0';
        if (sd_journal_get_data(sd, field, &data, &len) < 0 || len < skip)
                return;
        len -= skip;
        if (len > size - 1)
                len = size - 1;
        memcpy(dst, (const char *)data + skip, len);
        dst[len] = '\0';
}

static void tell(struct journal *j) {
        char text[TEXT_BYTES], function[FIELD_BYTES], namespace[FIELD_BYTES], instance[16];
        struct journal_line line = { function, namespace, instance, text, 0 };

        (void)sd_journal_get_realtime_usec(j->sd, &line.realtime_usec);
        if (line.realtime_usec < j->since_usec)
                return;
        get(j->sd, "MESSAGE", text, sizeof(text));
        get(j->sd, "BRAMBLE_FUNCTION", function, sizeof(function));
        get(j->sd, "BRAMBLE_NAMESPACE", namespace, sizeof(namespace));
        get(j->sd, "BRAMBLE_INSTANCE", instance, sizeof(instance));
        j->line(j->arg, &line);
}

static void closed(uv_handle_t *handle) {
        struct journal *j = handle->data;

        if (--j->handles > 0)
                return;
        sd_journal_close(j->sd);
        free(j);
}

void journal_stop(struct journal *j) {
        if (!j)
                return;
        uv_close((uv_handle_t *)&j->idle, closed);
        if (j->follow)
                uv_close((uv_handle_t *)&j->poll, closed);
}

static void on_idle(uv_idle_t *idle) {
        struct journal *j = idle->data;

        for (int i = 0; i < BATCH && !j->paused; i++) {
                if (sd_journal_next(j->sd) > 0) {
                        tell(j);
                        continue;
                }
                (void)uv_idle_stop(idle);
                if (j->follow)
                        return;
                j->end(j->arg);
                journal_stop(j);
                return;
        }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
        struct journal *j = poll->data;

        (void)status;
        (void)events;
        if (sd_journal_process(j->sd) != SD_JOURNAL_NOP && !j->paused)
                (void)uv_idle_start(&j->idle, on_idle);
}

void journal_pause(struct journal *j) {
        j->paused = true;
        (void)uv_idle_stop(&j->idle);
}

void journal_resume(struct journal *j) {
        if (!j->paused)
                return;
        j->paused = false;
        (void)uv_idle_start(&j->idle, on_idle);
}

static int match(sd_journal *sd, const char *field, const char *value) {
        char text[FIELD_BYTES + 32];

        (void)snprintf(text, sizeof(text), "%s=%s", field, value);
        return sd_journal_add_match(sd, text, 0);
}

/* Stands before the newest 'tail' lines; nothing older than 'since' is worth reading. */
static int seek(sd_journal *sd, uint32_t tail, uint64_t since_usec) {
        int r;

        if (tail == JOURNAL_ALL)
                return since_usec ? sd_journal_seek_realtime_usec(sd, since_usec)
                                  : sd_journal_seek_head(sd);
        r = sd_journal_seek_tail(sd);
        if (r >= 0) /* with 0 too: what is next after the tail is the newest line once more */
                r = sd_journal_previous_skip(sd, (uint64_t)tail + 1);
        if (r >= 0 && tail > 0 && (uint32_t)r <= tail)
                r = sd_journal_seek_head(sd); /* there are fewer */
        return r;
}

static int match_query(sd_journal *sd, const struct journal_query *q) {
        int r = match(sd, "BRAMBLE_FUNCTION", q->function);

        if (r >= 0)
                r = match(sd, "BRAMBLE_NAMESPACE", q->namespace);
        if (r >= 0)
                r = match(sd, "SYSLOG_IDENTIFIER", q->function);
        if (r >= 0 && q->instance[0])
                r = match(sd, "BRAMBLE_INSTANCE", q->instance);
        return r;
}

int journal_read(uv_loop_t *loop, const struct journal_query *q,
                 void (*line)(void *arg, const struct journal_line *line), void (*end)(void *arg),
                 void *arg, struct journal **ret) {
        struct journal *j = calloc(1, sizeof(*j));
        bool follow = q->follow;
        int r, fd = -1;

        if (!j)
                return -ENOMEM;
        *j = (struct journal){ .line = line, .end = end, .arg = arg, .since_usec = q->since_usec };
        r = sd_journal_open(&j->sd, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0) {
                free(j);
                return r;
        }
        if ((r = match_query(j->sd, q)) < 0 || (r = seek(j->sd, q->tail, q->since_usec)) < 0 ||
            (follow && (r = fd = sd_journal_get_fd(j->sd)) < 0) ||
            (follow && (r = uv_poll_init(loop, &j->poll, fd)) < 0)) {
                sd_journal_close(j->sd);
                free(j);
                return r;
        }
        j->follow = follow;
        j->handles = 1 + follow;
        j->poll.data = j;
        j->idle.data = j;
        (void)uv_idle_init(loop, &j->idle);
        (void)uv_idle_start(&j->idle, on_idle);
        if (follow)
                (void)uv_poll_start(&j->poll, UV_READABLE, on_poll);
        *ret = j;
        return 0;
}
