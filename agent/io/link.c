#include "io/link_internal.h"

#include "io/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
        READ_BYTES = 32 * 1024 - 1, /* buf adds one and rounds up to a power of two */
        TURN_READS = 16,            /* then other links have their turn */
        COMPACT_BYTES = 64 * 1024,
};

static void on_poll(uv_poll_t *handle, int status, int events);
static void on_timer(uv_timer_t *timer);
static void on_kick(uv_idle_t *kick);

/* ---- life ---------------------------------------------------------------------------------- */

int link_new(uv_loop_t *loop, int fd, struct link **ret) {
        struct link *l = calloc(1, sizeof(*l));
        int r = l ? uv_poll_init(loop, &l->poll, fd) : -ENOMEM;

        if (r < 0) {
                free(l);
                (void)close(fd);
                return r;
        }
        (void)uv_timer_init(loop, &l->timer);
        (void)uv_idle_init(loop, &l->kick);
        l->handles = 3;
        l->fd = fd;
        l->kind = LINK_LOCAL;
        list_init(&l->item);
        *ret = l;
        return 0;
}

static void on_handle_closed(uv_handle_t *handle) {
        struct link *l = handle->data;

        if (--l->handles > 0)
                return;
        if (l->ops)
                l->ops->closed(l, l->arg, l->error, l->why);
        buf_done(&l->in);
        buf_done(&l->out);
        free(l);
}

static void close_handle(struct link *l, uv_handle_t *handle) {
        handle->data = l;
        uv_close(handle, on_handle_closed);
}

void link_die(struct link *l, int error, const char *why) {
        bool unfinished = l->state < LINK_OPEN;

        if (l->state == LINK_DEAD)
                return;
        l->state = LINK_DEAD;
        l->error = error;
        (void)snprintf(l->why, sizeof(l->why), "%s", why);
        if (l->server)
                link_server_lost(l, unfinished);
        SSL_free(take_ptr(l->ssl));
        close_handle(l, (uv_handle_t *)&l->poll);
        close_handle(l, (uv_handle_t *)&l->timer);
        close_handle(l, (uv_handle_t *)&l->kick);
        (void)close(l->fd); /* libuv lets go of it in uv_close() */
        l->fd = -EBADF;
}

void link_arm(struct link *l, uint64_t timeout_ms) {
        /* the callback that dials may have waited for a slow disk: count from now, not from when
         * this turn of the loop began */
        uv_update_time(l->timer.loop);
        (void)uv_timer_start(&l->timer, on_timer, timeout_ms, 0);
}

static void link_kick(struct link *l) {
        (void)uv_idle_start(&l->kick, on_kick);
}

void link_update(struct link *l) {
        int events = 0;

        switch (l->state) {
        case LINK_CONNECTING:
                events = UV_WRITABLE;
                break;
        case LINK_HANDSHAKE:
                events = l->want_write ? UV_WRITABLE : UV_READABLE;
                break;
        case LINK_OPEN:
                events = (l->paused ? 0 : UV_READABLE) | (l->blocked ? UV_WRITABLE : 0);
                break;
        case LINK_CLOSING:
                events = UV_READABLE | (l->blocked ? UV_WRITABLE : 0);
                break;
        case LINK_DEAD:
                return;
        }
        if (events == l->events)
                return;
        l->events = events;
        if (events)
                (void)uv_poll_start(&l->poll, events, on_poll);
        else
                (void)uv_poll_stop(&l->poll);
}

/* ---- reading ------------------------------------------------------------------------------- */

static ssize_t link_pull(struct link *l, void *data, size_t len, struct fail *f) {
        ssize_t n;

        if (l->ssl)
                return tls_read(l->ssl, data, len, f);
        do
                n = recv(l->fd, data, len, 0);
        while (n < 0 && errno == EINTR);
        if (n >= 0)
                return n;
        return errno == EAGAIN ? -EAGAIN : fail(f, -errno, "%s", strerror(errno));
}

