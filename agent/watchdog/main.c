/* main - fwatchdog: makes a function of a program that reads stdin and writes stdout. */
#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"
#include "watchdog/child.h"
#include "watchdog/connection.h"
#include "watchdog/files.h"
#include "watchdog/lock.h"
#include "watchdog/log.h"
#include "watchdog/upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { EXIT_FAILED = 1, EXIT_MISUSED = 2 };
#define LAST_USEC (1 * USEC_PER_SEC)

static struct watchdog dog;

/* ---- start -------------------------------------------------------------------------------- */

static void on_listener(struct watch *w, uint32_t events) {
        (void)events;
        connection_accept(&dog, w);
}

static int bind_to(int fd, const struct endpoint *e, int family) {
        struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };
        struct sockaddr_in four = { .sin_family = AF_INET,
                                    .sin_port = htons(e->port),
                                    .sin_addr.s_addr = e->address };
        int one = 1, zero = 0;

        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (family == AF_INET)
                return bind(fd, (const struct sockaddr *)&four, sizeof(four));
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
        return bind(fd, (const struct sockaddr *)&six, sizeof(six));
}

static int try_listen(const struct endpoint *e, int family) {
        auto_close int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind_to(fd, e, family) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        return take_fd(&fd);
}

static int listen_on(struct watch *w, struct endpoint *e) {
        struct sockaddr_in6 name;
        socklen_t size = sizeof(name);
        int fd = -EAFNOSUPPORT;

        if (e->address == htonl(INADDR_ANY))
                fd = try_listen(e, AF_INET6);
        if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) /* the kernel has no IPv6, or not here */
                fd = try_listen(e, AF_INET);
        if (fd < 0)
                return fd;
        if (getsockname(fd, (struct sockaddr *)&name, &size) == 0)
                e->port = ntohs(name.sin6_port); /* where sin_port is too */
        *w = (struct watch){ .fd = fd, .ready = on_listener };
        watch_set(&dog.loop, w, EPOLLIN);
        return 0;
}

/* A call takes three descriptors; the limit is not raised, as the function would inherit that. */
static unsigned most_connections(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 3 >= WATCHDOG_CONNECTIONS + 8)
                return WATCHDOG_CONNECTIONS;
        return limit.rlim_cur < 48 ? 8 : (unsigned)limit.rlim_cur / 3 - 8;
}

/* ---- signals ------------------------------------------------------------------------------ */

static void drain(void) {
        connections_drain(&dog);
        log_line("No new calls; %u are finished first.", dog.inflight);
}

static void on_term(void) {
        if (dog.ending)
                return;
        dog.ending = true;
        lock_remove(&dog.options);
        log_line("SIGTERM: health says so from now on.");
        dog.drain_at = usec_add(loop_now(), dog.options.healthcheck_usec);
        loop_alarm(&dog.loop, dog.drain_at);
        if (!dog.options.healthcheck_usec)
                drain();
}

/* Reaps all that ended: as process 1 of a container also what others left behind. */
static void reap(void) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                if (!child_exited(&dog, pid, status))
                        connections_child(&dog, pid, status);
}

static void on_signal(struct watch *w, uint32_t events) {
        struct signalfd_siginfo info;

        (void)events;
        if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
                return;
        if (info.ssi_signo == SIGCHLD)
                reap();
        else
                on_term();
}

static int take_signals(void) {
        sigset_t set;
        int fd;

        (void)signal(SIGPIPE, SIG_IGN);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGCHLD);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        dog.signals = (struct watch){ .fd = fd, .ready = on_signal };
        watch_set(&dog.loop, &dog.signals, EPOLLIN);
        return 0;
}

/* ---- life --------------------------------------------------------------------------------- */

