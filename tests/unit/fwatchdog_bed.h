/* fwatchdog_bed - runs the real fwatchdog on loopback and talks HTTP to it; the test program itself
 * plays the functions ("PROGRAM child NAME ...", see bed_main()).  Every wait has a deadline. */
#ifndef TESTS_FWATCHDOG_BED_H
#define TESTS_FWATCHDOG_BED_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/str.h"
#include "core/http_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

enum { BED_WAIT_MS = 20000, BED_LINES = 16, BED_CHILD_S = 60 };

struct bed {
        pid_t pid;
        int log;         /* its stderr */
        struct buf said; /* what came of it */
        uint16_t port, metrics_port;
        char dir[32]; /* for what a test needs: fifo, lock */
        char fifo[48], lock[48];
        unsigned most_files; /* RLIMIT_NOFILE; 0: as it is */
        bool first;          /* process 1 of a namespace of its own */
};

struct reply {
        struct buf bytes;
        struct http_head head; /* views of 'bytes' */
        const char *body;
        size_t len;
};

static char bed_self[PATH_MAX], bed_program[PATH_MAX];

static inline long bed_ms(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until it can be read; false: not in time. */
static inline bool bed_readable(int fd, long until) {
        struct pollfd p = { fd, POLLIN, 0 };
        long left = until - bed_ms();

        return poll(&p, 1, left > 0 ? (int)left : 0) > 0;
}

/* ---- the watchdog ------------------------------------------------------------------------- */

static inline void bed_exec(const struct bed *b, int err, char *const env[]) {
        struct rlimit limit;

        if (b->most_files && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = b->most_files;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
        if (!b->first) /* nothing is left of a test that failed */
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(err, STDERR_FILENO);
        execle(bed_program, "fwatchdog", (char *)NULL, env);
        _exit(127);
}

/* A process namespace of one's own: without root in a user namespace, where that is allowed. */
static inline bool bed_new_namespace(void) {
        return unshare(CLONE_NEWPID) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
}

/* The first process that is made in the namespace has the number 1 there. */
static inline void bed_exec_first(const struct bed *b, int err, char *const env[]) {
        pid_t pid;

        if (!bed_new_namespace())
                _exit(126);
        pid = fork();
        if (pid == 0)
                bed_exec(b, err, env);
        dprintf(err, "first %d\n", pid);
        _exit(0);
}

/* Reads what it says until 'text' is in it. */
static inline void bed_expect(struct bed *b, const char *text) {
        long until = bed_ms() + BED_WAIT_MS;
        char some[4096];

        while (!b->said.data || !strstr(b->said.data, text)) {
                ssize_t n;

                if (!bed_readable(b->log, until))
                        fail_msg("did not say '%s' but: %s", text, str_or(b->said.data, ""));
                n = read(b->log, some, sizeof(some));
                if (n <= 0)
                        fail_msg("ended without '%s' but: %s", text, str_or(b->said.data, ""));
                assert_int_equal(buf_add(&b->said, some, (size_t)n), 0);
        }
}

/* Makes the folder and a FIFO in it; before bed_start(), where a function needs their names. */
static inline void bed_init(struct bed *b) {
        *b = (struct bed){ .log = -1 };
        strcpy(b->dir, "/tmp/fwatchdog-test-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        snprintf(b->fifo, sizeof(b->fifo), "%s/fifo", b->dir);
        snprintf(b->lock, sizeof(b->lock), "%s/lock", b->dir);
        assert_int_equal(mkfifo(b->fifo, 0600), 0);
}

/* Starts it with these NAME=VALUE, up to NULL; "fprocess" gets 'function' where that is not NULL:
 * its words behind "PROGRAM child", and the FIFO's name behind them. */
static inline void bed_start(struct bed *b, const char *function, ...) {
        static char port[] = "port=127.0.0.1:0", metrics_port[] = "metrics_port=127.0.0.1:0",
                    path[] = "PATH=/usr/bin:/bin";
        char own[PATH_MAX + 128], lock[64];
        char *env[BED_LINES] = { port, metrics_port, lock, path };
        const char *ports;
        size_t n = 4;
        int p[2];
        va_list args;

        snprintf(lock, sizeof(lock), "lock_file=%s", b->lock);
        snprintf(own, sizeof(own), "fprocess=%s child %s %s", bed_self, str_or(function, ""),
                 b->fifo);
        if (function)
                env[n++] = own;
        va_start(args, function);
        while ((env[n] = va_arg(args, char *)))
                assert_true(++n < BED_LINES);
        va_end(args);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        b->log = p[0];
        b->pid = fork();
        if (b->pid == 0 && b->first)
                bed_exec_first(b, p[1], env);
        if (b->pid == 0)
                bed_exec(b, p[1], env);
        close(p[1]);
        bed_expect(b, "metrics on port ");
        bed_expect(b, ".\n");
        if (b->first) {
                assert_int_equal(waitpid(b->pid, NULL, 0), b->pid);
                bed_expect(b, "first ");
                b->pid = atoi(strstr(b->said.data, "first ") + 6);
        }
        ports = strstr(b->said.data, "Listening on port ");
        assert_non_null(ports);
        assert_int_equal(sscanf(ports, "Listening on port %hu, metrics on port %hu.", &b->port,
                                &b->metrics_port),
                         2);
}

/* Waits for its end; its exit status. */
static inline int bed_wait(struct bed *b) {
        long until = bed_ms() + BED_WAIT_MS;
        char some[4096];
        int status;
        ssize_t n = 1;

        while (n > 0) { /* its stderr ends with it, and with what it started */
                if (!bed_readable(b->log, until))
                        fail_msg("does not end; it said: %s", b->said.data);
                n = read(b->log, some, sizeof(some));
                if (n > 0)
                        assert_int_equal(buf_add(&b->said, some, (size_t)n), 0);
        }
        if (b->first) {
                b->pid = 0;
                return 0;
        }
        assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
        b->pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* SIGTERM, where it still runs, and all is gone. */
static inline void bed_stop(struct bed *b) {
        if (b->pid) {
                assert_int_equal(kill(b->pid, SIGTERM), 0);
                assert_int_equal(bed_wait(b), 0);
        }
        close(b->log);
        buf_done(&b->said);
        unlink(b->fifo);
        unlink(b->lock);
        assert_int_equal(rmdir(b->dir), 0);
}

static inline unsigned bed_count_files(const struct bed *b) {
        char path[64];
        struct stat st;
        unsigned n = 0;

        for (unsigned i = 0; i < 1024; i++) {
                snprintf(path, sizeof(path), "/proc/%d/fd/%u", b->pid, i);
                n += lstat(path, &st) == 0;
        }
        return n;
}

/* It closes what it opened since there were so many. */
static inline void bed_expect_files(const struct bed *b, unsigned n) {
        for (long until = bed_ms() + BED_WAIT_MS; bed_count_files(b) > n;)
                assert_true(bed_ms() < until);
}

/* The children of the watchdog all go away, the dead ones too. */
static inline void bed_expect_no_children(const struct bed *b) {
        long until = bed_ms() + BED_WAIT_MS;
        char path[64], text[256];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", b->pid, b->pid);
        do {
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                assert_true(fd >= 0);
                n = read(fd, text, sizeof(text));
                close(fd);
                assert_true(bed_ms() < until);
                sched_yield();
        } while (n > 0);
}

/* ---- talking to it ------------------------------------------------------------------------ */

static inline int bed_dial_port(uint16_t port) {
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        struct timeval limit = { BED_WAIT_MS / 1000, 0 };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        return fd;
}

static inline int bed_dial(const struct bed *b) {
        return bed_dial_port(b->port);
}

/* False: the other side has closed. */
static inline bool bed_send(int fd, const void *data, size_t len) {
        for (size_t done = 0; done < len;) {
                ssize_t n = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);

                if (n < 0)
                        return false;
                done += (size_t)n;
        }
        return true;
}

static inline void bed_say(int fd, const char *text) {
        assert_true(bed_send(fd, text, strlen(text)));
}

/* Reads exactly one answer, so that the next one stays where it is.  False: the end. */
static inline bool bed_hear(int fd, bool to_head, struct reply *ret) {
        struct buf *b = &ret->bytes;
        size_t scanned = 0;
        long used = 0;

        buf_done(b);
        while (used == 0) {
                ssize_t n;

                assert_int_equal(buf_reserve(b, 1), 0);
                n = recv(fd, b->data + b->len, 1, 0);
                if (n <= 0 && b->len == 0)
                        return false;
                assert_int_equal(n, 1);
                b->len++;
                used = http_parse_response(b->data, b->len, &scanned, to_head, &ret->head);
                assert_true(used >= 0);
        }
        ret->len = ret->head.body == HTTP_BODY_LENGTH ? (size_t)ret->head.length : 0;
        assert_int_equal(buf_reserve(b, ret->len), 0);
        if (ret->len)
                assert_int_equal(recv(fd, b->data + b->len, ret->len, MSG_WAITALL), ret->len);
        b->len += ret->len;
        b->data[b->len] = '\0';
        scanned = 0; /* again, as the bytes may have moved */
        used = http_parse_response(b->data, b->len, &scanned, to_head, &ret->head);
        ret->body = b->data + used;
        return true;
}

/* Nothing comes any more: the other side has closed, cleanly. */
static inline void bed_expect_end(int fd) {
        char c;

        assert_int_equal(recv(fd, &c, 1, 0), 0);
}

/* One call on a connection of its own; the caller frees with reply_done(). */
static inline unsigned bed_call(const struct bed *b, const char *request, struct reply *ret) {
        auto_close int fd = bed_dial(b);

        *ret = (struct reply){ 0 };
        bed_say(fd, request);
        assert_true(bed_hear(fd, strncmp(request, "HEAD", 4) == 0, ret));
        return ret->head.status;
}

static inline void reply_done(struct reply *r) {
        buf_done(&r->bytes);
}
#define auto_reply __attribute__((cleanup(reply_done)))

static inline const char *reply_header(const struct reply *r, const char *name) {
        static char value[256];
        const struct http_text *t = http_header(&r->head, name);

        if (!t)
                return NULL;
        assert_int_equal(str_copy_n(value, sizeof(value), t->at, t->len), 0);
        return value;
}

/* ---- functions ---------------------------------------------------------------------------- */

struct bed_function {
        const char *name;
        int (*main)(const char *fifo, const char *argument);
};

/* What main() of a test calls first: returns where this is no child.  Arguments of a child: its
 * name, perhaps one more, the FIFO. */
static inline void bed_main(int argc, char **argv, const struct bed_function *functions, size_t n) {
        ssize_t len = readlink("/proc/self/exe", bed_self, sizeof(bed_self) - 1);
        const char *set = getenv("FWATCHDOG");

        if (len < 0)
                exit(1);
        for (size_t i = 0; argc > 3 && str_eq(argv[1], "child") && i < n; i++)
                if (str_eq(argv[2], functions[i].name) && alarm(BED_CHILD_S) == 0)
                        exit(functions[i].main(argv[argc - 1], argv[3]));
        if (set)
                snprintf(bed_program, sizeof(bed_program), "%s", set);
        else
                snprintf(bed_program, sizeof(bed_program), "%.*s/../fwatchdog",
                         (int)(strrchr(bed_self, '/') - bed_self), bed_self);
        (void)signal(SIGPIPE, SIG_IGN);
}

/* Says 'text' on stdout. */
static inline void bed_print(const char *text) {
        if (write(STDOUT_FILENO, text, strlen(text)) < 0)
                _exit(99);
}

/* Waits until the test closes its end of the FIFO; that it opened it says that this runs. */
static inline void bed_wait_at(const char *fifo) {
        char c;
        int fd = open(fifo, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || read(fd, &c, 1) != 0)
                _exit(98);
        close(fd);
}

static inline int bed_function_gate(const char *fifo, const char *argument) {
        (void)argument;
        bed_wait_at(fifo);
        bed_print("released\n");
        return 0;
}

/* It and what it started hold the FIFO open as long as they live; says so in the FIFO. */
static inline int bed_function_hang(const char *fifo, const char *argument) {
        int fd = open(fifo, O_WRONLY);

        (void)argument;
        if (fd < 0 || fork() < 0 || write(fd, "!", 1) != 1)
                return 1;
        (void)alarm(BED_CHILD_S); /* in both */
        for (;;)
                (void)pause();
}

/* Says so many MB. */
static inline int bed_function_flood(const char *fifo, const char *argument) {
        static char zeros[1 << 20];
        long mb = atol(argument);

        (void)fifo;
        for (long i = 0; i < mb; i++)
                if (write(STDOUT_FILENO, zeros, sizeof(zeros)) < 0)
                        return 1;
        return 0;
}

/* Opens the FIFO for writing, which succeeds once a function has opened it for reading. */
static inline int bed_open_gate(const struct bed *b) {
        int fd = open(b->fifo, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* For bed_function_hang(): before it is called, when it has said that it hangs, and when all of it
 * are gone. */
static inline int bed_open_hang(const struct bed *b) {
        int fd = open(b->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        close(bed_open_gate(b)); /* from now on, nobody there is the end and not the beginning */
        return fd;
}

static inline void bed_expect_hang(int fifo) {
        long until = bed_ms() + BED_WAIT_MS;
        char c;

        while (read(fifo, &c, 1) != 1) {
                assert_true(bed_ms() < until);
                sched_yield();
        }
}

static inline void bed_expect_hung_up(int fifo) {
        long until = bed_ms() + BED_WAIT_MS;
        char c;

        while (read(fifo, &c, 1) != 0)
                assert_true(bed_readable(fifo, until));
}

#endif
