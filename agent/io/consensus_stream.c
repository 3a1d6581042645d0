#include "io/consensus_internal.h"

#include "base/buf.h"
#include "base/str.h"
#include "io/consensus_check.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* libraft wants a stream for each direction: it writes to those that it connected, and reads from
 * those that it accepted.  A bridge gives it one end of a socket pair and carries the bytes between
 * the other end, 'near', and a link. */

enum { INBOUND_HIGH = 256 * 1024 }; /* bytes that libraft has not read: the link waits */

struct bridge {
        struct list item;
        struct consensus *c;
        struct link *l; /* NULL once it ended */
        uint64_t node;
        bool inbound;
        bool dead;
        bool stopped; /* outbound: the link is full */
        bool paused;  /* inbound: libraft is slow */
        uv_pipe_t near;
        uv_write_t write;
        struct buf writing;           /* inbound: with the kernel, empty while nothing is */
        struct buf waiting;           /* inbound: after that */
        struct consensus_check check; /* inbound */
};

/* A connection that libraft asked for. */
struct dial {
        struct list item;
        struct raft_uv_connect *req;
        raft_uv_connect_cb cb;
        uint64_t node;
        bool answered;
        uv_stream_t *stream; /* answered: NULL where it failed */
};

/* ---- bridges ---- */

static void on_near_closed(uv_handle_t *handle) {
        struct bridge *b = handle->data;
        struct consensus *c = b->c;

        buf_done(&b->writing);
        buf_done(&b->waiting);
        consensus_check_done(&b->check);
        free(b);
        c->handles--;
        consensus_finish(c);
}

static void drop_link(struct link *l) {
        link_set_ops(l, NULL, NULL);
        link_close(l);
}

static void bridge_end(struct bridge *b) {
        if (b->dead)
                return;
        b->dead = true;
        list_remove(&b->item);
        if (b->l)
                drop_link(take_ptr(b->l));
        uv_close((uv_handle_t *)&b->near, on_near_closed);
}

static void bridge_write(struct bridge *b);

static void on_written(uv_write_t *req, int status) {
        struct bridge *b = container_of(req, struct bridge, write);

        buf_done(&b->writing);
        if (b->dead)
                return;
        if (status < 0) {
                bridge_end(b);
                return;
        }
        if (b->waiting.len > 0)
                bridge_write(b);
        if (!b->dead && b->paused && b->waiting.len == 0) {
                b->paused = false;
                link_resume(b->l);
        }
}

/* Begins to write what waits; nothing is being written. */
static void bridge_write(struct bridge *b) {
        uv_buf_t data;

        b->writing = b->waiting;
        b->waiting = (struct buf){ 0 };
        data = uv_buf_init(b->writing.data, (unsigned)b->writing.len);
        if (uv_write(&b->write, (uv_stream_t *)&b->near, &data, 1, on_written) < 0)
                bridge_end(b);
}

/* Bytes of a peer on their way to libraft. */
static void bridge_take(struct bridge *b, const uint8_t *data, size_t len) {
        if (b->writing.len == 0) {
                uv_buf_t now = uv_buf_init((char *)data, (unsigned)len);
                int n = uv_try_write((uv_stream_t *)&b->near, &now, 1);

                if (n < 0 && n != UV_EAGAIN) {
                        bridge_end(b);
                        return;
                }
                data += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        if (len == 0)
                return;
        if (buf_add(&b->waiting, data, len) < 0) {
                bridge_end(b);
                return;
        }
        if (b->writing.len == 0)
                bridge_write(b);
        if (!b->dead && !b->paused && b->writing.len + b->waiting.len > INBOUND_HIGH) {
                b->paused = true;
                link_pause(b->l);
        }
}

static void on_link_open(struct link *l, void *arg) {
        (void)l;
        (void)arg;
}

static void on_link_frame(struct link *l, void *arg, const struct frame *f) {
        struct bridge *b = arg;

        (void)l;
        /* libraft's connections go one way and carry nothing else */
        if (!b->inbound || f->type != FRAME_RAFT || consensus_check(&b->check, f->body, f->len) < 0)
                bridge_end(b);
        else if (f->len > 0)
                bridge_take(b, f->body, f->len);
}

static void on_near_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
        struct bridge *b = handle->data;

        (void)suggested;
        *ret = uv_buf_init(b->c->chunk, sizeof(b->c->chunk));
}

