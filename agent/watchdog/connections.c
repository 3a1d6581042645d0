#include "watchdog/connection_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PAUSE_USEC (100 * USEC_PER_MSEC) /* no descriptor was free: try again */

void connections_listen(struct watchdog *d) {
        if (!d->full)
                return;
        d->full = false;
        watch_set(&d->loop, &d->listener, EPOLLIN);
        watch_set(&d->loop, &d->metrics_listener, EPOLLIN);
}

void connections_free_ended(struct watchdog *d) {
        struct connection *c, *next;

        list_each(c, next, &d->ended, link) free(c);
        list_init(&d->ended);
}

void connections_end(struct watchdog *d) {
        struct connection *c, *next;

        list_each(c, next, &d->connections, link) connection_end(c);
        connections_free_ended(d);
}

static bool is_idle(const struct connection *c) {
        return c->state == STATE_READING && c->data.len == 0;
}

/* The one that has been idle longest makes room. */
static bool make_room(struct watchdog *d) {
        struct connection *c, *next;

        if (d->n_connections < d->most_connections)
                return true;
        list_each(c, next, &d->connections, link) {
                if (!is_idle(c))
                        continue;
                connection_end(c);
                return true;
        }
        return false;
}

static void pause_listening(struct watchdog *d) {
        d->full = true;
        watch_set(&d->loop, &d->listener, 0);
        watch_set(&d->loop, &d->metrics_listener, 0);
        loop_alarm(&d->loop, usec_add(loop_now(), PAUSE_USEC));
}

void connection_accept(struct watchdog *d, struct watch *listener) {
        for (;;) {
                int fd;

                if (!make_room(d)) {
                        pause_listening(d);
                        return;
                }
                fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd >= 0) {
                        connection_add(d, fd, listener == &d->metrics_listener);
                        continue;
                }
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                        pause_listening(d);
                return;
        }
}

void connections_child(struct watchdog *d, pid_t pid, int status) {
        struct connection *c, *next;

        list_each(c, next, &d->connections, link) {
                if (!call_exited(&c->call, pid, status))
                        continue;
                connection_resume(c);
                return;
        }
}

void connections_child_serves(struct watchdog *d) {
        struct connection *c, *next;

        list_each(c, next, &d->connections, link) {
                if (c->state != STATE_RUNNING)
                        continue;
                call_child_serves(&c->call);
                connection_resume(c);
        }
}

static void overdue(struct connection *c) {
        bool head = c->state == STATE_READING && c->data.len > 0;
        bool streaming = c->state == STATE_STREAMING;

        if ((c->state == STATE_RUNNING || streaming) && c->call.active &&
            c->call.deadline <= loop_now()) {
                call_overdue(&c->call);
        } else if (c->state == STATE_RUNNING || head) {
                call_cancel(&c->call);
                connection_refuse(c, 408, "the request did not come within read_timeout");
        } else if (streaming) { /* the client does not go on */
                call_cancel(&c->call);
                connection_stream_end(c, false);
                return;
        } else {
                connection_end(c);
                return;
        }
        connection_resume(c);
}

void connections_deadlines(struct watchdog *d) {
        struct connection *c, *next;
        usec_t now = loop_now();

        connections_listen(d);
        list_each(c, next, &d->connections, link) {
                if (connection_deadline(c) <= now)
                        overdue(c);
                else
                        loop_alarm(&d->loop, connection_deadline(c));
        }
}

void connections_drain(struct watchdog *d) {
        struct connection *c, *next;

        /* what was sent before the signal could be known counts as begun */
        connection_accept(d, &d->listener);
        list_each(c, next, &d->connections, link) if (c->state == STATE_READING)
                connection_receive(c);
        d->draining = true;
        list_each(c, next, &d->connections, link) if (is_idle(c)) connection_end(c);
}

bool connections_busy(const struct watchdog *d) {
        const struct list *l = &d->connections;

        for (const struct list *i = l->next; i != l; i = i->next)
                if (container_of(i, struct connection, link)->state != STATE_READING)
                        return true;
        return false;
}
