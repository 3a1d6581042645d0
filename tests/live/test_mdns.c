/* Discovery with real avahi-daemons and D-Bus: two boards in namespaces on one switch, each a
 * process of its own; everything ends with this one.  As root; 77 otherwise. */
#include "base/scope.h"
#include "base/str.h"
#include "io/log.h"
#include "io/mdns.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <setjmp.h>
#include <cmocka.h>

#define CLUSTER "00000000000000c1"
#define RECORD  "proto=1 cluster=" CLUSTER

enum { LINE = 512, PATIENCE_MS = 30000 };

static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...) {
        char command[LINE];
        va_list ap;
        int status;

        va_start(ap, format);
        (void)vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        status = system(command);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- a board: PID 1 of its namespaces, does what it is told, tells what it hears --------------
 */

struct board_process {
        int fd;
        struct mdns *mdns;
        struct mdns_announcement a;
        uv_loop_t loop;
        uv_poll_t commands;
};

static void tell(struct board_process *b, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void tell(struct board_process *b, const char *format, ...) {
        char line[LINE];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        if (send(b->fd, line, (size_t)n, MSG_NOSIGNAL) < 0)
                _exit(3);
}

static void on_seen(void *arg, uint64_t node, const char *address, uint16_t port) {
        tell(arg, "seen %x %s %u", (unsigned)node, address, port);
}

static void on_available(void *arg, _Bool yes) {
        tell(arg, "available %d", yes);
}

static void command(struct board_process *b, const char *line) {
        static const struct mdns_ops ops = { on_seen, on_available };

        if (str_starts(line, "sh ")) {
                tell(b, "done %d", sh("%s", line + 3));
        } else if (str_eq(line, "open")) {
                if (mdns_open(&b->loop, &b->a, &ops, b, &b->mdns) < 0)
                        _exit(4);
        } else if (str_starts(line, "state ")) {
                b->a.state = line + 6;
                if (mdns_update(b->mdns, &b->a) < 0)
                        _exit(8);
        } else if (str_starts(line, "port ")) {
                uint64_t port = 0;

                (void)str_to_u64(line + 5, 65535, &port);
                b->a.port = (uint16_t)port;
                b->a.state = "fresh";
                if (mdns_update(b->mdns, &b->a) < 0)
                        _exit(8);
        } else if (str_starts(line, "name ")) {
                mdns_set_host_name(b->mdns, line + 5);
        } else if (str_starts(line, "browse ")) {
                mdns_browse(b->mdns, line[7] == '1');
                mdns_browse(b->mdns, line[7] == '1');
        } else {
                mdns_close(b->mdns);
                uv_close((uv_handle_t *)&b->commands, NULL);
        }
}

static void on_command(uv_poll_t *poll_handle, int status, int events) {
        struct board_process *b = container_of(poll_handle, struct board_process, commands);
        char line[LINE];
        ssize_t n = recv(b->fd, line, sizeof(line) - 1, MSG_DONTWAIT);

        (void)status, (void)events;
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0)
                _exit(5);
        line[n] = '\0';
        command(b, line);
}

static int run_board(int fd, uint64_t node) {
        struct board_process b = {
                .fd = fd,
                .a = { .port = 7373,
                       .cluster_id = 0xc1,
                       .node = node,
                       .board = "3B",
                       .state = "fresh" },
        };
        int r;

        log_open("board", LOG_LEVEL_ERROR);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("proc", "/proc", "proc", 0, NULL) < 0 ||
            mount("run", "/run", "tmpfs", 0, "mode=755") < 0 ||
            sh("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set lo up; "
               "mkdir -p /run/dbus /run/avahi-daemon && chown avahi:avahi /run/avahi-daemon") != 0)
                return 6;
        (void)uv_loop_init(&b.loop);
        (void)uv_poll_init(&b.loop, &b.commands, fd);
        (void)uv_poll_start(&b.commands, UV_READABLE, on_command);
        tell(&b, "up");
        (void)uv_run(&b.loop, UV_RUN_DEFAULT);
        /* Nothing may be left open on the loop. */
        r = uv_loop_close(&b.loop);
        return r == 0 ? 0 : 7;
}

/* ---- the test's side ----------------------------------------------------------------------------
 */

struct board {
        pid_t pid;
        int fd;
        int done;             /* status of the last command, -1 while it runs */
        char heard[256][64];  /* everything else */
        unsigned n_heard, at; /* up to 'at' it was expected */
};

static struct board b1, b2;