/* Hands out the whole frames of 'in'. */
static void link_deliver(struct link *l) {
        size_t used = 0;
        struct frame frame;
        long n = 0;

        while (l->state == LINK_OPEN && !l->paused && used < l->in.len) {
                n = frame_parse(l->in.data + used, l->in.len - used, &frame);
                if (n <= 0)
                        break;
                used += (size_t)n;
                if (l->ops)
                        l->ops->frame(l, l->arg, &frame);
        }
        if (used > 0)
                buf_consume(&l->in, used);
        if (n == -EMSGSIZE)
                link_die(l, (int)n, "the other side sent a frame that is too long");
        else if (n < 0)
                link_die(l, (int)n, "the other side sent what is no frame");
}

/* Whether there is surely nothing more to read now. */
static bool read_all(const struct link *l, ssize_t n) {
        return l->ssl ? !SSL_has_pending(l->ssl) : n < READ_BYTES;
}

static void link_read_end(struct link *l, ssize_t n, const struct fail *f) {
        if (n < 0) {
                link_die(l, (int)n, fail_text(f));
        } else if (l->in.len > 0) {
                link_die(l, -ECONNRESET, "the connection ended inside a frame");
        } else {
                if (l->ssl)
                        (void)tls_close(l->ssl);
                link_die(l, 0, "the other side closed the connection");
        }
}

static void link_read(struct link *l) {
        struct fail f = { 0 };

        link_deliver(l);
        for (unsigned turns = 0; l->state == LINK_OPEN && !l->paused; turns++) {
                ssize_t n;

                if (turns == TURN_READS) {
                        l->read_on = true;
                        link_kick(l);
                        break;
                }
                if (buf_reserve(&l->in, READ_BYTES) < 0) {
                        link_die(l, -ENOMEM, "out of memory");
                        break;
                }
                n = link_pull(l, l->in.data + l->in.len, READ_BYTES, &f);
                if (n == -EAGAIN)
                        break;
                if (n <= 0) {
                        f.error = (int)n;
                        link_read_end(l, n, &f);
                        break;
                }
                l->in.len += (size_t)n;
                link_deliver(l);
                if (read_all(l, n))
                        break;
        }
        if (l->in.len == 0)
                buf_done(&l->in);
}

/* ---- writing ------------------------------------------------------------------------------- */

static ssize_t link_push(struct link *l, const void *data, size_t len, struct fail *f) {
        ssize_t n;

        if (l->ssl)
                return tls_write(l->ssl, data, len, f);
        do
                n = send(l->fd, data, len, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n >= 0)
                return n;
        return errno == EAGAIN ? -EAGAIN : fail(f, -errno, "%s", strerror(errno));
}

/* What the peer said before it went (an alert, its orderly end) tells more than our EPIPE. */
static void link_write_failed(struct link *l, int error, const struct fail *f) {
        if (l->state == LINK_OPEN && !l->paused)
                link_read(l);
        link_die(l, error, fail_text(f));
}

static void link_set_patience(struct link *l, bool patient) {
        if (l->patient == patient)
                return;
        l->patient = patient;
        link_patience(l, patient);
}

/* While the kernel takes no more, the timer looks whether the peer is slow or gone. */
static void link_watch_stall(struct link *l, bool progress) {
        if (l->state != LINK_OPEN)
                return;
        if (progress || !l->blocked)
                link_set_patience(l, false);
        if (!l->blocked)
                (void)uv_timer_stop(&l->timer);
        else if (progress || !uv_is_active((uv_handle_t *)&l->timer))
                link_arm(l, LINK_STALL_CHECK_MS);
}

static void link_flush(struct link *l) {
        const size_t before = link_queued(l);
        struct fail f = { 0 };
        ssize_t n;

        while (l->sent < l->out.len) {
                n = link_push(l, l->out.data + l->sent, l->out.len - l->sent, &f);
                if (n == -EAGAIN) {
                        l->blocked = true;
                        break;
                }
                if (n < 0) {
                        f.error = (int)n;
                        link_write_failed(l, (int)n, &f);
                        return;
                }
                l->sent += (size_t)n;
        }
        if (l->sent == l->out.len) {
                buf_done(&l->out);
                l->sent = 0;
        } else if (l->sent >= COMPACT_BYTES && l->sent >= l->out.len / 2) {
                buf_consume(&l->out, l->sent);
                l->sent = 0;
        }
        link_watch_stall(l, before != link_queued(l));
        if (l->high && link_queued(l) < LINK_QUEUE_LOW && l->state == LINK_OPEN) {
                l->high = false;
                if (l->ops && l->ops->drained)
                        l->ops->drained(l, l->arg);
        }
}

