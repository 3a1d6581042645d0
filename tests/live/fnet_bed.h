/* fnet_bed - two boards and a stranger on one switch, each a network namespace of ours; everything
 * vanishes with this process.  As root. */
#ifndef BRAMBLE_TESTS_FNET_BED_H
#define BRAMBLE_TESTS_FNET_BED_H

#include "base/scope.h"
#include "base/str.h"
#include "io/fnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <setjmp.h>
#include <cmocka.h>

#define LAN(n)   (UINT32_C(0xc0a84d00) | (n)) /* 192.168.77.n */
#define FN(s, h) fnet_address(s, h)
#define OK(call) assert_ok(call, &f, #call, __LINE__)

enum { ECHO_PORT = 8080, GUARDED = 7373, PATIENCE_MS = 3000, BLOCKED_MS = 300 };

struct board {
        int ns;
        struct fnet *net;
        char dir[32];
};

static struct board b1, b2, stranger;
static int switch_ns; /* held, or it would go with the last thread that leaves it */

static inline void assert_ok(int r, const struct fail *f, const char *what, int line) {
        if (r < 0)
                fail_msg("line %d: %s: %s", line, what, fail_text(f));
}

static inline int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int sh(const char *format, ...) {
        char command[1024];
        va_list ap;
        int status;

        va_start(ap, format);
        (void)vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        status = system(command);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void enter(int ns) {
        assert_return_code(setns(ns, CLONE_NEWNET), errno);
}

static inline void go(const struct board *b) {
        enter(b->ns);
}

static inline int open_ns(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        assert_return_code(fd, errno);
        return fd;
}

static inline ino_t current_ns(void) {
        struct stat st;

        assert_return_code(stat("/proc/thread-self/ns/net", &st), errno);
        return st.st_ino;
}

static inline uint64_t now_usec(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Deleted namespaces take their cables with them when the kernel gets to it. */
static inline void until_no_cables(void) {
        uint64_t until = now_usec() + 20 * 1000 * 1000;

        while (sh("ip -o link | grep -q vethgone") == 0)
                assert_true(now_usec() < until);
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static inline struct sockaddr_in at(uint32_t address, uint16_t port) {
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons(port),
                                     .sin_addr.s_addr = htonl(address) };
}

/* A listener in namespace 'ns'; the caller's namespace is that of board 'back' afterwards. */
static inline int listen_in(int ns, uint16_t port, const struct board *back) {
        struct sockaddr_in a = at(INADDR_ANY, port);
        int fd, yes = 1;

        enter(ns);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_return_code(fd, errno);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        assert_return_code(bind(fd, (struct sockaddr *)&a, sizeof(a)), errno);
        assert_return_code(listen(fd, 16), errno);
        go(back);
        return fd;
}

/* Connects from 'ns'; the descriptor or -1. */
static inline int connect_in(int ns, uint32_t address, uint16_t port, int patience_ms) {
        struct sockaddr_in a = at(address, port);
        auto_close int fd = -EBADF;
        int home = open_ns("/proc/thread-self/ns/net");
        struct pollfd p = { .events = POLLOUT };
        int error = 0;
        socklen_t len = sizeof(error);

        enter(ns);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_return_code(fd, errno);
        enter(home);
        (void)close(home);
        if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != EINPROGRESS)
                return -1;
        p.fd = fd;
        if (poll(&p, 1, patience_ms) != 1 ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
                return -1;
        return take_fd(&fd);
}

/* Whether 'ns' reaches address:port, where 'listener' must see it come from 'as'. */
static inline bool reaches(int ns, uint32_t address, int listener, uint16_t port, uint32_t as) {
        auto_close int fd = connect_in(ns, address, port, PATIENCE_MS);
        auto_close int other = -EBADF;
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);

        if (fd < 0)
                return false;
        other = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
        assert_return_code(other, errno);
        if (ntohl(peer.sin_addr.s_addr) != as)
                fail_msg("came from %s", inet_ntoa(peer.sin_addr));
        return true;
}

static inline bool blocked(int ns, uint32_t address, uint16_t port) {
        auto_close int fd = connect_in(ns, address, port, BLOCKED_MS);

        return fd < 0;
}

/* ---- the boards -------------------------------------------------------------------------------
 */

static inline void new_board(struct board *b, const char *name, unsigned lan) {
        char path[64];

        assert_int_equal(sh("ip netns add %s && ip -n %s link set lo up && "
                            "ip link add p%u type veth peer name eth0 netns %s && "
                            "ip link set p%u master sw up && ip -n %s addr add 192.168.77.%u/24 "
                            "dev eth0 && ip -n %s link set eth0 up",
                            name, name, lan, name, lan, name, lan, name),
                         0);
        (void)snprintf(path, sizeof(path), "/run/netns/%s", name);
        (void)snprintf(b->dir, sizeof(b->dir), "/run/%s/netns", name);
        b->ns = open_ns(path);
}

static inline void open_net(struct board *b) {
        struct fail f = { 0 };

        go(b);
        OK(fnet_open(b->dir, &b->net, &f));
}

static inline int group_setup(void **state) {
        (void)state;
        assert_return_code(unshare(CLONE_NEWNET | CLONE_NEWNS), errno);
        assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
        assert_return_code(mount("run", "/run", "tmpfs", 0, "mode=755"), errno);
        switch_ns = open_ns("/proc/thread-self/ns/net");
        assert_int_equal(sh("ip link add sw type bridge stp_state 0 forward_delay 0 "
                            "mcast_snooping 0 && ip link set sw up"),
                         0);
        new_board(&b1, "b1", 1);
        new_board(&b2, "b2", 2);
        new_board(&stranger, "st", 9);
        open_net(&b1);
        open_net(&b2);
        return 0;
}

static inline int group_teardown(void **state) {
        struct fail f = { 0 };

        (void)state;
        for (struct board *b = &b1; b; b = b == &b1 ? &b2 : NULL) {
                go(b);
                (void)fnet_teardown(b->net, &f);
                fnet_free(b->net);
        }
        return 0;
}

static inline void setup_both(void) {
        struct fail f = { 0 };

        go(&b2);
        OK(fnet_setup(b2.net, 2, &f));
        go(&b1);
        OK(fnet_setup(b1.net, 1, &f));
}

/* Attaches on board b and opens the namespace; the thread stays on b. */
static inline int attach(struct board *b, const char *id, unsigned host) {
        struct fail f = { 0 };
        char path[96], want[96];
        ino_t before;

        go(b);
        before = current_ns();
        OK(fnet_attach(b->net, id, host, path, &f));
        assert_int_equal(current_ns(), before);
        (void)snprintf(want, sizeof(want), "%s/%s", b->dir, id);
        assert_string_equal(path, want);
        return open_ns(path);
}

static inline void detach(struct board *b, const char *id) {
        struct fail f = { 0 };

        go(b);
        OK(fnet_detach(b->net, id, &f));
}

#endif