static uint64_t now_ms(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One line, or false at the deadline. */
static bool hear(struct board *b, uint64_t until) {
        struct pollfd p = { .fd = b->fd, .events = POLLIN };
        uint64_t now = now_ms();
        char line[LINE];
        ssize_t n;

        if (now >= until || poll(&p, 1, (int)(until - now)) != 1)
                return false;
        n = recv(b->fd, line, sizeof(line) - 1, 0);
        if (n <= 0)
                fail_msg("the board ended");
        line[n] = '\0';
        if (str_starts(line, "done "))
                b->done = atoi(line + 5);
        else if (b->n_heard < ARRAY_SIZE(b->heard))
                (void)str_copy(b->heard[b->n_heard++], sizeof(b->heard[0]), line);
        return true;
}

/* Waits for a line behind the one that was expected last. */
static void expect(struct board *b, const char *line) {
        uint64_t until = now_ms() + PATIENCE_MS;

        do
                while (b->at < b->n_heard)
                        if (str_eq(b->heard[b->at++], line))
                                return;
        while (hear(b, until));
        fail_msg("'%s' was never heard", line);
}

static void order(struct board *b, const char *line) {
        assert_int_equal(send(b->fd, line, strlen(line), 0), strlen(line));
}

/* Runs a command on the board; its exit status. */
static int on(struct board *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int on(struct board *b, const char *format, ...) {
        uint64_t until = now_ms() + PATIENCE_MS;
        char line[LINE] = "sh ";
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(line + 3, sizeof(line) - 3, format, ap);
        va_end(ap);
        b->done = -1;
        order(b, line);
        while (b->done < 0)
                if (!hear(b, until))
                        fail_msg("no end of: %s", line);
        return b->done;
}

/* Until a command on the board says yes. */
static void until_true(struct board *b, const char *what) {
        uint64_t until = now_ms() + PATIENCE_MS;

        while (on(b, "{ %s; } 2>/dev/null", what) != 0)
                if (now_ms() > until)
                        fail_msg("never true: %s", what);
}

static bool has_heard(const struct board *b, const char *start) {
        for (unsigned i = 0; i < b->n_heard; i++)
                if (str_starts(b->heard[i], start))
                        return true;
        return false;
}

static void power_on(struct board *b, unsigned number) {
        int pair[2];

        assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), errno);
        b->pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, 0,
                                0, 0, 0);
        assert_return_code(b->pid, errno);
        if (b->pid == 0) {
                (void)close(pair[0]);
                exit(run_board(pair[1], 0xa0 + number));
        }
        (void)close(pair[1]);
        b->fd = pair[0];
        expect(b, "up");
        assert_int_equal(sh("ip link add p%u type veth peer name eth0 netns %d && "
                            "ip link set p%u master sw up",
                            number, (int)b->pid, number),
                         0);
        assert_int_equal(
                on(b, "ip addr add 10.77.0.%u/24 brd + dev eth0 && ip link set eth0 up", number),
                0);
        assert_int_equal(on(b,
                            "printf '[server]\\nhost-name=b%u\\nuse-ipv4=yes\\nuse-ipv6=no\\n"
                            "[publish]\\npublish-hinfo=no\\npublish-workstation=no\\n' "
                            ">/run/avahi.conf",
                            number),
                         0);
}

static void start_dbus(struct board *b) {
        assert_int_equal(on(b, "dbus-daemon --system --fork --print-pid 3 3>/run/dbus.pid "
                               "--nopidfile >/dev/null"),
                         0);
}

static void start_avahi(struct board *b) {
        assert_int_equal(on(b, "avahi-daemon -D --no-drop-root --no-chroot --no-rlimits "
                               "-f /run/avahi.conf 2>/dev/null"),
                         0);
}

/* Its pid file goes when it has said goodbye. */
static void stop_avahi(struct board *b) {
        assert_int_equal(on(b, "kill $(cat /run/avahi-daemon/pid)"), 0);
        until_true(b, "! test -e /run/avahi-daemon/pid");
}

static int group_setup(void **state) {
        (void)state;
        assert_return_code(unshare(CLONE_NEWNET | CLONE_NEWNS), errno);
        assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
        assert_int_equal(sh("ip link add sw type bridge stp_state 0 forward_delay 0 "
                            "mcast_snooping 0 && ip link set sw up"),
                         0);
        power_on(&b1, 1);
        power_on(&b2, 2);
        return 0;
}

static int group_teardown(void **state) {
        (void)state;
        for (struct board *b = &b1; b; b = b == &b1 ? &b2 : NULL) {
                if (b->pid <= 0)
                        continue;
                (void)kill(b->pid, SIGKILL);
                (void)waitpid(b->pid, NULL, 0);
        }
        return 0;
}

