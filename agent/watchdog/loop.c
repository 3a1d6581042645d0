/* loop - epoll, the clock, and log lines. */
#include "watchdog/watchdog.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE = 512 }; /* at most PIPE_BUF, so that lines of several processes do not mix */

usec_t watchdog_now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / NSEC_PER_USEC;
}

void watch_set(struct watchdog *d, struct watch *w, uint32_t events) {
        struct epoll_event e = { .events = events, .data.ptr = w };

        if (w->fd < 0 || w->events == events)
                return;
        (void)epoll_ctl(d->epoll,
                        !events     ? EPOLL_CTL_DEL
                        : w->events ? EPOLL_CTL_MOD
                                    : EPOLL_CTL_ADD,
                        w->fd, &e);
        w->events = events;
}

void watch_close(struct watchdog *d, struct watch *w) {
        watch_set(d, w, 0);
        if (w->fd >= 0)
                (void)close(w->fd);
        w->fd = -1;
}

void watchdog_log(const char *format, ...) {
        char line[LOG_LINE];
        struct tm tm;
        time_t now = time(NULL);
        size_t len;
        va_list args;
        int n;

        (void)gmtime_r(&now, &tm); /* UTC: a container has no time zones */
        len = strftime(line, sizeof(line), "%Y/%m/%d %H:%M:%S ", &tm);
        va_start(args, format);
        n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
        va_end(args);
        if (n < 0)
                return;
        len += (size_t)n < sizeof(line) - len - 1 ? (size_t)n : sizeof(line) - len - 2;
        line[len++] = '\n';
        if (write(STDERR_FILENO, line, len) < 0)
                return; /* there is nobody to tell */
}
