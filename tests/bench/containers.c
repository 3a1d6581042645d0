/* containers - from "a container is asked for" to the first byte of its output, the image being
 * present: ours beside `ctr run --rm` of the same image and bare runc and crun of the same files.
 * All ways take turns, so that whatever else this machine does hits them alike.  Ours includes the
 * function network, as on a board.  Run by tests/bench/run inside tests/live/container-bed and a
 * network namespace.  A line a way: key, median, worst (ms). */
#include "base/scope.h"
#include "base/time.h"
#include "io/container.h"
#include "io/fnet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        ROUNDS = 20,
        QUIET_MS = 60, /* between two starts: the end of the one before is over by then */
        OUR_HOST = 10,
        KEEPER_HOST, /* and the next: one a runtime */
};

#define IMAGE "docker.io/library/plain:latest"

struct runtime {
        const char *path;
        struct containers *containers;
        bool up;
};

static uv_loop_t loop;
static struct runtime crun = { .path = "/usr/bin/crun" }, runc = { .path = "/usr/sbin/runc" };
static struct fnet *fnet;
static char bed[128], sock[192], io_dir[192], guest[192], bundle[192];
static bool spoke, done;

static void __attribute__((noreturn)) die(const char *what, const char *why) {
        fprintf(stderr, "containers: %s: %s\n", what, why);
        exit(1);
}

static double ms(void) {
        return (double)uv_hrtime() / 1e6;
}

/* ---- ours --------------------------------------------------------------------------------------
 */

static void on_available(void *arg, bool yes, const char *why) {
        struct runtime *r = arg;

        (void)why;
        r->up = yes;
}

static void on_exited(void *arg, const char *id, uint32_t status, bool oom) {
        (void)arg;
        (void)id;
        (void)status;
        (void)oom;
}

static void on_output(void *arg, const char *id, const char *stream, const char *text, size_t len) {
        (void)arg;
        (void)id;
        (void)stream;
        (void)text;
        (void)len;
        spoke = true;
}

static void on_done(void *arg, int result, const char *why) {
        (void)arg;
        if (result < 0)
                die("a container", why);
        done = true;
}

static void until(const bool *flag) {
        while (!*flag)
                (void)uv_run(&loop, UV_RUN_ONCE);
}

static void open_runtime(struct runtime *r) {
        static const struct containers_ops ops = { on_available, on_exited, on_output };
        const struct containers_config config = { .socket = sock,
                                                  .io_dir = io_dir,
                                                  .runtime = r->path };
        struct fail f = { 0 };

        if (containers_open(&loop, &config, &ops, r, &r->containers, &f) < 0)
                die("containerd", fail_text(&f));
        until(&r->up);
}

/* The steps of agent/daemon/runner.c: the network, then the container in it. */
static double start(struct runtime *r, const char *id, const char *group, unsigned host,
                    double *ret_network) {
        char netns[96];
        const struct container_spec spec = {
                .id = id,
                .group = group,
                .image = IMAGE,
                .netns = netns,
                .hostname = "bench",
                .watchdog = guest,
                .process = "serve",
                .memory_bytes = 64 << 20,
        };
        struct fail f = { 0 };
        double began = ms(), took;

        spoke = done = false;
        if (fnet_attach(fnet, id, host, netns, &f) < 0)
                die("the network", fail_text(&f));
        *ret_network = ms() - began;
        if (container_start(r->containers, &spec, on_done, NULL) < 0)
                die("a container", "cannot be started");
        until(&spoke);
        took = ms() - began;
        until(&done);
        return took;
}

static void stop(struct runtime *r, const char *id) {
        struct fail f = { 0 };

        done = false;
        if (container_stop(r->containers, id, 1000, on_done, NULL) < 0)
                die("a container", "cannot be stopped");
        until(&done);
        if (fnet_detach(fnet, id, &f) < 0)
                die("the network", fail_text(&f));
}

static double last_network;

static double ours(struct runtime *r, const char *group, unsigned round) {
        char id[64];
        double took;

        (void)snprintf(id, sizeof(id), "live-%s-%u", group, round);
        took = start(r, id, group, OUR_HOST, &last_network);
        stop(r, id);
        return took;
}

static double ours_first(unsigned round) {
        char group[32];

        (void)snprintf(group, sizeof(group), "first.%u", round);
        return ours(&crun, group, round);
}

static double ours_first_runc(unsigned round) {
        char group[32];

        (void)snprintf(group, sizeof(group), "first-runc.%u", round);
        return ours(&runc, group, round);
}

static double ours_next(unsigned round) {
        return ours(&crun, "crun.keeper", round);
}

static double ours_next_runc(unsigned round) {
        return ours(&runc, "runc.keeper", round);
}

/* Of the start before it: no start of its own. */
static double network(unsigned round) {
        (void)round;
        return last_network;
}

/* ---- the peers ---------------------------------------------------------------------------------
 */

extern char **environ;