/* The agent is up before D-Bus, and D-Bus before avahi. */
static void boot_order(void **state) {
        (void)state;
        order(&b1, "open");
        expect(&b1, "available 0");
        start_dbus(&b1);
        start_avahi(&b1);
        expect(&b1, "available 1");

        start_dbus(&b2);
        order(&b2, "open");
        expect(&b2, "available 0");
        start_avahi(&b2);
        expect(&b2, "available 1");
}

static void each_sees_the_other(void **state) {
        (void)state;
        expect(&b1, "seen a2 10.77.0.2 7373");
        expect(&b2, "seen a1 10.77.0.1 7373");
        assert_false(has_heard(&b1, "seen a1 10.77.0.2 "));
        assert_false(has_heard(&b2, "seen a2 10.77.0.1 "));
        assert_int_equal(on(&b2, "timeout 4 avahi-browse -rtpk _bramble._tcp | grep -q "
                                 "'bramble-00000000000000a1.*7373;.*\"proto=1\" "
                                 "\"cluster=" CLUSTER "\" \"node=00000000000000a1\" "
                                 "\"board=3B\" \"state=fresh\"'"),
                         0);
}

/* Forged records: whoever is on the LAN can send these.  The last is good: when it has come, the
 * others would have. */
static void forgeries(void **state) {
        static const char *const bad[] = {
                "proto=1 cluster=00000000000000c2 node=00000000000000f1",
                "proto=2 cluster=" CLUSTER " node=00000000000000f2",
                "cluster=" CLUSTER " node=00000000000000f3",
                RECORD " node=f4",
                RECORD " node=00000000000000f5x",
                RECORD " node=../../../../etc/x",
                RECORD " node=0000000000000000",
                RECORD " node=00000000000000a1",
                "",
        };

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(on(&b2,
                                    "avahi-publish -s forged%u _bramble._tcp 7373 %s "
                                    ">/dev/null 2>&1 &",
                                    i, bad[i]),
                                 0);
        assert_int_equal(on(&b2, "avahi-publish -s noport _bramble._tcp 0 " RECORD
                                 " node=00000000000000f6 >/dev/null 2>&1 &"),
                         0);
        assert_int_equal(on(&b2, "avahi-publish -s other _other._tcp 7373 " RECORD
                                 " node=00000000000000f7 >/dev/null 2>&1 &"),
                         0);
        until_true(&b1, "avahi-browse -tpk _bramble._tcp | grep -c forged | grep -qx 9");
        assert_int_equal(on(&b2, "avahi-publish -s zgood _bramble._tcp 7374 " RECORD
                                 " node=00000000000000a3 >/dev/null 2>&1 &"),
                         0);
        expect(&b1, "seen a3 10.77.0.2 7374");
        assert_false(has_heard(&b1, "seen f"));
        assert_false(has_heard(&b1, "seen 0"));
        /* the own serial at somebody else's address: the doctor names that board */
        assert_true(has_heard(&b1, "seen a1 10.77.0.2 7373"));
}

static void changes(void **state) {
        (void)state;
        order(&b1, "state member");
        until_true(&b2, "timeout 4 avahi-browse -rtpk _bramble._tcp | "
                        "grep -q '00000000000000a1.*\"state=member\"'");
        order(&b1, "port 7999");
        until_true(&b2, "timeout 4 avahi-browse -rtpk _bramble._tcp | "
                        "grep -q 'bramble-00000000000000a1;.*;7999;.*\"state=fresh\"'");
        /* A record that changes in place is noticed when it is asked for again: each minute, or
         * when somebody begins to look. */
        order(&b2, "browse 0");
        order(&b2, "browse 1");
        expect(&b2, "seen a1 10.77.0.1 7999");
}

static void host_name(void **state) {
        (void)state;
        order(&b1, "name m1");
        until_true(&b2, "timeout 2 avahi-resolve -4n m1.local 2>/dev/null | grep -q 10.77.0.1");
        /* the record moved along */
        until_true(&b2, "timeout 4 avahi-browse -rtpk _bramble._tcp | "
                        "grep -q 'bramble-00000000000000a1;.*;m1.local;'");
}

static void daemon_restart(void **state) {
        (void)state;
        stop_avahi(&b1);
        expect(&b1, "available 0");
        start_avahi(&b1);
        expect(&b1, "available 1");
        expect(&b1, "seen a2 10.77.0.2 7373");
        expect(&b2, "seen a1 10.77.0.1 7999");
        /* a host name that was asked for is asked for again */
        until_true(&b2, "timeout 2 avahi-resolve -4n m1.local 2>/dev/null | grep -q 10.77.0.1");
}

