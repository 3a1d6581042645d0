/* Containers on a real containerd of our own (tests/live/container-bed): started, limited, heard,
 * ended, adopted, and found again after containerd itself was away.  As root; 77 otherwise. */
#include "base/str.h"
#include "io/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>
#include <cmocka.h>

enum { PATIENCE_MS = 20000, TEXT_BYTES = 1 << 20 };

static const char *bed;
static char watchdog[256], sock[256], io_dir[256];
static pid_t containerd_pid;
static uv_loop_t loop;
static uv_timer_t patience;
static struct containers *containers;

/* What the callbacks told. */
static struct {
        bool up;
        unsigned ups;
        unsigned downs;
        char out[TEXT_BYTES]; /* "ID stream: line\n" ... */
        size_t out_len;
        unsigned exits;
        char exit_id[80];
        uint32_t exit_status;
        bool exit_oom;
        unsigned dones;
        int result;
        char why[512];
        char found[4096];
        uint32_t found_pid;
} seen;

/* ---- the world ---- */

static int sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *format, ...) {
        char command[1024];
        va_list args;
        int status;

        va_start(args, format);
        (void)vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        status = system(command);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* One line of what a command prints. */
static const char *ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *ask(const char *format, ...) {
        static char answer[1024];
        char command[1024];
        va_list args;
        FILE *f;

        va_start(args, format);
        (void)vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        answer[0] = '\0';
        f = popen(command, "re");
        assert_non_null(f);
        if (fgets(answer, sizeof(answer), f))
                answer[strcspn(answer, "\n")] = '\0';
        (void)pclose(f);
        return answer;
}

#define CTR "ctr -a %s/sock -n openfaas-fn "

static void assert_nothing_left(void) {
        assert_string_equal(ask(CTR "containers ls -q", bed), "");
        assert_string_equal(ask(CTR "tasks ls -q", bed), "");
        assert_string_equal(ask(CTR "snapshots ls | awk '$3 == \"Active\"'", bed), "");
        assert_string_equal(ask("ls %s", io_dir), "");
        assert_string_equal(ask("grep -c '%s/state/io.containerd.runtime' /proc/mounts", bed), "0");
}

static void containerd_start(void) {
        char config[300], log[300];

        (void)snprintf(config, sizeof(config), "%s/config.toml", bed);
        (void)snprintf(log, sizeof(log), "%s/log", bed);
        containerd_pid = fork();
        assert_return_code(containerd_pid, errno);
        if (containerd_pid == 0) {
                int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

                (void)dup2(fd, 1);
                (void)dup2(fd, 2);
                (void)execlp("containerd", "containerd", "-c", config, (char *)NULL);
                _exit(127);
        }
}

static void containerd_stop(int sig) {
        int status;

        assert_return_code(kill(containerd_pid, sig), errno);
        assert_int_equal(waitpid(containerd_pid, &status, 0), containerd_pid);
}

/* ---- callbacks ---- */

static void on_available(void *arg, bool yes, const char *why) {
        (void)arg;
        seen.up = yes;
        if (yes)
                seen.ups++;
        else
                seen.downs++;
        if (!yes)
                assert_string_not_equal(why, "");
}

static void on_exited(void *arg, const char *id, uint32_t status, bool oom) {
        (void)arg;
        seen.exits++;
        (void)snprintf(seen.exit_id, sizeof(seen.exit_id), "%s", id);
        seen.exit_status = status;
        seen.exit_oom = oom;
}

static void on_output(void *arg, const char *id, const char *stream, const char *text, size_t len) {
        int n = snprintf(seen.out + seen.out_len, sizeof(seen.out) - seen.out_len, "%s %s: %.*s\n",
                         id, stream, (int)len, text);

        (void)arg;
        if ((size_t)n < sizeof(seen.out) - seen.out_len)
                seen.out_len += (size_t)n;
}

static void on_done(void *arg, int result, const char *why) {
        (void)arg;
        seen.dones++;
        seen.result = result;
        (void)snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static void on_found(void *arg, const struct container_found *f) {
        size_t len = strlen(seen.found);

        (void)arg;
        (void)snprintf(seen.found + len, sizeof(seen.found) - len, "%s %d", f->id, f->status);
        for (uint32_t i = 0; i < f->n_labels; i++) {
                len = strlen(seen.found);
                (void)snprintf(seen.found + len, sizeof(seen.found) - len, " %s=%s",
                               f->labels[2 * i], f->labels[2 * i + 1]);
        }
        len = strlen(seen.found);
        (void)snprintf(seen.found + len, sizeof(seen.found) - len, "\n");
        seen.found_pid = f->pid;
}

static const struct containers_ops ops = { on_available, on_exited, on_output };

static void on_impatient(uv_timer_t *timer) {
        (void)timer;
        fail_msg("waited too long; last result %d %s; output:\n%s", seen.result, seen.why,
                 seen.out);
}

#define until(condition)                                                       \
        do {                                                                   \
                (void)uv_timer_start(&patience, on_impatient, PATIENCE_MS, 0); \
                while (!(condition))                                           \
                        (void)uv_run(&loop, UV_RUN_ONCE);                      \
                (void)uv_timer_stop(&patience);                                \
        } while (0)

static void forget(void) {
        bool up = seen.up;

        memset(&seen, 0, sizeof(seen));
        seen.up = up;
}

static void open_containers(void) {
        const struct containers_config config = { .socket = sock,
                                                  .io_dir = io_dir,
                                                  .runtime = getenv("RUNTIME") };
        struct fail f = { 0 };

        seen.up = false;
        assert_int_equal(containers_open(&loop, &config, &ops, NULL, &containers, &f), 0);
}

/* The same function container for all, with what a test wants to be different. */
static struct container_spec spec_of(const char *id, const char *process) {
        static const char *const labels[] = { "bramble/function", "live", "empty", "", NULL };

        return (struct container_spec){
                .id = id,
                .group = "live.openfaas-fn",
                .image = "docker.io/library/plain:latest",
                .hostname = "live",
                .watchdog = watchdog,
                .process = process,
                .labels = labels,
        };
}

static void start(const struct container_spec *s, int want) {
        unsigned before = seen.dones;

        assert_int_equal(container_start(containers, s, on_done, NULL), 0);
        until(seen.dones > before);
        if (seen.result != want)
                fail_msg("start of %s: %d %s", s->id, seen.result, seen.why);
}

static void stop(const char *id, unsigned grace_ms) {
        unsigned before = seen.dones;

        assert_int_equal(container_stop(containers, id, grace_ms, on_done, NULL), 0);
        until(seen.dones > before);
        if (seen.result != 0)
                fail_msg("stop of %s: %d %s", id, seen.result, seen.why);
}

#define assert_says(text)                                                \
        do {                                                             \
                if (!strstr(seen.out, text))                             \
                        fail_msg("'%s' is not in:\n%s", text, seen.out); \
        } while (0)

/* ---- tests ---- */

static void says_and_ends(void **state) {
        struct container_spec s = spec_of("live-1", "hello");

        (void)state;
        forget();
        start(&s, 0);
        until(seen.exits == 1);
        assert_string_equal(seen.exit_id, "live-1");
        assert_int_equal(seen.exit_status, 3);
        assert_false(seen.exit_oom);
        assert_int_equal(seen.dones, 1); /* the start's end is told before the exit */
        assert_int_equal(container_start(containers, &s, on_done, NULL), -EEXIST);
        stop("live-1", 1000);
        assert_says("live-1 stdout: hello\n");
        assert_says("live-1 stderr: oops\n");
        assert_says("live-1 stdout: no newline\n");
        assert_int_equal(seen.exits, 1);
        assert_nothing_left();
        stop("live-1", 1000); /* it is gone: fine */
}

static void stops(void **state) {
        struct container_spec s = spec_of("live-2", "serve");
        uint64_t began;

        (void)state;
        forget();
        start(&s, 0);
        until(strstr(seen.out, "ready"));
        began = uv_hrtime();
        stop("live-2", 10000);
        assert_true((uv_hrtime() - began) / 1000000 < 5000); /* it did not wait for the grace */
        assert_int_equal(seen.exits, 1);
        assert_int_equal(seen.exit_status, 0);
        assert_says("bye");
        s = spec_of("live-3", "stubborn");
        start(&s, 0);
        until(strstr(seen.out, "live-3 stdout: ready"));
        stop("live-3", 100);
        assert_int_equal(seen.exits, 2);
        assert_int_equal(seen.exit_status, 128 + SIGKILL);
        assert_nothing_left();
}

static void stopped_while_starting(void **state) {
        struct container_spec s = spec_of("live-4", "serve");

        (void)state;
        forget();
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        assert_int_equal(container_stop(containers, "live-4", 0, on_done, NULL), 0);
        until(seen.dones == 1);
        assert_int_equal(seen.result, -ECANCELED);
        until(seen.dones == 2);
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.exits, 0);
        assert_nothing_left();
}

/* A start asked for while the life before it is still being taken down. */
static void starts_again(void **state) {
        struct container_spec s = spec_of("live-4", "serve");

        (void)state;
        forget();
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
                assert_int_equal(container_start(containers, &s, on_done, NULL), -EEXIST);
                until(seen.dones == 2 * i + 1);
                assert_int_equal(seen.result, 0);
                assert_int_equal(container_stop(containers, "live-4", 1000, on_done, NULL), 0);
        }
        until(seen.dones == 6);
        assert_int_equal(seen.result, 0);
        assert_int_equal(seen.exits, 3);
        assert_nothing_left();
        /* start, stop, start, stop without waiting: the last word counts */
        forget();
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        assert_int_equal(container_stop(containers, "live-4", 0, on_done, NULL), 0);
        assert_int_equal(container_start(containers, &s, on_done, NULL), -EEXIST);
        until(seen.dones == 1);
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        assert_int_equal(container_stop(containers, "live-4", 0, on_done, NULL), 0);
        until(seen.dones == 4);
        assert_nothing_left();
}