static void on_near_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *data) {
        struct bridge *b = stream->data;

        if (n == 0)
                return;
        if (n < 0 || b->inbound || link_send(b->l, FRAME_RAFT, 0, data->base, (size_t)n) < 0) {
                bridge_end(b);
                return;
        }
        if (link_queued(b->l) >= LINK_QUEUE_HIGH) {
                b->stopped = true;
                (void)uv_read_stop(stream);
        }
}

static void on_link_drained(struct link *l, void *arg) {
        struct bridge *b = arg;

        (void)l;
        if (!b->stopped)
                return;
        b->stopped = false;
        if (uv_read_start((uv_stream_t *)&b->near, on_near_alloc, on_near_read) < 0)
                bridge_end(b);
}

static void on_link_closed(struct link *l, void *arg, int error, const char *why) {
        struct bridge *b = arg;

        (void)l;
        (void)error;
        (void)why;
        b->l = NULL;
        bridge_end(b);
}

static const struct link_ops bridge_ops = {
        .open = on_link_open,
        .frame = on_link_frame,
        .drained = on_link_drained,
        .closed = on_link_closed,
};

static void free_far(uv_handle_t *handle) {
        raft_free(handle);
}

/* libraft's end; it closes and frees it itself. */
static uv_stream_t *open_far(struct consensus *c, int fd) {
        uv_pipe_t *far = raft_malloc(sizeof(*far));

        if (!far || uv_pipe_init(c->loop, far, 0) < 0) {
                raft_free(far);
                (void)close(fd);
                return NULL;
        }
        if (uv_pipe_open(far, fd) < 0) {
                (void)close(fd);
                uv_close((uv_handle_t *)far, free_far);
                return NULL;
        }
        return (uv_stream_t *)far;
}

/* Our end.  Takes 'l' over where it succeeds. */
static int bridge_new(struct consensus *c, struct link *l, bool inbound, int fd) {
        struct bridge *b = calloc(1, sizeof(*b));

        if (!b || uv_pipe_init(c->loop, &b->near, 0) < 0) {
                free(b);
                (void)close(fd);
                return -ENOMEM;
        }
        b->c = c;
        b->inbound = inbound;
        b->node = link_node(l);
        b->near.data = b;
        c->handles++;
        list_append(&c->bridges, &b->item);
        if (uv_pipe_open(&b->near, fd) < 0) {
                (void)close(fd);
                bridge_end(b);
                return -EIO;
        }
        if (uv_read_start((uv_stream_t *)&b->near, on_near_alloc, on_near_read) < 0) {
                bridge_end(b);
                return -EIO;
        }
        b->l = l;
        link_set_ops(l, &bridge_ops, b);
        return 0;
}

/* Takes 'l' over in any case.  NULL where there is no memory or descriptor for it. */
static uv_stream_t *bridge_link(struct consensus *c, struct link *l, bool inbound) {
        uv_stream_t *far = NULL;
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
                drop_link(l);
                return NULL;
        }
        if (bridge_new(c, l, inbound, fds[0]) < 0) {
                (void)close(fds[1]);
                drop_link(l);
                return NULL;
        }
        far = open_far(c, fds[1]); /* where that fails, the bridge ends by itself */
        return far;
}

/* ---- accepting ---- */

enum { INBOUND = 1, OUTBOUND = 2, BOTH = INBOUND | OUTBOUND };

static void end_bridges(struct consensus *c, uint64_t node_or_0, int which) {
        struct bridge *b, *next;

        list_each(b, next, &c->bridges, item) {
                if ((node_or_0 == 0 || b->node == node_or_0) &&
                    which & (b->inbound ? INBOUND : OUTBOUND))
                        bridge_end(b);
        }
}