static void dbus_restart(void **state) {
        (void)state;
        assert_int_equal(on(&b1, "kill $(cat /run/dbus.pid)"), 0);
        expect(&b1, "available 0");
        until_true(&b1, "! test -e /run/avahi-daemon/pid || kill $(cat /run/avahi-daemon/pid)");
        until_true(&b1, "! test -e /run/avahi-daemon/pid");
        start_dbus(&b1);
        start_avahi(&b1);
        expect(&b1, "available 1");
        expect(&b1, "seen a2 10.77.0.2 7373");
}

/* A clone of a card announces the same name. */
static void collision(void **state) {
        (void)state;
        stop_avahi(&b1);
        expect(&b1, "available 0");
        until_true(&b2, "! avahi-browse -tpk _bramble._tcp | grep -q 00000000000000a1");
        assert_int_equal(on(&b2, "avahi-publish -s bramble-00000000000000a1 _bramble._tcp 7375 "
                                 "node=x >/dev/null 2>&1 &"),
                         0);
        until_true(&b2, "avahi-browse -tpk _bramble._tcp | grep -q 00000000000000a1");
        start_avahi(&b1);
        expect(&b1, "available 1");
        until_true(&b2, "avahi-browse -tpk _bramble._tcp | "
                        "grep -q 'bramble-00000000000000a1.032.0352'");
        expect(&b2, "seen a1 10.77.0.1 7999");
}

static void browsing_off(void **state) {
        (void)state;
        order(&b1, "browse 0");
        assert_int_equal(on(&b2, "avahi-publish -s late _bramble._tcp 7376 " RECORD
                                 " node=00000000000000a6 >/dev/null 2>&1 &"),
                         0);
        until_true(&b1, "avahi-browse -tpk _bramble._tcp | grep -q late");
        assert_false(has_heard(&b1, "seen a6 "));
        order(&b1, "browse 1");
        expect(&b1, "seen a6 10.77.0.2 7376");
}

/* More names than anybody has boards: the table holds, and a board still finds a place in it. */
static void flood(void **state) {
        (void)state;
        order(&b1, "browse 0");
        assert_int_equal(
                on(&b2, "mount -t tmpfs none /etc/avahi/services && for i in $(seq 240); do "
                        "echo \"<service-group><name>flood$i</name><service>"
                        "<type>_bramble._tcp</type><port>7000</port></service></service-group>\" "
                        ">/etc/avahi/services/$i.service; done; avahi-daemon -r"),
                0);
        until_true(&b1, "test $(avahi-browse -tpk _bramble._tcp | grep -c flood) = 240");
        order(&b1, "browse 1");
        assert_int_equal(on(&b2, "avahi-publish -s zzlast _bramble._tcp 7377 " RECORD
                                 " node=00000000000000a7 >/dev/null 2>&1 &"),
                         0);
        expect(&b1, "seen a7 10.77.0.2 7377");
}

/* A daemon that hangs costs one wait of D-Bus, 25 s, not one for each call: systemd would take the
 * agent for dead after 30 s. */
static void hanging_daemon(void **state) {
        uint64_t start;

        (void)state;
        assert_int_equal(on(&b1, "kill -STOP $(cat /run/avahi-daemon/pid)"), 0);
        start = now_ms();
        order(&b1, "state leader");
        order(&b1, "browse 0");
        order(&b1, "browse 1");
        expect(&b1, "available 0");
        b1.done = -1;
        order(&b1, "sh true");
        while (b1.done < 0 && hear(&b1, start + 29 * 1000)) {
        }
        assert_int_equal(b1.done, 0);
        assert_int_equal(on(&b1, "kill -CONT $(cat /run/avahi-daemon/pid)"), 0);
}

static void goodbye(void **state) {
        int status;

        (void)state;
        order(&b1, "close");
        assert_int_equal(waitpid(b1.pid, &status, 0), b1.pid);
        b1.pid = 0;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        order(&b2, "browse 0");
        order(&b2, "close");
        assert_int_equal(waitpid(b2.pid, &status, 0), b2.pid);
        b2.pid = 0;
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(boot_order),     cmocka_unit_test(each_sees_the_other),
                cmocka_unit_test(forgeries),      cmocka_unit_test(changes),
                cmocka_unit_test(host_name),      cmocka_unit_test(daemon_restart),
                cmocka_unit_test(dbus_restart),   cmocka_unit_test(collision),
                cmocka_unit_test(browsing_off),   cmocka_unit_test(flood),
                cmocka_unit_test(hanging_daemon), cmocka_unit_test(goodbye),
        };

        if (geteuid() != 0)
                return 77;
        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