static void is_confined(void **state) {
        struct container_spec s = spec_of("live-5", "inspect");

        (void)state;
        forget();
        s.read_only_root = true;
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-5", 0);
        assert_says("run as /usr/bin/fwatchdog -\n");
        assert_says("fprocess inspect\n");
        assert_says("colour red\n");
        assert_says("host live\n");
        assert_says("cwd /\n");
        assert_says("uid 0 gid 0 groups\n");
        assert_says("write / Read-only file system\n");
        assert_says("write /tmp ok\n");
        assert_says("mount Operation not permitted\n");
        assert_says("hosts ok\n");
        assert_says("NoNewPrivs:\t1\n");
        assert_says("Seccomp:\t2\n");
        assert_says("CapEff:\t00000000000004fb\n");
        assert_says("CapAmb:\t0000000000000000\n");
        assert_nothing_left();
}

static void runs_what_the_image_wants(void **state) {
        static const char *const env[] = { "COLOUR=blue", "COLOUR=green", NULL };
        struct container_spec s = spec_of("live-6", NULL);

        (void)state;
        forget();
        s.image = "docker.io/library/web:latest";
        s.env = env;
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-6", 0);
        assert_says("run as /guest inspect\n");
        assert_says("uid 1234 gid 2345 groups 44\n");
        assert_says("cwd /data\n");
        assert_says("colour green\n");
        assert_says("write / Permission denied\n");
        assert_says("watchdog No such file or directory\n");
        assert_says("CapEff:\t0000000000000000\n");
        forget();
        s = spec_of("live-7", NULL);
        s.image = "docker.io/library/dog:latest";
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-7", 0);
        assert_says("run as /of-watchdog -\n");
        assert_says("fprocess inspect\n");
        forget();
        forget();
        s = spec_of("live-24", NULL); /* an image for many platforms */
        s.image = "docker.io/library/many:latest";
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-24", 0);
        assert_says("run as /guest inspect\n");
        s = spec_of("live-8", NULL); /* "/guest serve" through the watchdog */
        start(&s, 0);
        until(strstr(seen.out, "ready"));
        stop("live-8", 1000);
        assert_nothing_left();
}