/* From spawning to the first byte on its stdout; the rest of its life is waited for, uncounted. */
static double run(const char *const *argv) {
        posix_spawn_file_actions_t actions;
        double began = ms(), took;
        int fds[2], status;
        ssize_t n;
        pid_t pid;
        char c;

        if (pipe2(fds, O_CLOEXEC) < 0 || posix_spawn_file_actions_init(&actions) != 0 ||
            posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO) != 0 ||
            posix_spawnp(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ) != 0)
                die(argv[0], strerror(errno));
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)close(fds[1]);
        n = read(fds[0], &c, 1);
        took = ms() - began;
        if (n != 1)
                die(argv[0], "said nothing");
        while (read(fds[0], &c, 1) == 1)
                ;
        (void)close(fds[0]);
        (void)waitpid(pid, &status, 0);
        return took;
}

static double ctr(const struct runtime *r, unsigned round) {
        char id[32];
        const char *argv[] = { "ctr",         "-a",  sock,   "-n",
                               "openfaas-fn", "run", "--rm", "--runc-binary",
                               r->path,       IMAGE, id,     "/guest",
                               "hello",       NULL };

        (void)snprintf(id, sizeof(id), "live-ctr-%u", round);
        return run(argv);
}

static double ctr_crun(unsigned round) {
        return ctr(&crun, round);
}

static double ctr_runc(unsigned round) {
        return ctr(&runc, round);
}

static double bare(const struct runtime *r, unsigned round) {
        char id[32];
        const char *argv[] = { r->path, "run", "--bundle", bundle, id, NULL };

        (void)snprintf(id, sizeof(id), "live-bare-%u", round);
        return run(argv);
}

static double bare_crun(unsigned round) {
        return bare(&crun, round);
}

static double bare_runc(unsigned round) {
        return bare(&runc, round);
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static struct way {
        const char *key;
        double (*once)(unsigned round);
        double took[ROUNDS];
} ways[] = {
        { .key = "first", .once = ours_first },
        { .key = "next", .once = ours_next },
        { .key = "network", .once = network },
        { .key = "ctr-crun", .once = ctr_crun },
        { .key = "ctr-runc", .once = ctr_runc },
        { .key = "bare-crun", .once = bare_crun },
        { .key = "bare-runc", .once = bare_runc },
        { .key = "first-runc", .once = ours_first_runc },
        { .key = "next-runc", .once = ours_next_runc },
};

static void on_quiet(uv_timer_t *timer) {
        *(bool *)timer->data = true;
}

/* The loop goes on meanwhile: it has ends of containers to hear of. */
static void quiet(uv_timer_t *timer) {
        bool over = false;

        timer->data = &over;
        (void)uv_timer_start(timer, on_quiet, QUIET_MS, 0);
        until(&over);
}

static int by_size(const void *a, const void *b) {
        double d = *(const double *)a - *(const double *)b;

        return (d > 0) - (d < 0);
}

static void print(struct way *w) {
        qsort(w->took, ROUNDS, sizeof(w->took[0]), by_size);
        printf("%s %.2f %.2f\n", w->key, (w->took[(ROUNDS - 1) / 2] + w->took[ROUNDS / 2]) / 2,
               w->took[ROUNDS - 1]);
}

static void sh(const char *command) {
        if (system(command) != 0)
                die(command, "failed");
}

static void prepare(void) {
        struct fail f = { 0 };

        sh("containerd -c $BED/config.toml >/dev/null 2>&1 &");
        if (fnet_open("/run/bramble/netns", &fnet, &f) < 0 || fnet_setup(fnet, 1, &f) < 0)
                die("the network", fail_text(&f));
        open_runtime(&crun);
        open_runtime(&runc);
        sh("ctr -a $BED/sock -n openfaas-fn images import $BED/plain.tar >/dev/null");
        sh("mkdir -p $BED/b/rootfs/proc && cd $BED/b && cp ../guest rootfs/ && runc spec && "
           "jq -c '.process.args=[\"/guest\",\"hello\"] | .process.terminal=false' config.json "
           ">c && mv c config.json");
}

int main(void) {
        const char *dir = getenv("BED");
        uv_timer_t timer;
        double ignored;

        if (!dir) {
                fprintf(stderr, "containers: run me inside tests/live/container-bed\n");
                return 2;
        }
        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(bed, sizeof(bed), "%s", dir);
        (void)snprintf(sock, sizeof(sock), "%s/sock", bed);
        (void)snprintf(io_dir, sizeof(io_dir), "%s/run/io", bed);
        (void)snprintf(guest, sizeof(guest), "%s/guest", bed);
        (void)snprintf(bundle, sizeof(bundle), "%s/b", bed);
        (void)uv_loop_init(&loop);
        (void)uv_timer_init(&loop, &timer);
        prepare();
        /* With these running, further replicas find a shim. */
        (void)start(&crun, "live-keeper-crun", "crun.keeper", KEEPER_HOST, &ignored);
        (void)start(&runc, "live-keeper-runc", "runc.keeper", KEEPER_HOST + 1, &ignored);
        for (unsigned i = 0; i < ROUNDS; i++)
                for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
                        ways[w].took[i] = ways[w].once(i);
                        if (ways[w].once != network)
                                quiet(&timer);
                }
        for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
                print(&ways[w]);
        stop(&crun, "live-keeper-crun");
        stop(&runc, "live-keeper-runc");
        return 0;
}
