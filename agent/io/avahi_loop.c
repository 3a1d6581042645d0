#include "io/avahi_loop.h"

#include "base/scope.h"

#include <avahi-common/timeval.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct AvahiWatch {
        uv_poll_t poll;
        int fd;   /* avahi's */
        int twin; /* ours: libuv takes a descriptor once, D-Bus watches it for reading and writing
                   */
        AvahiWatchEvent happened; /* while the callback runs */
        AvahiWatchCallback callback;
        void *arg;
};

struct AvahiTimeout {
        uv_timer_t timer;
        AvahiTimeoutCallback callback;
        void *arg;
};

static void on_poll(uv_poll_t *poll, int status, int events) {
        AvahiWatch *w = container_of(poll, AvahiWatch, poll);
        unsigned happened = 0;

        if (status < 0)
                happened |= AVAHI_WATCH_ERR;
        if (events & UV_READABLE)
                happened |= AVAHI_WATCH_IN;
        if (events & UV_WRITABLE)
                happened |= AVAHI_WATCH_OUT;
        if (events & UV_DISCONNECT)
                happened |= AVAHI_WATCH_HUP;
        w->happened = (AvahiWatchEvent)happened;
        w->callback(w, w->fd, w->happened, w->arg);
        /* The callback may have freed the watch; its memory stays until the handle is closed. */
        w->happened = (AvahiWatchEvent)0;
}

static void watch_update(AvahiWatch *w, AvahiWatchEvent wanted) {
        int events = 0;

        if (wanted & AVAHI_WATCH_IN)
                events |= UV_READABLE | UV_DISCONNECT;
        if (wanted & AVAHI_WATCH_OUT)
                events |= UV_WRITABLE;
        /* Neither fails for an initialised handle. */
        if (events)
                (void)uv_poll_start(&w->poll, events, on_poll);
        else
                (void)uv_poll_stop(&w->poll);
}

static AvahiWatch *watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent wanted,
                             AvahiWatchCallback callback, void *arg) {
        AvahiWatch *w = calloc(1, sizeof(*w));

        if (!w)
                return NULL;
        w->fd = fd;
        w->callback = callback;
        w->arg = arg;
        w->twin = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (w->twin < 0 || uv_poll_init(api->userdata, &w->poll, w->twin) < 0) {
                if (w->twin >= 0)
                        (void)close(w->twin);
                free(w);
                return NULL;
        }
        watch_update(w, wanted);
        return w;
}

static AvahiWatchEvent watch_get_events(AvahiWatch *w) {
        return w->happened;
}

static void watch_closed(uv_handle_t *handle) {
        AvahiWatch *w = container_of(handle, AvahiWatch, poll);

        (void)close(w->twin);
        free(w);
}

static void watch_free(AvahiWatch *w) {
        uv_close((uv_handle_t *)&w->poll, watch_closed);
}

static void on_timer(uv_timer_t *timer) {
        AvahiTimeout *t = container_of(timer, AvahiTimeout, timer);

        t->callback(t, t->arg);
}

/* avahi's times are of the wall clock and absolute.  They are made relative here and now, so that
 * a clock that is set meanwhile does not stall anything. */
static void timeout_update(AvahiTimeout *t, const struct timeval *when) {
        AvahiUsec left;

        if (!when) {
                (void)uv_timer_stop(&t->timer);
                return;
        }
        left = -avahi_age(when);
        (void)uv_timer_start(&t->timer, on_timer, left > 0 ? (uint64_t)(left + 999) / 1000 : 0, 0);
}

static AvahiTimeout *timeout_new(const AvahiPoll *api, const struct timeval *when,
                                 AvahiTimeoutCallback callback, void *arg) {
        AvahiTimeout *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;
        t->callback = callback;
        t->arg = arg;
        (void)uv_timer_init(api->userdata, &t->timer);
        timeout_update(t, when);
        return t;
}

static void timeout_closed(uv_handle_t *handle) {
        free(container_of(handle, AvahiTimeout, timer));
}

static void timeout_free(AvahiTimeout *t) {
        uv_close((uv_handle_t *)&t->timer, timeout_closed);
}

void avahi_loop_init(AvahiPoll *ret, uv_loop_t *loop) {
        *ret = (AvahiPoll){
                .userdata = loop,
                .watch_new = watch_new,
                .watch_update = watch_update,
                .watch_get_events = watch_get_events,
                .watch_free = watch_free,
                .timeout_new = timeout_new,
                .timeout_update = timeout_update,
                .timeout_free = timeout_free,
        };
}
