/* watchdog - what a call through fwatchdog costs beside a bare posix_spawn of the same program, and
 * how much memory it needs.  No root:
 *
 *     watchdog [PROGRAM]    of what is called, cat by default
 *
 * fwatchdog is the one beside the folder that this was built into. */
#include "base/scope.h"
#include "base/str.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        ROUNDS = 7,
        CALLS = 300,
        BODY = 5,
        BIG = 10 * 1000 * 1000,
        WIDE_PIPE = 256 * 1024,
        BIG_ROUNDS = 21
};

extern char **environ;

static char program[PATH_MAX];

struct cost { /* of a call */
        double cpu_usec, wall_usec;
};

_Noreturn static void die(const char *what) {
        fprintf(stderr, "watchdog bench: %s: %s\n", what, strerror(errno));
        exit(1);
}

static usec_t now(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / NSEC_PER_USEC;
}

static usec_t cpu_of(const struct rusage *u) {
        return (usec_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * USEC_PER_SEC +
               (usec_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static usec_t cpu_so_far(void) {
        struct rusage self, children;

        (void)getrusage(RUSAGE_SELF, &self);
        (void)getrusage(RUSAGE_CHILDREN, &children);
        return cpu_of(&self) + cpu_of(&children);
}

/* ---- bare --------------------------------------------------------------------------------- */

static void spawn_once(char *const argv[]) {
        posix_spawn_file_actions_t actions;
        int in[2], out[2], status;
        char some[4096];
        pid_t pid;

        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
                die("pipe");
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
        if (errno)
                die(argv[0]);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(in[0]);
        (void)close(out[1]);
        if (write(in[1], "hello", BODY) != BODY)
                die("write");
        (void)close(in[1]);
        while (read(out[0], some, sizeof(some)) > 0)
                ;
        (void)close(out[0]);
        if (waitpid(pid, &status, 0) != pid || status != 0)
                die("wait");
}

static struct cost bare(char *const argv[]) {
        usec_t cpu = cpu_so_far(), start = now();

        for (int i = 0; i < CALLS; i++)
                spawn_once(argv);
        return (struct cost){ (double)(cpu_so_far() - cpu) / CALLS,
                              (double)(now() - start) / CALLS };
}

/* Gives BIG bytes to 'to' while it reads 'from', until BIG have come back, perhaps behind the head
 * of an answer. */
static void there_and_back(int to, int from, bool head) {
        static char out[64 * 1024], in[64 * 1024];
        size_t given = 0, got = 0;

        while (got < BIG) {
                struct pollfd p[2] = { { from, POLLIN, 0 }, { given < BIG ? to : -1, POLLOUT, 0 } };
                size_t most = BIG - given < sizeof(out) ? BIG - given : sizeof(out);
                ssize_t n;

                if (poll(p, 2, -1) < 0)
                        die("poll");
                n = p[1].revents ? write(to, out, most) : 0;
                given += n > 0 ? (size_t)n : 0;
                n = p[0].revents ? read(from, in, sizeof(in)) : 0;
                if (p[0].revents && n <= 0 && errno != EAGAIN)
                        die("large body");
                got += n > 0 ? (size_t)n : 0;
                if (head && n > 0) {
                        char *end = memmem(in, (size_t)n, "\r\n\r\n", 4);

                        if (!end || !str_starts(in, "HTTP/1.1 200"))
                                die("head of a large answer");
                        got -= (size_t)(end + 4 - in);
                        head = false;
                }
        }
}

/* Through a bare child, with pipes as large as fwatchdog's. */
static double bare_big(char *const argv[]) {
        posix_spawn_file_actions_t actions;
        int in[2], out[2];
        usec_t begin = now();
        pid_t pid;

        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
                die("pipe");
        (void)fcntl(in[1], F_SETPIPE_SZ, WIDE_PIPE);
        (void)fcntl(out[0], F_SETPIPE_SZ, WIDE_PIPE);
        (void)fcntl(in[1], F_SETFL, O_NONBLOCK);
        (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
        if (errno)
                die(argv[0]);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(in[0]);
        (void)close(out[1]);
        there_and_back(in[1], out[0], false);
        (void)close(in[1]);
        (void)close(out[0]);
        if (waitpid(pid, NULL, 0) != pid)
                die("wait");
        return (double)(now() - begin) / 1000;
}

/* ---- through fwatchdog -------------------------------------------------------------------- */

struct server {
        pid_t pid;
        int log;
        uint16_t port;
};

static void start(struct server *s, const char *command) {
        char set[PATH_MAX + 16], some[512] = "";
        int p[2];

        if (pipe(p) < 0)
                die("pipe");
        s->pid = fork();
        if (s->pid == 0) {
                snprintf(set, sizeof(set), "%s", command);
                (void)setenv("fprocess", set, 1);
                (void)setenv("port", "127.0.0.1:0", 1);
                (void)setenv("metrics_port", "127.0.0.1:0", 1);
                (void)setenv("suppress_lock", "true", 1);
                (void)dup2(p[1], STDERR_FILENO);
                execl(program, "fwatchdog", (char *)NULL);
                _exit(127);
        }
        (void)close(p[1]);
        s->log = p[0];
        if (read(p[0], some, sizeof(some) - 1) <= 0 ||
            sscanf(some, "%*s %*s Listening on port %hu", &s->port) != 1)
                die(program);
        /* from now on nobody reads it: it must not wait for that */
        s->log = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (fork() == 0) {
                while (read(p[0], some, sizeof(some)) > 0)
                        ;
                _exit(0);
        }
        (void)close(p[0]);
}

/* The CPU time of it and of all that it ran. */
static usec_t stop(struct server *s) {
        struct rusage u;
        int status;

        (void)kill(s->pid, SIGTERM);
        if (wait4(s->pid, &status, 0, &u) != s->pid || status != 0)
                die("fwatchdog");
        (void)close(s->log);
        return cpu_of(&u);
}

static int dial(const struct server *s) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(s->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
                die("connect");
        return fd;
}

/* Reads one answer; its bytes behind the head. */
static size_t hear(int fd) {
        static char some[1 << 20];
        size_t len = 0, want = SIZE_MAX;

        while (len < want) {
                ssize_t n = recv(fd, some + (want == SIZE_MAX ? len : 0),
                                 want == SIZE_MAX ? sizeof(some) - 1 - len : sizeof(some) - 1, 0);
                char *end, *length;

                if (n <= 0)
                        die("answer");
                len += (size_t)n;
                if (want != SIZE_MAX)
                        continue;
                some[len] = '\0';
                end = strstr(some, "\r\n\r\n");
                length = strstr(some, "Content-Length: ");
                if (!str_starts(some, "HTTP/1.1 200") || (end && !length))
                        die(some);
                if (end) {
                        want = strtoul(length + 16, NULL, 10);
                        len -= (size_t)(end + 4 - some);
                }
        }
        return len;
}

static void call(int fd) {
        static const char request[] =
                "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello";

        if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
                die("send");
        (void)hear(fd);
}

static struct cost through(const char *command) {
        struct server s;
        usec_t begin, end;
        int fd;

        start(&s, command);
        fd = dial(&s);
        begin = now();
        for (int i = 0; i < CALLS; i++)
                call(fd);
        end = now();
        (void)close(fd);
        return (struct cost){ (double)stop(&s) / CALLS, (double)(end - begin) / CALLS };
}

/* ---- memory and large bodies -------------------------------------------------------------- */

static long rss_kb(const struct server *s) {
        char path[64], line[256];
        long kb = -1;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", s->pid);
        f = fopen(path, "re");
        while (f && kb < 0 && fgets(line, sizeof(line), f))
                (void)sscanf(line, "Rss: %ld", &kb);
        if (f)
                (void)fclose(f);
        return kb;
}

static double served_big(int fd) {
        static const char head[] = "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 10000000\r\n\r\n";
        usec_t begin = now();

        if (send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL) != sizeof(head) - 1)
                die("send");
        there_and_back(fd, fd, true);
        return (double)(now() - begin) / 1000;
}

/* Through a TCP connection alone, which a pipe has not: what a call cannot be faster than. */
static double socket_big(void) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(at);
        static char some[64 * 1024];
        struct server to = { 0 };
        usec_t begin;
        int fd;
        pid_t pid;

        if (s < 0 || bind(s, (struct sockaddr *)&at, size) < 0 || listen(s, 1) < 0 ||
            getsockname(s, (struct sockaddr *)&at, &size) < 0)
                die("socket");
        to.port = ntohs(at.sin_port);
        fd = dial(&to);
        pid = fork();
        if (pid == 0) { /* echoes */
                int peer = accept(s, NULL, NULL);
                ssize_t n;

                (void)close(fd);
                while ((n = read(peer, some, sizeof(some))) > 0)
                        for (ssize_t done = 0, w; done < n; done += w)
                                if ((w = write(peer, some + done, (size_t)(n - done))) < 0)
                                        _exit(1);
                _exit(0);
        }
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        begin = now();
        there_and_back(fd, fd, false);
        begin = now() - begin;
        (void)close(fd);
        (void)close(s);
        if (waitpid(pid, NULL, 0) != pid)
                die("wait");
        return (double)begin / 1000;
}

static int compare_double(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static void big(char *const argv[]) {
        double alone[BIG_ROUNDS], served[BIG_ROUNDS], tcp[BIG_ROUNDS];
        struct server s;
        int fd;

        start(&s, argv[0]);
        fd = dial(&s);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        for (int i = 0; i < BIG_ROUNDS; i++) { /* in turn, as above */
                alone[i] = bare_big(argv);
                served[i] = served_big(fd);
                tcp[i] = socket_big();
        }
        qsort(alone, BIG_ROUNDS, sizeof(alone[0]), compare_double);
        qsort(served, BIG_ROUNDS, sizeof(served[0]), compare_double);
        qsort(tcp, BIG_ROUNDS, sizeof(tcp[0]), compare_double);
        printf("10 MB there and back, medians of %d: %.1f ms bare, %.1f ms a socket that echoes, "
               "%.1f ms through fwatchdog: %.2f of the bare speed; %ld KB afterwards\n",
               BIG_ROUNDS, alone[BIG_ROUNDS / 2], tcp[BIG_ROUNDS / 2], served[BIG_ROUNDS / 2],
               alone[BIG_ROUNDS / 2] / served[BIG_ROUNDS / 2], rss_kb(&s));
        (void)close(fd);
        (void)stop(&s);
}

static void memory(const char *command) {
        struct server s;
        long idle;
        int fd;

        start(&s, command);
        idle = rss_kb(&s);
        fd = dial(&s);
        for (int i = 0; i < 1000; i++)
                call(fd);
        printf("memory: %ld KB idle, %ld KB after 1000 calls\n", idle, rss_kb(&s));
        (void)close(fd);
        (void)stop(&s);
}

static int compare(const void *a, const void *b) {
        double x = ((const struct cost *)a)->cpu_usec, y = ((const struct cost *)b)->cpu_usec;

        return (x > y) - (x < y);
}

int main(int argc, char **argv) {
        char *command = argc > 1 ? argv[1] : (char *)"cat", *args[] = { command, NULL };
        struct cost alone[ROUNDS], served[ROUNDS];
        ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 32);
        char *slash = len > 0 ? strrchr(program, '/') : NULL;

        if (!slash)
                die("/proc/self/exe");
        strcpy(slash, "/../fwatchdog");
        for (int i = 0; i < ROUNDS; i++) { /* in turn, so that both see the same machine */
                alone[i] = bare(args);
                served[i] = through(command);
        }
        qsort(alone, ROUNDS, sizeof(alone[0]), compare);
        qsort(served, ROUNDS, sizeof(served[0]), compare);
        printf("%s, medians of %d times %d calls\n", command, ROUNDS, CALLS);
        printf("bare posix_spawn: %.0f us CPU, %.0f us a call\n", alone[ROUNDS / 2].cpu_usec,
               alone[ROUNDS / 2].wall_usec);
        printf("fwatchdog:        %.0f us CPU, %.0f us a call: %.2f of it\n",
               served[ROUNDS / 2].cpu_usec, served[ROUNDS / 2].wall_usec,
               served[ROUNDS / 2].cpu_usec / alone[ROUNDS / 2].cpu_usec);
        memory(command);
        if (argc == 1)
                big(args);
        return 0;
}