static void assert_limit(const char *v1, const char *v2, const char *want) {
        char path[512];

        (void)snprintf(path, sizeof(path), "/sys/fs/cgroup/%s",
                       access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? v2 : v1);
        assert_string_equal(ask("cat %s", path), want);
}

static void is_limited(void **state) {
        struct container_spec s = spec_of("live-9", "serve");
        bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;

        (void)state;
        forget();
        s.memory_bytes = 32 << 20;
        s.cpu_millicores = 250;
        start(&s, 0);
        until(strstr(seen.out, "ready"));
        assert_limit("memory/openfaas-fn/live-9/memory.limit_in_bytes",
                     "openfaas-fn/live-9/memory.max", "33554432");
        assert_limit("cpu/openfaas-fn/live-9/cpu.cfs_quota_us", "openfaas-fn/live-9/cpu.max",
                     v2 ? "25000 100000" : "25000");
        assert_limit("pids/openfaas-fn/live-9/pids.max", "openfaas-fn/live-9/pids.max", "512");
        stop("live-9", 1000);
        forget();
        s = spec_of("live-10", "eat");
        s.memory_bytes = 16 << 20;
        start(&s, 0);
        until(seen.exits == 1);
        assert_true(seen.exit_oom);
        assert_int_equal(seen.exit_status, 128 + SIGKILL);
        stop("live-10", 0);
        assert_nothing_left();
}