static int start(struct fail *f) {
        int r = loop_init(&dog.loop);

        if (r == 0)
                r = take_signals();
        if (r < 0)
                return fail(f, r, "cannot start: %s", strerror(-r));
        r = listen_on(&dog.listener, &dog.options.port);
        if (r < 0)
                return fail(f, r, "cannot listen on port %u: %s", dog.options.port.port,
                            strerror(-r));
        r = listen_on(&dog.metrics_listener, &dog.options.metrics_port);
        if (r < 0)
                return fail(f, r, "cannot listen on metrics_port %u: %s",
                            dog.options.metrics_port.port, strerror(-r));
        list_init(&dog.connections);
        list_init(&dog.ended);
        list_init(&dog.idle);
        list_init(&dog.ended_upstreams);
        dog.most_connections = most_connections();
        dog.drain_at = USEC_NEVER;
        r = files_start(&dog, f);
        if (r == 0)
                r = child_start(&dog, f);
        if (r < 0)
                return r;
        if (dog.options.mode != MODE_HTTP)
                lock_write(&dog.options);
        log_line("Listening on port %u, metrics on port %u.", dog.options.port.port,
                 dog.options.metrics_port.port);
        return 0;
}

static void turn(void) {
        if (loop_turn(&dog.loop)) {
                connections_deadlines(&dog);
                upstreams_deadlines(&dog);
                child_deadlines(&dog);
                if (dog.ending && !dog.draining && dog.drain_at <= loop_now())
                        drain();
                else if (!dog.draining)
                        loop_alarm(&dog.loop, dog.drain_at);
        }
        connections_free_ended(&dog);
        upstreams_free_ended(&dog);
}

/* Finishes what runs. */
static void finish(usec_t grace) {
        usec_t until = grace ? usec_add(loop_now(), grace) : USEC_NEVER;

        while (connections_busy(&dog) && loop_now() < until) {
                loop_alarm(&dog.loop, until);
                turn();
        }
        if (dog.inflight)
                log_line("%u calls were not finished within write_timeout.", dog.inflight);
        connections_end(&dog);
        upstreams_end(&dog);
}

/* The exit status. */
static int run(void) {
        while (!dog.draining && !dog.child.ended)
                turn();
        if (dog.child.ended) { /* what it answered at last is still handed out */
                int status = child_exit_status(&dog);

                lock_remove(&dog.options);
                log_line("The function ended, with status %d.", status);
                connections_drain(&dog);
                finish(LAST_USEC);
                return dog.ending ? 0 : status;
        }
        finish(dog.options.write_timeout_usec);
        child_stop(&dog, dog.options.write_timeout_usec);
        return 0;
}

/* Ours must never get the numbers of stdin, stdout and stderr. */
static bool standard_files(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void)close(fd);
        return fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

static int usage(FILE *to, int status) {
        fprintf(to, "usage: fprocess='COMMAND ARGUMENT...' fwatchdog\n"
                    "Serves HTTP: each call runs COMMAND with the body on stdin and answers its "
                    "output; mode says how else.\nSet by the environment:\n");
        options_help(to);
        return status;
}

int main(int argc, char **argv) {
        struct fail f = { 0 };
        int r;

        if (!standard_files())
                return EXIT_FAILED;
        if (argc == 2 && str_eq(argv[1], "--version")) {
                printf("fwatchdog %s (%s)\n", BRAMBLE_VERSION, BRAMBLE_COMMIT);
                return 0;
        }
        if (argc > 1)
                return argc == 2 && str_eq(argv[1], "--help") ? usage(stdout, 0)
                                                              : usage(stderr, EXIT_MISUSED);
        /* memory of a large answer goes back to the system, not to the next large answer */
        (void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024);
        if (options_read(&dog.options, &f) < 0) {
                fprintf(stderr, "fwatchdog: %s\n", fail_text(&f));
                return EXIT_MISUSED;
        }
        if (start(&f) < 0) {
                fprintf(stderr, "fwatchdog: %s\n", fail_text(&f));
                return EXIT_FAILED;
        }
        r = run();
        options_done(&dog.options);
        return r;
}
