/* main - fwatchdog: makes a function of a program that reads stdin and writes stdout. */
#include "watchdog/watchdog.h"

#include "base/scope.h"
#include "base/str.h"
#include "watchdog/connection.h"
#include "watchdog/log.h"

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
        if (dog.draining)
                return;
        if (!dog.options.suppress_lock)
                (void)unlink(dog.options.lock_file);
        connections_drain(&dog);
        log_line("SIGTERM: no new calls; %u are finished first.", dog.inflight);
}

/* Reaps all that ended: as process 1 of a container also what others left behind. */
static void reap(void) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
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
                drain();
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

static void write_lock_file(void) {
        const char *path = dog.options.lock_file;
        int fd;

        if (dog.options.suppress_lock)
                return;
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                log_line("cannot write %.200s, going on without: %s", path, strerror(errno));
        else
                (void)close(fd);
}

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
        dog.most_connections = most_connections();
        write_lock_file();
        log_line("Listening on port %u, metrics on port %u.", dog.options.port.port,
                 dog.options.metrics_port.port);
        return 0;
}

static void turn(void) {
        if (loop_turn(&dog.loop))
                connections_deadlines(&dog);
        connections_free_ended(&dog);
}

static void run(void) {
        usec_t grace = dog.options.write_timeout_usec, until = USEC_NEVER;

        while (!dog.draining)
                turn();
        if (grace)
                until = usec_add(loop_now(), grace);
        while (connections_busy(&dog) && loop_now() < until) {
                loop_alarm(&dog.loop, until);
                turn();
        }
        if (dog.inflight)
                log_line("%u calls were not finished within write_timeout.", dog.inflight);
        connections_end(&dog);
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
                    "output.\nSet by the environment:\n");
        options_help(to);
        return status;
}

int main(int argc, char **argv) {
        struct fail f = { 0 };

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
        run();
        options_done(&dog.options);
        return 0;
}
