/* kube_snapshots_receive - a copy of a snapshot comes in, from a board that carries the control
 * plane. */
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "io/json.h"
#include "io/kube_bundle.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>

struct snapshots_put {
        struct kube_snapshots *s;
        struct request *q;
        struct snapshot_in *in; /* NULL once it is being synced */
        uint64_t id;
        usec_t heard;
};

static void put_free(struct snapshots_put *p) {
        struct request *q = p->q;

        snapshot_in_abort(p->in);
        p->s->put = NULL;
        q->state = NULL;
        free(p);
        request_unref(q);
}

static void put_fail(struct snapshots_put *p, int error, const char *why) {
        request_fail_errno(p->q, error, why);
        put_free(p);
}

static void on_kept(void *arg, int result, const char *why) {
        struct snapshots_put *p = arg;

        if (result < 0) {
                log_warning("kubernetes: a copy of snapshot %" PRIu32 " could not be kept: %s",
                            (uint32_t)p->id, why);
                put_fail(p, result, why);
                return;
        }
        log_info("kubernetes: this board keeps a copy of snapshot %" PRIu32 " of etcd",
                 (uint32_t)p->id);
        agent_report_soon(p->s->agent);
        request_reply(p->q, cJSON_CreateObject());
        put_free(p);
}

static void on_data(struct request *q, const void *data, size_t len, bool end) {
        struct snapshots_put *p = q->state;
        int r;

        if (!p || !p->in)
                return;
        p->heard = agent_now();
        r = end ? snapshot_in_end(p->in, on_kept, p) : snapshot_in_write(p->in, data, len);
        if (r < 0)
                put_fail(p, r, r == -EBADMSG ? "that is not the snapshot that was announced" : "");
        else if (end)
                p->in = NULL;
}

static void on_gone(struct request *q) {
        struct snapshots_put *p = q->state;

        if (p && p->in)
                put_free(p);
}

void snapshots_put_end(struct kube_snapshots *s, const char *why) {
        if (s->put && s->put->in)
                put_fail(s->put, -ETIMEDOUT, why);
}

void snapshots_put_look(struct kube_snapshots *s, usec_t now) {
        if (s->put && usec_sub(now, s->put->heard) > SNAPSHOTS_SILENT_USEC)
                snapshots_put_end(s, "nothing came for a long time");
}

void verb_kube_snapshot_put(struct request *q) {
        struct kube_snapshots *s = q->agent->snapshots;
        uint64_t id = snapshots_id(q), size;
        struct snapshots_put *p;
        struct fail f = { 0 };
        int r;

        if (!s) {
                request_fail(q, 503, "this board keeps no snapshots");
        } else if (!snapshots_from_plane(q) || id >> 32 != q->agent->world.kube.epoch) {
                request_fail(q, 403,
                             "only a board that carries the control plane may leave "
                             "snapshots here");
        } else if (id == 0 || json_number(q->args, "size", KUBE_BUNDLE_SEALED_BYTES, &size) < 0) {
                request_fail(q, 400, "kube-snapshot-put needs epoch, number and size");
        } else if (snapshot_store_has(s->store, id)) {
                request_reply(q, cJSON_CreateObject());
        } else if (!(p = calloc(1, sizeof(*p)))) {
                request_fail_errno(q, -ENOMEM, "");
        } else if ((r = snapshot_in_begin(s->store, id, size, &p->in, &f)) < 0) {
                free(p);
                request_fail_errno(q, r, fail_text(&f));
        } else {
                p->s = s;
                p->id = id;
                p->heard = agent_now();
                p->q = request_ref(q);
                s->put = p;
                q->state = p;
                q->on_data = on_data;
                q->on_gone = on_gone;
        }
}