/* LINK_CLOSING: sends the rest and the end, then waits for the peer's end: closing a socket that
 * holds unread bytes resets the connection, and the peer would lose what it has not read yet. */
static void link_finish(struct link *l) {
        char junk[4096];
        ssize_t n = 0;

        if (!l->blocked)
                link_flush(l);
        if (l->state != LINK_CLOSING)
                return;
        if (!l->blocked && !l->ended) {
                if (l->ssl && tls_close(l->ssl) == -EAGAIN) {
                        l->blocked = true;
                } else {
                        (void)shutdown(l->fd, SHUT_WR);
                        l->ended = true;
                        link_arm(l, LINK_LINGER_MS);
                }
        }
        for (unsigned turns = 0; turns < TURN_READS; turns++) {
                n = recv(l->fd, junk, sizeof(junk), 0);
                if (n < (ssize_t)sizeof(junk))
                        break;
        }
        if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
                return;
        if (l->ended)
                link_die(l, 0, "closed");
        else
                link_die(l, -ECONNRESET, "the other side closed before everything was sent");
}

/* ---- handshake ----------------------------------------------------------------------------- */

static int link_identify(struct link *l, struct fail *f) {
        struct pki_identity id;
        int r;

        r = pki_peer(l->ssl, &id, f);
        if (r < 0)
                return r;
        if (l->dialed && id.role != PKI_BOARD)
                return fail(f, -EKEYREJECTED, "%s is no board", l->address);
        if (l->expect_node && id.node != l->expect_node)
                return fail(f, -EKEYREJECTED, "%s is board %016llx, not %016llx", l->address,
                            (unsigned long long)id.node, (unsigned long long)l->expect_node);
        l->kind = id.role == PKI_BOARD ? LINK_BOARD : LINK_ADMIN;
        l->node = id.node;
        return 0;
}

static void link_opened(struct link *l) {
        (void)uv_timer_stop(&l->timer);
        l->state = LINK_OPEN;
        if (!l->dialed)
                link_server_opened(l);
        else if (l->ops && l->ops->open)
                l->ops->open(l, l->arg);
        if (l->state != LINK_OPEN)
                return;
        /* frames that came with the last bytes of the handshake are inside OpenSSL already */
        l->read_on = true;
        link_kick(l);
}

static void link_handshake(struct link *l) {
        struct fail f = { 0 };
        char junk[4096];
        int r;

        r = tls_handshake(l->ssl, &f);
        l->want_write = r == -EAGAIN && tls_wants_write(l->ssl);
        if (r == -EAGAIN)
                return;
        if (r == 0)
                r = link_identify(l, &f);
        if (r == 0) {
                link_opened(l);
                return;
        }
        f.error = r;
        /* unread bytes would make close() a reset, which overtakes the alert that says why */
        for (unsigned turns = 0; turns < TURN_READS; turns++)
                if (recv(l->fd, junk, sizeof(junk), 0) < (ssize_t)sizeof(junk))
                        break;
        link_die(l, r, fail_text(&f));
}

int link_start_tls(struct link *l, SSL_CTX *ctx) {
        return tls_new(ctx, l->fd, !l->dialed, &l->ssl);
}

