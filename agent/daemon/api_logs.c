/* api_logs - the lines that a function wrote, from the journals of all boards that run it. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/api.h"
#include "daemon/journal.h"
#include "daemon/peers.h"
#include "io/file_log.h"
#include "io/json.h"
#include "io/log.h"
#include "io/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_MOST = 10000, TAIL_DEFAULT = 100 };

/* ---- one board's lines
 * ------------------------------------------------------------------------------------ */

/* The asker has taken less than it was sent: wait for 'drained'. */
static bool behind(const struct request *q) {
        return q->link && link_queued(q->link) > LINK_QUEUE_HIGH;
}

/* Functions write what they like; JSON is UTF-8. */
static void add_text(cJSON *o, const char *text) {
        auto_free char *copy = strdup(text);

        (void)cJSON_AddStringToObject(o, "text", copy ? str_utf8(copy) : "");
}

static void tell(struct request *q, const struct journal_line *line) {
        cJSON *o = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(o, "name", line->function);
        (void)cJSON_AddStringToObject(o, "namespace", line->namespace);
        (void)cJSON_AddStringToObject(o, "instance", line->instance);
        (void)cJSON_AddStringToObject(o, "node", q->agent->name);
        (void)cJSON_AddNumberToObject(o, "timestamp_usec", (double)line->realtime_usec);
        add_text(o, line->text);
        (void)request_event(q, o);
        cJSON_Delete(o);
}

static void on_line(void *arg, const struct journal_line *line) {
        struct request *q = arg;

        tell(q, line);
        if (behind(q))
                journal_pause(q->state);
}

static void on_end(void *arg) {
        struct request *q = arg;

        q->state = NULL;
        request_reply(q, cJSON_CreateObject());
        request_unref(q);
}

static void lines_drained(struct request *q) {
        if (q->state)
                journal_resume(q->state);
}

static void lines_gone(struct request *q) {
        if (!q->state)
                return;
        journal_stop(q->state);
        q->state = NULL;
        request_unref(q);
}

/* What is asked for; false, and answered, where it makes no sense.  Borrows from the request. */
static bool get_query(struct request *q, struct journal_query *ret) {
        const char *name = json_text(q->args, "name", "");
        const char *namespace = json_text(q->args, "namespace", "openfaas-fn");
        const char *instance = json_text(q->args, "instance", "");
        uint64_t tail = TAIL_DEFAULT, since = 0;

        if (!spec_name_ok(name) || !spec_name_ok(namespace)) {
                request_fail(q, 400, "'%.64s' is no function name", name);
                return false;
        }
        if (strlen(instance) >= SIZE_NAME) {
                request_fail(q, 400, "'%.64s' is no replica", instance);
                return false;
        }
        (void)json_number(q->args, "tail", JOURNAL_ALL, &tail);
        if (tail > TAIL_MOST && tail != JOURNAL_ALL)
                tail = TAIL_MOST; /* to step over them takes the loop's time */
        (void)json_number(q->args, "since_usec", UINT64_MAX, &since);
        *ret = (struct journal_query){ .function = name,
                                       .namespace = namespace,
                                       .instance = instance,
                                       .tail = (uint32_t)tail,
                                       .since_usec = since,
                                       .follow = json_bool(q->args, "follow") };
        return true;
}

/* Where there is no journal: what the files have, at once; they cannot be followed. */
struct from_files {
        struct request *q;
        const struct journal_query *query;
};

static void on_file_line(void *arg, const struct file_log_line *line) {
        const struct from_files *from = arg;
        const struct journal_query *query = from->query;
        char instance[16];
        struct journal_line l = { query->function, query->namespace, instance, line->text,
                                  line->realtime_usec };

        (void)snprintf(instance, sizeof(instance), "%u", line->instance);
        if (line->realtime_usec >= query->since_usec &&
            (!query->instance[0] || str_eq(query->instance, instance)))
                tell(from->q, &l);
}

static void read_files(struct request *q, const struct journal_query *query) {
        struct from_files from = { q, query };
        char dir[SIZE_PATH + 8];

        (void)snprintf(dir, sizeof(dir), "%s/log", q->agent->config.run_dir);
        (void)file_log_read(dir, query->function, query->namespace,
                            query->tail > TAIL_MOST ? TAIL_MOST : query->tail, on_file_line, &from);
}

void verb_log_lines(struct request *q) {
        struct journal_query query;
        struct journal *journal;
        int r;

        if (!get_query(q, &query))
                return;
        if (!log_has_journal()) {
                read_files(q, &query);
                request_reply(q, cJSON_CreateObject());
                return;
        }
        q->on_gone = lines_gone;
        q->on_drained = lines_drained;
        r = journal_read(q->agent->loop, &query, on_line, on_end, request_ref(q), &journal);
        if (r < 0) {
                request_fail(q, 500, "this board's journal cannot be read: %s", strerror(-r));
                request_unref(q);
                return;
        }
        q->state = journal;
}

