/* kube_snapshots_fetch - the newest snapshot that can be had, opened for a rebuild. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "daemon/peers.h"
#include "io/json.h"
#include "io/kube_archive.h"
#include "io/kube_bundle.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_SEC = 300, CANDIDATES = LIMIT_BOARDS + SNAPSHOT_STORE_MOST };

struct candidate {
        uint64_t id;
        uint64_t node; /* 0: here */
};

struct snapshots_fetch {
        struct kube_snapshots *s;
        kube_snapshots_cb done;
        void *arg;
        size_t n, at;
        struct candidate candidates[CANDIDATES];
        struct link *link;      /* to the board that sends; NULL */
        struct snapshot_in *in; /* what it sends; NULL */
        usec_t heard;
        char why[SIZE_REASON]; /* the newest disappointment */
        char dir[PATH_MAX];
        struct snapshots_run run;
        uv_timer_t later; /* the end never comes from inside the beginning */
};

static void next(struct snapshots_fetch *t);

/* ---- where it is opened --------------------------------------------------------------------- */

static void restore_dirs(const struct agent *a, char run[static PATH_MAX],
                         char state[static PATH_MAX]) {
        (void)snprintf(run, PATH_MAX, "%s/kube-restore", a->config.run_dir);
        (void)snprintf(state, PATH_MAX, "%s/kube/restore", a->config.state_dir);
}

void kube_snapshots_forget(struct agent *a) {
        char run[PATH_MAX], state[PATH_MAX];

        restore_dirs(a, run, state);
        (void)kube_archive_remove(run);
        (void)kube_archive_remove(state);
}

static void choose_dir(struct snapshots_fetch *t, uint64_t id) {
        struct agent *a = t->s->agent;
        uint8_t data[SEAL_HEADER_BYTES];
        char run[PATH_MAX], state[PATH_MAX];
        struct seal_header header = { .content_bytes = UINT64_MAX };
        uint64_t size;
        auto_close int fd = snapshot_store_read(t->s->store, id, &size);

        if (fd >= 0 && read(fd, data, sizeof(data)) == sizeof(data))
                (void)seal_header_parse(data, sizeof(data), &header);
        kube_snapshots_forget(a);
        restore_dirs(a, run, state);
        (void)str_copy(t->dir, sizeof(t->dir),
                       header.content_bytes <= SNAPSHOTS_TMPFS_BYTES ? run : state);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
        struct snapshots_fetch *t = handle->data;

        free(t);
}

static void over(struct snapshots_fetch *t, const char *error) {
        char why[SIZE_REASON], dir[PATH_MAX];

        (void)snprintf(why, sizeof(why), "%s", error);
        (void)str_copy(dir, sizeof(dir), why[0] ? "" : t->dir);
        t->s->fetch = NULL;
        uv_close((uv_handle_t *)&t->later, on_closed);
        t->done(t->arg, why, dir);
}

