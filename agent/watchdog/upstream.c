#include "watchdog/upstream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { KEPT = 32 };                  /* most that wait for a call */
#define IDLE_USEC (4 * USEC_PER_SEC) /* servers close theirs after 5 s and more */

int upstream_dial(const struct watchdog *d) {
        const struct endpoint *e = &d->options.upstream.at;
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(e->port),
                                  .sin_addr.s_addr = e->address };
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int one = 1;

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
                return -errno;
        return take_fd(&fd);
}

/* It has neither closed nor said something that nobody asked for. */
static bool is_silent(const struct upstream *u) {
        char c;

        return recv(u->w.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct upstream *take_idle(struct watchdog *d) {
        while (!list_empty(&d->idle)) {
                struct upstream *u = container_of(d->idle.prev, struct upstream, link);

                list_remove(&u->link);
                d->n_idle--;
                if (is_silent(u)) {
                        u->reused = true;
                        return u;
                }
                upstream_close(u);
        }
        return NULL;
}

int upstream_get(struct watchdog *d, bool fresh, void (*ready)(struct watch *w, uint32_t events),
                 struct upstream **ret) {
        struct upstream *u = fresh ? NULL : take_idle(d);
        int fd;

        if (u) {
                *ret = u;
                return 0;
        }
        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        fd = upstream_dial(d);
        if (fd < 0) {
                free(u);
                return fd;
        }
        list_init(&u->link);
        u->dog = d;
        u->w = (struct watch){ .fd = fd, .ready = ready };
        u->in.limit = 2 * HTTP_HEAD_BYTES + WATCHDOG_SCRATCH;
        *ret = u;
        return 0;
}

void upstream_keep(struct upstream *u) {
        struct watchdog *d = u->dog;

        if (d->n_idle == KEPT || d->draining) {
                upstream_close(u);
                return;
        }
        u->call = NULL;
        u->deaf = u->answered = u->in_body = false;
        outbox_done(&u->out);
        buf_done(&u->in);
        u->scanned = 0;
        u->idle_until = usec_add(loop_now(), IDLE_USEC);
        list_append(&d->idle, &u->link);
        d->n_idle++;
        watch_set(&d->loop, &u->w, EPOLLIN);
        loop_alarm(&d->loop, u->idle_until);
}

void upstream_close(struct upstream *u) {
        if (!u || u->w.fd < 0)
                return;
        watch_close(&u->dog->loop, &u->w);
        outbox_done(&u->out);
        buf_done(&u->in);
        u->call = NULL;
        list_remove(&u->link);
        list_append(&u->dog->ended_upstreams, &u->link);
}

static void close_idle(struct upstream *u) {
        u->dog->n_idle--;
        upstream_close(u);
}

void upstreams_deadlines(struct watchdog *d) {
        struct upstream *u, *next;
        usec_t now = loop_now();

        list_each(u, next, &d->idle, link) {
                if (u->idle_until <= now)
                        close_idle(u);
                else
                        loop_alarm(&d->loop, u->idle_until);
        }
}

void upstreams_free_ended(struct watchdog *d) {
        struct upstream *u, *next;

        list_each(u, next, &d->ended_upstreams, link) free(u);
        list_init(&d->ended_upstreams);
}

void upstreams_end(struct watchdog *d) {
        struct upstream *u, *next;

        list_each(u, next, &d->idle, link) close_idle(u);
        upstreams_free_ended(d);
}
