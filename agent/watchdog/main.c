/* main - fwatchdog: turns a process that reads stdin and writes stdout into a function. */
#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LOCK_FILE "/tmp/.lock"

enum { EVENTS = 64 };

static struct watchdog dog;

static void on_listener(struct watch *w, uint32_t events) {
        (void)events;
        connection_accept(&dog, w, w == &dog.metrics_listener);
}

/* All interfaces, IPv6 and IPv4, or IPv4 alone where the kernel has no IPv6. */
static int listen_on(struct watch *w, uint16_t port) {
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
        struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
        int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, one = 1, zero = 0, r = -1;

        w->ready = on_listener;
        w->fd = socket(AF_INET6, type, 0);
        if (w->fd >= 0) {
                (void)setsockopt(w->fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
                (void)setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
                r = bind(w->fd, (const struct sockaddr *)&six, sizeof(six));
        }
        if (w->fd < 0 || (r < 0 && errno == EADDRNOTAVAIL)) {
                watch_close(&dog, w);
                w->fd = socket(AF_INET, type, 0);
                if (w->fd < 0)
                        return -errno;
                (void)setsockopt(w->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
                r = bind(w->fd, (const struct sockaddr *)&four, sizeof(four));
        }
        if (r < 0 || listen(w->fd, SOMAXCONN) < 0)
                return -errno;
        watch_set(&dog, w, EPOLLIN);
        return 0;
}

/* Reaps all that ended: as process 1 of a container also what others left behind. */
static void reap(void) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                connection_child(&dog, pid, status);
}

static void drain(void) {
        if (dog.draining)
                return;
        watchdog_log("SIGTERM: finishing %u calls.", dog.inflight);
        (void)unlink(LOCK_FILE);
        dog.draining = true;
        dog.drain_until = usec_add(watchdog_now(), dog.options.write_timeout_usec);
        connection_drain(&dog);
}

static void on_signal(struct watch *w, uint32_t events) {
        struct signalfd_siginfo info;

        (void)events;
        while (read(w->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                if (info.ssi_signo == SIGCHLD)
                        reap();
                else
                        drain();
}

static int signals(void) {
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGCHLD);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        (void)signal(SIGPIPE, SIG_IGN);
        dog.signals.ready = on_signal;
        dog.signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        if (dog.signals.fd < 0)
                return -errno;
        watch_set(&dog, &dog.signals, EPOLLIN);
        return 0;
}

static int start(void) {
        int r;

        dog.epoll = epoll_create1(EPOLL_CLOEXEC);
        if (dog.epoll < 0)
                return -errno;
        r = signals();
        if (r == 0)
                r = listen_on(&dog.listener, dog.options.port);
        if (r == 0)
                r = listen_on(&dog.metrics_listener, dog.options.metrics_port);
        return r;
}

static void lock_file(void) {
        int fd;

        if (dog.options.suppress_lock)
                return;
        fd = open(LOCK_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                watchdog_log("cannot write %s, going on without: %s", LOCK_FILE, strerror(errno));
        else
                (void)close(fd);
}

static int run(void) {
        struct epoll_event ready[EVENTS];

        while (!dog.draining || (dog.connections > 0 && watchdog_now() < dog.drain_until)) {
                usec_t now = watchdog_now(), next = connection_deadlines(&dog, now);
                int timeout = -1, n;

                if (dog.draining && dog.drain_until < next)
                        next = dog.drain_until;
                if (next != USEC_NEVER)
                        timeout = (int)((usec_sub(next, now) + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
                n = epoll_wait(dog.epoll, ready, 1, timeout);
                for (int i = 0; i < n; i++) {
                        struct watch *w = ready[i].data.ptr;

                        w->ready(w, ready[i].events);
                }
        }
        return 0;
}

int main(int argc, char **argv) {
        int r;

        if (argc > 1 && str_eq(argv[1], "--version")) {
                printf("fwatchdog %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                return 0;
        }
        if (argc > 1) {
                printf("usage: fprocess='COMMAND ARGUMENTS' fwatchdog\n");
                return str_eq(argv[1], "--help") ? 0 : 2;
        }
        options_read(&dog.options);
        r = start();
        if (r < 0) {
                fprintf(stderr, "fwatchdog: cannot listen: %s\n", strerror(-r));
                return 1;
        }
        lock_file();
        watchdog_log("Listening on port %u.", dog.options.port);
        return run();
}