static void disappointed(struct snapshots_fetch *t, const char *why) {
        (void)snprintf(t->why, sizeof(t->why), "%s", why[0] ? why : "no reason was given");
        log_warning("kubernetes: a snapshot of etcd cannot be used: %s", t->why);
        next(t);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void on_opened(void *arg, const char *error) {
        struct snapshots_fetch *t = arg;
        const struct candidate *c = &t->candidates[t->at];

        if (error[0]) {
                t->at++;
                disappointed(t, error);
                return;
        }
        log_notice("kubernetes: snapshot %" PRIu32 " of epoch %" PRIu32 " of etcd is opened",
                   (uint32_t)c->id, (uint32_t)(c->id >> 32));
        over(t, "");
}

static void on_key(void *arg, const char *error, const char *key) {
        struct snapshots_fetch *t = arg;
        uint64_t id = t->candidates[t->at].id;
        char in[PATH_MAX];
        const char *const argv[] = { "/proc/self/exe", "--kube-open", in, t->dir, NULL };
        struct fail f = { 0 };

        if (!key) {
                over(t, error); /* no other snapshot opens without it */
                return;
        }
        choose_dir(t, id);
        if (snapshot_store_path(t->s->store, id, in) < 0 ||
            snapshots_run(t->s, &t->run, argv, key, OPEN_SEC, NULL, on_opened, t, &f) < 0)
                over(t, fail_text(&f));
}

/* ---- from another board --------------------------------------------------------------------- */

static void holder_over(struct snapshots_fetch *t, const char *why) {
        if (t->link)
                peers_discard(t->link);
        t->link = NULL;
        snapshot_in_abort(t->in);
        t->in = NULL;
        t->at++;
        disappointed(t, why);
}

static void on_kept(void *arg, int result, const char *why) {
        struct snapshots_fetch *t = arg;

        if (result < 0) {
                t->at++;
                disappointed(t, why);
                return;
        }
        agent_report_soon(t->s->agent);
        snapshots_ask_key(t->s, on_key, t);
}

static void holder_open(struct link *l, void *arg) {
        struct snapshots_fetch *t = arg;
        uint64_t id = t->candidates[t->at].id;
        auto_buf struct buf b = { 0 };

        if (peers_hello(t->s->agent, l, PURPOSE_API) < 0 ||
            buf_printf(&b,
                       "{\"verb\":\"kube-snapshot-get\",\"epoch\":%" PRIu32 ",\"number\":%" PRIu32
                       "}",
                       (uint32_t)(id >> 32), (uint32_t)id) < 0 ||
            link_send(l, FRAME_REQUEST, 1, b.data, b.len) < 0)
                link_close(l);
}

static void on_size(struct snapshots_fetch *t, const cJSON *event) {
        struct fail f = { 0 };
        uint64_t size;

        snapshots_put_end(t->s, "this board rebuilds the control plane");
        if (t->in || json_number(event, "size", KUBE_BUNDLE_SEALED_BYTES, &size) < 0)
                holder_over(t, "the board that keeps it makes no sense");
        else if (snapshot_in_begin(t->s->store, t->candidates[t->at].id, size, &t->in, &f) < 0)
                holder_over(t, fail_text(&f));
}

static void on_reply(struct snapshots_fetch *t, const cJSON *reply) {
        const char *error = json_text(reply, "error", NULL);
        int r;

        if (error || !t->in) {
                holder_over(t, error ? error : "the board that keeps it sent nothing");
                return;
        }
        r = snapshot_in_end(t->in, on_kept, t);
        if (r < 0) {
                holder_over(t, "the board that keeps it sent less than it said");
                return;
        }
        t->in = NULL;
        peers_discard(t->link);
        t->link = NULL;
}

static void holder_frame(struct link *l, void *arg, const struct frame *f) {
        struct snapshots_fetch *t = arg;
        auto_json cJSON *o = NULL;
        int r;

        (void)l;
        t->heard = agent_now();
        switch ((int)f->type) {
        case FRAME_HELLO:
                return;
        case FRAME_DATA:
                r = t->in ? snapshot_in_write(t->in, f->body, f->len) : -EBADMSG;
                if (r < 0)
                        holder_over(t, r == -EBADMSG ? "another one was sent" : strerror(-r));
                return;
        case FRAME_EVENT:
        case FRAME_REPLY:
                if (json_parse_object((const char *)f->body, f->len, &o, NULL) < 0)
                        holder_over(t, "the board that keeps it makes no sense");
                else if (f->type == FRAME_EVENT)
                        on_size(t, o);
                else
                        on_reply(t, o);
                return;
        default:
                holder_over(t, "the board that keeps it makes no sense");
        }
}

static void holder_closed(struct link *l, void *arg, int error, const char *why) {
        struct snapshots_fetch *t = arg;

        (void)l;
        (void)error;
        t->link = NULL;
        holder_over(t, why);
}

static const struct link_ops holder_ops = { .open = holder_open,
                                            .frame = holder_frame,
                                            .closed = holder_closed };

void snapshots_fetch_look(struct kube_snapshots *s, usec_t now) {
        struct snapshots_fetch *t = s->fetch;

        if (t && t->link && usec_sub(now, t->heard) > SNAPSHOTS_SILENT_USEC)
                holder_over(t, "the board that keeps it sends nothing");
}

/* ---- one after the other -------------------------------------------------------------------- */

static void next(struct snapshots_fetch *t) {
        const struct candidate *c;

        for (; t->at < t->n; t->at++) {
                c = &t->candidates[t->at];
                if (c->node == 0) {
                        snapshots_ask_key(t->s, on_key, t);
                        return;
                }
                t->heard = agent_now();
                if (peers_dial(t->s->agent, c->node, &holder_ops, t, &t->link) == 0)
                        return;
                t->link = NULL;
        }
        over(t, t->why[0] ? t->why : "no board that is up keeps a snapshot of etcd");
}

/* The newest first; of the same one, what is here. */
static int by_age(const void *x, const void *y) {
        const struct candidate *a = x, *b = y;

        if (a->id != b->id)
                return a->id > b->id ? -1 : 1;
        return a->node < b->node ? -1 : a->node > b->node;
}

static void add(struct snapshots_fetch *t, uint64_t id, uint64_t node) {
        if (id != 0 && t->n < CANDIDATES)
                t->candidates[t->n++] = (struct candidate){ .id = id, .node = node };
}

static void on_who(void *arg, const char *error, const struct snapshots_who *who) {
        struct snapshots_fetch *t = arg;
        const uint64_t *ids;
        size_t n = snapshot_store_list(t->s->store, &ids);

        if (!who) {
                over(t, error); /* without a leader there is no key either */
                return;
        }
        for (size_t i = 0; i < n; i++)
                add(t, ids[i], 0);
        for (size_t i = 0; i < who->n; i++)
                if (who->boards[i].node != t->s->agent->board.node)
                        add(t, who->boards[i].snapshot, who->boards[i].node);
        qsort(t->candidates, t->n, sizeof(t->candidates[0]), by_age);
        next(t);
}

static void on_later(uv_timer_t *timer) {
        struct snapshots_fetch *t = timer->data;

        snapshots_ask_who(t->s, on_who, t);
}

int kube_snapshots_fetch(struct agent *a, kube_snapshots_cb done, void *arg) {
        struct kube_snapshots *s = a->snapshots;
        struct snapshots_fetch *t;

        if (s->fetch)
                return -EBUSY;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->s = s;
        t->done = done;
        t->arg = arg;
        (void)uv_timer_init(a->loop, &t->later);
        t->later.data = t;
        (void)uv_timer_start(&t->later, on_later, 0, 0);
        s->fetch = t;
        return 0;
}