void consensus_accepted(struct consensus *c, struct link *l) {
        uint64_t node = link_node(l);
        uv_stream_t *stream;
        char address[17];

        if (!c->accept || c->closing || node == 0 || node == c->node) {
                drop_link(l);
                return;
        }
        end_bridges(c, node, INBOUND); /* a board connects once: what is left is from before */
        stream = bridge_link(c, l, true);
        if (!stream)
                return;
        str_hex64(node, address);
        c->accept(&c->transport, node, address, stream);
}

/* ---- dialling ---- */

void consensus_dialed(struct consensus *c, void *dial, struct link *l) {
        struct dial *d, *next;

        if (!c) {
                if (l)
                        drop_link(l);
                return;
        }
        list_each(d, next, &c->dials, item) {
                if (d != dial || d->answered)
                        continue;
                d->answered = true;
                if (l && link_node(l) == d->node)
                        d->stream = bridge_link(c, l, false);
                else if (l)
                        drop_link(l);
                return;
        }
        if (l)
                drop_link(l); /* given up meanwhile */
}

void consensus_stream_deliver(struct consensus *c) {
        struct dial *d, *next;

        list_each(d, next, &c->dials, item) {
                if (!d->answered)
                        continue;
                list_remove(&d->item);
                d->cb(d->req, d->stream, d->stream ? 0 : RAFT_NOCONNECTION);
                free(d);
        }
}

/* ---- a peer that is back ---- */

static void on_refused(struct raft_io_send *req, int status) {
        (void)status; /* connected anew, or tried again with the next message */
        free(req);
}

/* libraft writes to a connection until that fails, and what it wrote then is lost. What it loses
 * here is a refusal of a vote that nobody asked for. */
void consensus_renew(struct consensus *c, uint64_t node) {
        struct raft_message nothing = { .type = RAFT_REQUEST_VOTE_RESULT, .server_id = node };
        struct raft_io_send *req;
        char address[17];

        if (!c->started || c->closing || node == c->node ||
            consensus_role(c, node) != VOTER_VOTES || consensus_role(c, c->node) != VOTER_VOTES)
                return;
        req = calloc(1, sizeof(*req));
        if (!req)
                return;
        end_bridges(c, node, OUTBOUND);
        str_hex64(node, address);
        nothing.server_address = address;
        nothing.request_vote_result.term = c->raft.current_term;
        nothing.request_vote_result.pre_vote = RAFT_NO_PRE_VOTE;
        if (c->io.send(&c->io, req, &nothing, on_refused) != 0)
                free(req);
}

/* ---- libraft's side ---- */

static int on_init(struct raft_uv_transport *t, raft_id id, const char *address) {
        (void)t;
        (void)id;
        (void)address;
        return 0;
}

static int on_listen(struct raft_uv_transport *t, raft_uv_accept_cb cb) {
        struct consensus *c = t->impl;

        c->accept = cb;
        return 0;
}

static int on_connect(struct raft_uv_transport *t, struct raft_uv_connect *req, raft_id id,
                      const char *address, raft_uv_connect_cb cb) {
        struct consensus *c = t->impl;
        struct dial *d = calloc(1, sizeof(*d));

        (void)address;
        if (!d)
                return RAFT_NOMEM;
        *d = (struct dial){ .req = req, .cb = cb, .node = id };
        list_append(&c->dials, &d->item);
        c->ops->dial(c->arg, id, d); /* answered in the same call or later: cb comes later */
        return 0;
}

static void on_close(struct raft_uv_transport *t, raft_uv_transport_close_cb cb) {
        struct consensus *c = t->impl;
        struct dial *d, *next;

        c->accept = NULL;
        consensus_stream_deliver(c);
        list_each(d, next, &c->dials, item) {
                list_remove(&d->item);
                d->cb(d->req, NULL, RAFT_CANCELED);
                free(d);
        }
        end_bridges(c, 0, BOTH);
        cb(t);
}

void consensus_stream_init(struct consensus *c) {
        list_init(&c->dials);
        list_init(&c->bridges);
        c->transport = (struct raft_uv_transport){
#ifdef RAFT_VERSION_NUMBER /* 0.22: the struct has a version, and it is 1 */
                .version = 1,
#endif
                .impl = c,
                .init = on_init,
                .listen = on_listen,
                .connect = on_connect,
                .close = on_close,
        };
}