static void tells_all_output(void **state) {
        struct container_spec s = spec_of("live-11", "flood");
        unsigned lines = 0;

        (void)state;
        forget();
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-11", 0);
        for (const char *p = seen.out; (p = strstr(p, "xxx\n")); p++)
                lines++;
        assert_int_equal(lines, 5000);
        assert_says("end of the flood\n");
        assert_nothing_left();
}

static void says_what_is_wrong(void **state) {
        struct container_spec s = spec_of("live-12", "serve");

        (void)state;
        forget();
        s.image = "docker.io/library/missing:latest";
        start(&s, -ENOENT);
        assert_string_equal(seen.why,
                            "image docker.io/library/missing:latest is not on this board");
        assert_nothing_left();
        s = spec_of("live-13", NULL);
        s.image = "docker.io/library/nobody:latest";
        start(&s, -ENOENT);
        assert_string_equal(seen.why, "the image's user 'ghost' is not in its /etc/passwd");
        assert_nothing_left();
        s = spec_of("live-14", NULL);
        s.image = "docker.io/library/broken:latest";
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        until(seen.dones == 3);
        assert_true(seen.result < 0);
        assert_non_null(strstr(seen.why, "nothing"));
        assert_nothing_left();
        s = spec_of("live-15", "serve");
        s.netns = "/run/netns/no-such-network";
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        until(seen.dones == 4);
        assert_true(seen.result < 0);
        assert_string_not_equal(seen.why, "");
        assert_nothing_left();
        s = spec_of("../evil", "serve");
        assert_int_equal(container_start(containers, &s, on_done, NULL), -EINVAL);
        assert_int_equal(container_stop(containers, "../evil", 0, on_done, NULL), -EINVAL);
        assert_int_equal(seen.exits, 0);
}

/* A snapshot without its container is what a power cut between the two leaves. */
static void replaces_a_stale_snapshot(void **state) {
        struct container_spec s = spec_of("live-16", "hello");
        char parent[128];

        (void)state;
        forget();
        (void)snprintf(parent, sizeof(parent), "%s",
                       ask(CTR "snapshots ls | awk '$3 == \"Committed\" { print $1; exit }'", bed));
        assert_int_equal(sh(CTR "snapshots prepare live-16 %s >/dev/null", bed, parent), 0);
        start(&s, 0);
        until(seen.exits == 1);
        stop("live-16", 0);
        assert_nothing_left();
}