/* ---- all boards' lines
 * ------------------------------------------------------------------------------------ */

struct source {
        struct source *next;
        struct gathering *all;
        struct link *link;
};

struct gathering {
        struct request *q;
        unsigned left; /* boards that have not finished */
        struct source *sources;
        struct journal *own; /* this board's lines, NULL once read */
};

/* One board has told all its lines. */
static void one_done(struct gathering *g) {
        if (--g->left > 0)
                return;
        g->q->state = NULL;
        request_reply(g->q, cJSON_CreateObject());
        request_unref(g->q);
        free(g);
}

static void source_done(struct source *s) {
        struct gathering *g = s->all;

        for (struct source **p = &g->sources; *p; p = &(*p)->next) {
                if (*p != s)
                        continue;
                *p = s->next;
                break;
        }
        free(s);
        one_done(g);
}

static void source_open(struct link *l, void *arg) {
        struct source *s = arg;
        auto_json cJSON *o = cJSON_Duplicate(s->all->q->args, true);
        auto_free char *text = NULL;

        cJSON_ReplaceItemInObjectCaseSensitive(o, "verb", cJSON_CreateString("log-lines"));
        text = cJSON_PrintUnformatted(o);
        if (!text || peers_hello(s->all->q->agent, l, PURPOSE_API) < 0 ||
            link_send(l, FRAME_REQUEST, 1, text, strlen(text)) < 0)
                link_close(l);
}

static void source_frame(struct link *l, void *arg, const struct frame *f) {
        struct source *s = arg;

        struct request *q = s->all->q;

        if (f->type == FRAME_EVENT && q->link) {
                (void)link_send(q->link, FRAME_EVENT, q->stream, f->body, f->len);
                if (behind(q))
                        link_pause(l);
        } else if (f->type == FRAME_REPLY) {
                peers_discard(l);
                source_done(s);
        }
}

static void source_closed(struct link *l, void *arg, int error, const char *why) {
        (void)l;
        (void)error;
        (void)why;
        source_done(arg);
}

static const struct link_ops source_ops = { .open = source_open,
                                            .frame = source_frame,
                                            .closed = source_closed };

static void gathering_drained(struct request *q) {
        struct gathering *g = q->state;

        if (!g)
                return;
        for (struct source *s = g->sources; s; s = s->next)
                link_resume(s->link);
        if (g->own)
                journal_resume(g->own);
}

static void gathering_gone(struct request *q) {
        struct gathering *g = q->state;

        if (!g)
                return;
        q->state = NULL;
        while (g->sources) {
                struct source *s = g->sources;

                g->sources = s->next;
                if (s->link)
                        peers_discard(s->link);
                free(s);
        }
        journal_stop(g->own);
        request_unref(q);
        free(g);
}

static void on_own_line(void *arg, const struct journal_line *line) {
        struct gathering *g = arg;

        tell(g->q, line);
        if (behind(g->q))
                journal_pause(g->own);
}

static void on_own_end(void *arg) {
        struct gathering *g = arg;

        g->own = NULL;
        one_done(g);
}

static void add_source(struct gathering *g, uint64_t node) {
        struct source *s = calloc(1, sizeof(*s));

        if (!s)
                return;
        s->all = g;
        if (peers_dial(g->q->agent, node, &source_ops, s, &s->link) < 0) {
                free(s);
                return;
        }
        s->next = g->sources;
        g->sources = s;
        g->left++;
}

void verb_logs(struct request *q) {
        struct agent *a = q->agent;
        struct journal_query query;
        struct gathering *g;

        if (!get_query(q, &query))
                return;
        if (!world_function(&a->world, query.function, query.namespace)) {
                request_fail(q, 404, "function %.63s does not exist in namespace %.63s",
                             query.function, query.namespace);
                return;
        }
        g = calloc(1, sizeof(*g));
        if (!g) {
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        if (json_bool(q->args, "greet")) { /* the asker wants to know that it was not refused */
                auto_json cJSON *open = cJSON_CreateObject();

                (void)cJSON_AddTrueToObject(open, "open");
                (void)request_event(q, open);
        }
        g->q = request_ref(q);
        q->state = g;
        q->on_gone = gathering_gone;
        q->on_drained = gathering_drained;
        g->left = 1; /* this board's own */
        for (uint32_t i = 0; i < a->world.n_members; i++)
                if (a->world.members[i].node != a->board.node && a->world.members[i].up)
                        add_source(g, a->world.members[i].node);
        if (!log_has_journal())
                read_files(q, &query);
        if (!log_has_journal() ||
            journal_read(a->loop, &query, on_own_line, on_own_end, g, &g->own) < 0)
                one_done(g);
}