void link_connected(struct link *l) {
        if (l->dialed && l->ssl)
                link_tune_tcp(l);
        if (!l->ssl) {
                link_opened(l);
        } else {
                l->state = LINK_HANDSHAKE;
                link_handshake(l);
        }
        link_update(l);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void link_step(struct link *l, bool readable, bool writable) {
        if (writable)
                l->blocked = false;
        switch (l->state) {
        case LINK_CONNECTING:
        case LINK_DEAD:
                return;
        case LINK_HANDSHAKE:
                link_handshake(l);
                break;
        case LINK_OPEN:
                if (readable)
                        link_read(l);
                if (l->state == LINK_OPEN && !l->blocked)
                        link_flush(l);
                break;
        case LINK_CLOSING:
                link_finish(l);
                break;
        }
        link_update(l);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
        struct link *l = container_of(handle, struct link, poll);
        int r;

        if (l->state == LINK_CONNECTING) {
                r = link_connect_result(l);
                if (r < 0)
                        link_die(l, r, strerror(-r));
                else
                        link_connected(l);
                return;
        }
        if (status >= 0) {
                link_step(l, events & UV_READABLE, events & UV_WRITABLE);
                return;
        }
        /* POLLERR: libuv has stopped polling.  Reading gets what came before the error, and it. */
        l->events = 0;
        link_step(l, true, true);
        if (l->state != LINK_OPEN || !l->paused)
                return;
        r = link_connect_result(l);
        link_die(l, r < 0 ? r : -ECONNRESET, r < 0 ? strerror(-r) : "the connection was cut");
}

static void on_kick(uv_idle_t *kick) {
        struct link *l = container_of(kick, struct link, kick);
        bool read_on = l->read_on;

        (void)uv_idle_stop(kick);
        l->read_on = false;
        if (l->state == LINK_OPEN || l->state == LINK_CLOSING)
                link_step(l, read_on, false);
}

static void on_timer(uv_timer_t *timer) {
        struct link *l = container_of(timer, struct link, timer);
        char why[SIZE_REASON];

        if (l->state == LINK_OPEN) {
                link_set_patience(l, link_window_closed(l));
                link_arm(l, LINK_STALL_CHECK_MS);
                return;
        }
        if (l->state == LINK_CLOSING) {
                link_die(l, l->ended ? 0 : -ETIMEDOUT,
                         l->ended ? "closed" : "the other side did not take everything in time");
                return;
        }
        (void)snprintf(why, sizeof(why), "no %s within %llu ms",
                       l->state == LINK_CONNECTING ? "answer" : "handshake",
                       (unsigned long long)l->timeout_ms);
        link_die(l, -ETIMEDOUT, why);
}

/* ---- for everybody ------------------------------------------------------------------------- */

void link_set_ops(struct link *l, const struct link_ops *ops, void *arg) {
        l->ops = ops;
        l->arg = arg;
}

int link_send(struct link *l, enum frame_type type, uint32_t stream, const void *body, size_t len) {
        uint8_t header[FRAME_HEADER];

        if (len > FRAME_BODY_MAX)
                return -EMSGSIZE;
        if (l->state >= LINK_CLOSING)
                return -ENOTCONN;
        if (link_queued(l) + FRAME_HEADER + len > LINK_QUEUE_MAX) {
                link_die(l, -ENOBUFS, "the other side reads too slowly");
                return -ENOBUFS;
        }
        if (buf_reserve(&l->out, FRAME_HEADER + len) < 0) {
                link_die(l, -ENOMEM, "out of memory");
                return -ENOMEM;
        }
        frame_header(header, type, stream, len);
        (void)buf_add(&l->out, header, sizeof(header));
        (void)buf_add(&l->out, body, len);
        if (link_queued(l) > LINK_QUEUE_HIGH)
                l->high = true;
        if (l->state == LINK_OPEN && !l->blocked)
                link_kick(l);
        return 0;
}

size_t link_queued(const struct link *l) {
        return l->out.len - l->sent;
}

void link_pause(struct link *l) {
        l->paused = true;
        link_update(l);
}

void link_resume(struct link *l) {
        if (!l->paused)
                return;
        l->paused = false;
        if (l->state != LINK_OPEN)
                return;
        /* frames may wait in 'in' or inside OpenSSL, where no poll sees them */
        l->read_on = true;
        link_kick(l);
        link_update(l);
}

void link_close(struct link *l) {
        if (l->state >= LINK_CLOSING)
                return;
        if (l->state != LINK_OPEN) {
                link_die(l, 0, "closed before it was open");
                return;
        }
        l->state = LINK_CLOSING;
        link_arm(l, LINK_CLOSE_MS);
        link_kick(l);
        link_update(l);
}

enum link_kind link_kind(const struct link *l) {
        return l->kind;
}

uint64_t link_node(const struct link *l) {
        return l->node;
}

uid_t link_uid(const struct link *l) {
        return l->uid;
}

const char *link_address(const struct link *l) {
        return l->address;
}

const char *link_local_address(const struct link *l) {
        return l->local;
}

bool link_dialed(const struct link *l) {
        return l->dialed;
}

void *link_arg(const struct link *l) {
        return l->arg;
}