static void many_at_once(void **state) {
        enum { MANY = 12 };
        char ids[MANY][24];

        (void)state;
        forget();
        for (int i = 0; i < MANY; i++) {
                struct container_spec s;

                (void)snprintf(ids[i], sizeof(ids[i]), "live-m%d", i);
                s = spec_of(ids[i], "serve");
                assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        }
        until(seen.dones == MANY);
        assert_int_equal(seen.result, 0);
        for (int i = 0; i < MANY; i++)
                assert_int_equal(container_stop(containers, ids[i], 2000, on_done, NULL), 0);
        until(seen.dones == 2 * MANY);
        assert_int_equal(seen.exits, MANY);
        assert_nothing_left();
}

static void is_adopted(void **state) {
        struct container_spec s = spec_of("live-17", "tick");
        unsigned ticks;
        pid_t pid;

        (void)state;
        forget();
        start(&s, 0);
        until(strstr(seen.out, "tick 3"));
        s = spec_of("live-18", "serve");
        start(&s, 0);
        until(strstr(seen.out, "live-18 stdout: ready"));
        containers_close(containers);
        while (uv_run(&loop, UV_RUN_NOWAIT) && uv_loop_alive(&loop))
                ;
        /* one of the two ends while nobody is there */
        pid = atoi(ask(CTR "tasks ls | awk '$1 == \"live-18\" { print $2 }'", bed));
        assert_int_equal(kill(pid, SIGTERM), 0);
        while (!str_eq(ask(CTR "tasks ls | awk '$1 == \"live-18\" { print $3 }'", bed), "STOPPED"))
                ;
        forget();
        open_containers();
        until(seen.up);
        assert_int_equal(containers_list(containers, on_found, on_done, NULL), 0);
        until(seen.dones == 1);
        assert_int_equal(seen.result, 0);
        if (!strstr(seen.found, "live-17 1 bramble/function=live"))
                fail_msg("found: %s", seen.found);
        assert_non_null(strstr(seen.found, "live-18 2 "));
        until(strstr(seen.out, "live-17 stdout: tick"));
        ticks = seen.exits;
        assert_int_equal(ticks, 0);
        stop("live-18", 1000);
        assert_int_equal(seen.exits, 0);
        stop("live-17", 1000);
        assert_int_equal(seen.exits, 1);
        assert_nothing_left();
}

static void outlives_containerd(void **state) {
        struct container_spec s = spec_of("live-19", "serve");
        pid_t pid, other;

        (void)state;
        forget();
        start(&s, 0);
        s = spec_of("live-20", "tick");
        start(&s, 0);
        until(strstr(seen.out, "live-19 stdout: ready"));
        pid = atoi(ask(CTR "tasks ls | awk '$1 == \"live-19\" { print $2 }'", bed));
        other = atoi(ask(CTR "tasks ls | awk '$1 == \"live-20\" { print $2 }'", bed));
        containerd_stop(SIGKILL);
        until(!seen.up);
        assert_int_equal(container_start(containers, &s, on_done, NULL), -ENOTCONN);
        assert_int_equal(container_stop(containers, "live-19", 0, on_done, NULL), -ENOTCONN);
        assert_int_equal(kill(pid, SIGTERM), 0);
        forget();
        until(strstr(seen.out, "live-20 stdout: tick"));
        assert_int_equal(kill(other, 0), 0);
        containerd_start();
        until(seen.up);
        until(seen.exits == 1);
        assert_string_equal(seen.exit_id, "live-19");
        assert_int_equal(seen.exit_status, 0);
        forget();
        until(strstr(seen.out, "live-20 stdout: tick"));
        stop("live-19", 0);
        stop("live-20", 1000);
        assert_int_equal(seen.exits, 1);
        s = spec_of("live-21", "hello");
        start(&s, 0);
        until(seen.exits == 2);
        stop("live-21", 0);
        assert_nothing_left();
}

static void on_nap_over(uv_timer_t *timer) {
        *(bool *)timer->data = true;
}

