#include "watchdog/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_EVENTS = 32 };

int loop_init(struct loop *l) {
        *l = (struct loop){ .alarm = USEC_NEVER };
        l->epoll = epoll_create1(EPOLL_CLOEXEC);
        return l->epoll < 0 ? -errno : 0;
}

void loop_done(struct loop *l) {
        if (l->epoll >= 0)
                (void)close(l->epoll);
        l->epoll = -1;
}

usec_t loop_now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / NSEC_PER_USEC;
}

void loop_alarm(struct loop *l, usec_t at) {
        if (at < l->alarm)
                l->alarm = at;
}

static int timeout_ms(const struct loop *l) {
        usec_t ms;

        if (l->alarm == USEC_NEVER)
                return -1;
        ms = (usec_sub(l->alarm, loop_now()) + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
        return ms > INT_MAX ? INT_MAX : (int)ms;
}

bool loop_turn(struct loop *l) {
        struct epoll_event ready[LOOP_EVENTS];
        int n = epoll_wait(l->epoll, ready, LOOP_EVENTS, timeout_ms(l));

        for (int i = 0; i < n; i++) {
                struct watch *w = ready[i].data.ptr;

                if (w->fd >= 0) /* else one before it in this turn closed it */
                        w->ready(w, ready[i].events);
        }
        if (l->alarm == USEC_NEVER || loop_now() < l->alarm)
                return false;
        l->alarm = USEC_NEVER;
        return true;
}

void watch_set(struct loop *l, struct watch *w, uint32_t events) {
        struct epoll_event e = { .events = events, .data.ptr = w };
        int op = w->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

        if (w->fd < 0 || w->events == events)
                return;
        (void)epoll_ctl(l->epoll, events ? op : EPOLL_CTL_DEL, w->fd, &e);
        w->events = events;
}

void watch_close(struct loop *l, struct watch *w) {
        if (w->fd < 0)
                return;
        watch_set(l, w, 0);
        (void)close(w->fd);
        w->fd = -1;
}
