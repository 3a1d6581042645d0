/* kube_snapshots_send - a snapshot goes out: to the boards that keep copies, and to one that
 * rebuilds the control plane. */
#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "daemon/kube_snapshots_private.h"
#include "daemon/peers.h"
#include "io/json.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LACKING_USEC (10 * USEC_PER_SEC) /* while a copy is missing */
#define RESTING_USEC USEC_PER_MIN

/* ---- copies -------------------------------------------------------------------------------- */

static void parcel_over(struct snapshots_parcel *p) {
        if (p->link)
                peers_discard(p->link);
        (void)close(p->fd);
        *p = (struct snapshots_parcel){ .s = p->s, .fd = -1 };
}

/* As much as the connection takes now. */
static int pump(struct snapshots_parcel *p, struct link *l) {
        char data[SNAPSHOTS_PIECE_BYTES];

        while (p->sent < p->size && link_queued(l) < LINK_QUEUE_HIGH) {
                ssize_t n = read(p->fd, data, sizeof(data));
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                r = link_send(l, FRAME_DATA, 1, data, (size_t)n);
                if (r < 0)
                        return r;
                p->sent += (uint64_t)n;
                p->moved = agent_now();
                if (p->sent >= p->size)
                        return link_send(l, FRAME_END, 1, NULL, 0);
        }
        return 0;
}

static void parcel_open(struct link *l, void *arg) {
        struct snapshots_parcel *p = arg;
        auto_buf struct buf b = { 0 };

        if (peers_hello(p->s->agent, l, PURPOSE_API) < 0 ||
            buf_printf(&b,
                       "{\"verb\":\"kube-snapshot-put\",\"epoch\":%" PRIu32 ",\"number\":%" PRIu32
                       ",\"size\":%" PRIu64 "}",
                       (uint32_t)(p->id >> 32), (uint32_t)p->id, p->size) < 0 ||
            link_send(l, FRAME_REQUEST, 1, b.data, b.len) < 0 || pump(p, l) < 0)
                link_close(l);
}

static void parcel_drained(struct link *l, void *arg) {
        if (pump(arg, l) < 0)
                link_close(l);
}

static void parcel_frame(struct link *l, void *arg, const struct frame *f) {
        struct snapshots_parcel *p = arg;
        auto_json cJSON *reply = NULL;
        const char *error;
        char node[17];

        if (f->type == FRAME_HELLO)
                return;
        if (f->type != FRAME_REPLY ||
            json_parse_object((const char *)f->body, f->len, &reply, NULL) < 0) {
                link_close(l);
                return;
        }
        error = json_text(reply, "error", NULL);
        str_hex64(p->node, node);
        if (error)
                log_debug("kubernetes: board %s does not take snapshot %" PRIu32 ": %s", node,
                          (uint32_t)p->id, error);
        else
                log_debug("kubernetes: board %s keeps snapshot %" PRIu32, node, (uint32_t)p->id);
        parcel_over(p);
}

static void parcel_closed(struct link *l, void *arg, int error, const char *why) {
        struct snapshots_parcel *p = arg;

        (void)l;
        (void)error;
        log_debug("kubernetes: a copy of a snapshot was not sent: %s", why);
        p->link = NULL;
        parcel_over(p);
}

static const struct link_ops parcel_ops = { .open = parcel_open,
                                            .frame = parcel_frame,
                                            .drained = parcel_drained,
                                            .closed = parcel_closed };

/* A free one; NULL where 'node' gets one already, or all are on their way. */
static struct snapshots_parcel *free_parcel(struct kube_snapshots *s, uint64_t node) {
        struct snapshots_parcel *found = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(s->ship.parcels); i++) {
                struct snapshots_parcel *p = &s->ship.parcels[i];

                if (p->link && p->node == node)
                        return NULL;
                if (!p->link)
                        found = p;
        }
        return found;
}

static void send_to(struct kube_snapshots *s, uint64_t node, uint64_t id) {
        struct snapshots_parcel *p = free_parcel(s, node);

        if (!p)
                return;
        *p = (struct snapshots_parcel){ .s = s, .node = node, .id = id, .moved = agent_now() };
        p->fd = snapshot_store_read(s->store, id, &p->size);
        if (p->fd < 0)
                return;
        if (peers_dial(s->agent, node, &parcel_ops, p, &p->link) < 0)
                parcel_over(p);
}