/* Runs the loop for a while. */
static void let_run(unsigned nap_ms) {
        bool over = false;
        uv_timer_t nap;

        (void)uv_timer_init(&loop, &nap);
        nap.data = &over;
        (void)uv_timer_start(&nap, on_nap_over, nap_ms, 0);
        until(over);
        uv_close((uv_handle_t *)&nap, NULL);
        (void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* containerd dies in the middle of a start, ever later: when it is back nothing of it is left. */
static void cleans_up_after_containerd(void **state) {
        static const unsigned naps_ms[] = { 0, 3, 8, 15, 25, 35, 50 };
        struct container_spec s;
        char id[16];

        (void)state;
        for (unsigned i = 0; i < sizeof(naps_ms) / sizeof(naps_ms[0]); i++) {
                forget();
                (void)snprintf(id, sizeof(id), "live-c%u", i);
                s = spec_of(id, "serve");
                assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
                let_run(naps_ms[i]);
                containerd_stop(SIGKILL);
                until(!seen.up && seen.dones == 1);
                containerd_start();
                until(seen.up);
                if (getenv("VERBOSE"))
                        print_message("after %u ms: %d %s\n", naps_ms[i], seen.result, seen.why);
                if (seen.result == 0)
                        stop(id, 1000);
                /* the clean-up is nobody's call, but a start of the same id waits for its end */
                start(&s, 0);
                until(strstr(seen.out, "ready"));
                stop(id, 1000);
                assert_nothing_left();
        }
}

static void ends_while_busy(void **state) {
        struct container_spec s = spec_of("live-22", "serve");

        (void)state;
        forget();
        assert_int_equal(container_start(containers, &s, on_done, NULL), 0);
        assert_int_equal(container_stop(containers, "live-23", 1000, on_done, NULL), 0);
        containers_close(containers);
        assert_int_equal(seen.dones, 2);
        while (uv_run(&loop, UV_RUN_NOWAIT) && uv_loop_alive(&loop))
                ;
        forget();
        open_containers();
        until(seen.up);
        stop("live-22", 0);
        assert_nothing_left();
}

static int setup(void **state) {
        static const char *const images[] = { "plain", "web", "dog", "broken", "nobody", "many" };

        (void)state;
        (void)snprintf(watchdog, sizeof(watchdog), "%s/guest", bed);
        (void)snprintf(sock, sizeof(sock), "%s/sock", bed);
        (void)snprintf(io_dir, sizeof(io_dir), "%s/run/io", bed);
        (void)signal(SIGPIPE, SIG_IGN); /* as every user of libuv */
        (void)uv_loop_init(&loop);
        (void)uv_timer_init(&loop, &patience);
        uv_unref((uv_handle_t *)&patience);
        open_containers();
        until(seen.downs == 1); /* not there yet, and said once */
        containerd_start();
        until(seen.up);
        for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
                assert_int_equal(sh(CTR "images import %s/%s.tar >/dev/null", bed, bed, images[i]),
                                 0);
        return 0;
}

static int teardown(void **state) {
        (void)state;
        containers_close(containers);
        (void)uv_close((uv_handle_t *)&patience, NULL);
        while (uv_run(&loop, UV_RUN_NOWAIT))
                ;
        if (getenv("SHOW_LOG"))
                (void)sh("cat %s/log", bed);
        return uv_loop_close(&loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says_and_ends),
                cmocka_unit_test(stops),
                cmocka_unit_test(stopped_while_starting),
                cmocka_unit_test(starts_again),
                cmocka_unit_test(is_confined),
                cmocka_unit_test(runs_what_the_image_wants),
                cmocka_unit_test(is_limited),
                cmocka_unit_test(tells_all_output),
                cmocka_unit_test(says_what_is_wrong),
                cmocka_unit_test(replaces_a_stale_snapshot),
                cmocka_unit_test(many_at_once),
                cmocka_unit_test(is_adopted),
                cmocka_unit_test(outlives_containerd),
                cmocka_unit_test(cleans_up_after_containerd),
                cmocka_unit_test(ends_while_busy),
        };

        bed = getenv("BED");
        if (!bed) {
                fprintf(stderr, "run by tests/live/run\n");
                return 77;
        }
        return cmocka_run_group_tests(tests, setup, teardown);
}