/* What it says that it keeps; the boards of 'who' are those that are up. */
static uint64_t kept_by(const struct snapshots_who *who, uint64_t node) {
        for (size_t i = 0; i < who->n; i++)
                if (who->boards[i].node == node)
                        return who->boards[i].snapshot;
        return 0;
}

static void on_who(void *arg, const char *error, const struct snapshots_who *who) {
        struct kube_snapshots *s = arg;
        const struct agent *a = s->agent;
        uint64_t nodes[KUBE_SNAPSHOT_KEEPERS], id = snapshot_store_newest(s->store);
        size_t n;

        (void)error;
        s->ship.asking = false;
        s->ship.next = usec_add(agent_now(), RESTING_USEC);
        if (!who)
                s->ship.next = usec_add(agent_now(), LACKING_USEC);
        if (!who || id == 0 || id >> 32 != who->epoch)
                return;
        if (who->n > 0 && who->boards[0].snapshot > id) /* the newest come first */
                kube_snapshot_outdated(&s->timer);
        n = kube_snapshot_keepers(who->boards, who->n, a->board.node, a->bramble, nodes);
        for (size_t i = 0; i < n; i++) {
                if (kept_by(who, nodes[i]) >= id)
                        continue;
                s->ship.next = usec_add(agent_now(), LACKING_USEC);
                send_to(s, nodes[i], id);
        }
}

void snapshots_ship_soon(struct kube_snapshots *s) {
        s->ship.next = 0;
}

void snapshots_ship_look(struct kube_snapshots *s, usec_t now) {
        for (size_t i = 0; i < ARRAY_SIZE(s->ship.parcels); i++) {
                struct snapshots_parcel *p = &s->ship.parcels[i];

                if (p->link && usec_sub(now, p->moved) > SNAPSHOTS_SILENT_USEC)
                        parcel_over(p);
        }
        if (!s->timer.primary || s->ship.asking || now < s->ship.next ||
            snapshot_store_newest(s->store) == 0)
                return;
        s->ship.asking = true;
        snapshots_ask_who(s, on_who, s);
}

/* ---- for a rebuild ------------------------------------------------------------------------- */

struct outgoing {
        int fd;
        uint64_t left;
};

static void outgoing_free(struct request *q) {
        struct outgoing *o = q->state;

        q->state = NULL;
        (void)close(o->fd);
        free(o);
        request_unref(q);
}

static void outgoing_gone(struct request *q) {
        if (q->state)
                outgoing_free(q);
}

static void outgoing_pump(struct request *q) {
        struct outgoing *o = q->state;
        char data[SNAPSHOTS_PIECE_BYTES];

        if (!o)
                return;
        while (o->left > 0) {
                ssize_t n;

                if (link_queued(q->link) >= LINK_QUEUE_HIGH)
                        return; /* 'drained' follows */
                n = read(o->fd, data, sizeof(data));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        request_fail_errno(q, n < 0 ? -errno : -EIO, "");
                        outgoing_free(q);
                        return;
                }
                if (!request_data(q, data, (size_t)n))
                        return; /* 'gone' follows */
                o->left -= (uint64_t)n < o->left ? (uint64_t)n : o->left;
        }
        request_reply(q, cJSON_CreateObject());
        outgoing_free(q);
}

void verb_kube_snapshot_get(struct request *q) {
        struct kube_snapshots *s = q->agent->snapshots;
        auto_json cJSON *event = NULL;
        struct outgoing *o;
        uint64_t size;
        int fd;

        if (!snapshots_from_plane(q)) {
                request_fail(q, 403, "only a board that carries the control plane gets snapshots");
                return;
        }
        fd = s ? snapshot_store_read(s->store, snapshots_id(q), &size) : -ENOENT;
        if (fd < 0) {
                request_fail_errno(q, fd, "this board does not keep that snapshot");
                return;
        }
        o = calloc(1, sizeof(*o));
        if (!o) {
                (void)close(fd);
                request_fail_errno(q, -ENOMEM, "");
                return;
        }
        *o = (struct outgoing){ .fd = fd, .left = size };
        q->state = o;
        q->on_drained = outgoing_pump;
        q->on_gone = outgoing_gone;
        request_ref(q);
        event = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(event, "size", (double)size);
        if (request_event(q, event))
                outgoing_pump(q);
}
