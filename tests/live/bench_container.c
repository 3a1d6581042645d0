/* bench_container - how long a container takes from container_start to its first byte of output,
 * beside ctr run, crun run and runc run of the same program.  Run inside tests/live/container-bed.
 * Prints one line a way: name, median and worst in milliseconds. */
#include "io/container.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 30 };

static const char *bed;
static uv_loop_t loop;
static struct containers *containers;
static bool up, spoke, done;
static int result;

static void on_available(void *arg, bool yes, const char *why) {
        (void)arg;
        (void)why;
        up = yes;
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

static void on_done(void *arg, int r, const char *why) {
        (void)arg;
        done = true;
        result = r;
        if (r < 0) {
                fprintf(stderr, "bench: %s\n", why);
                exit(1);
        }
}

static const struct containers_ops ops = { on_available, on_exited, on_output };

static void until(const bool *flag) {
        while (!*flag)
                (void)uv_run(&loop, UV_RUN_ONCE);
}

static double ms(void) {
        return (double)uv_hrtime() / 1e6;
}

static int by_size(const void *a, const void *b) {
        double d = *(const double *)a - *(const double *)b;

        return (d > 0) - (d < 0);
}

static void report(const char *name, double *v, unsigned n) {
        qsort(v, n, sizeof(*v), by_size);
        printf("%-44s %6.1f %6.1f\n", name, v[n / 2], v[n - 1]);
        (void)fflush(stdout);
}

static double start(const char *id, const char *group) {
        char watchdog[256];
        const struct container_spec spec = {
                .id = id,
                .group = group,
                .image = "docker.io/library/plain:latest",
                .hostname = "bench",
                .watchdog = watchdog,
                .process = "serve",
                .memory_bytes = 64 << 20,
        };
        double began = ms();

        (void)snprintf(watchdog, sizeof(watchdog), "%s/guest", bed);
        spoke = done = false;
        if (container_start(containers, &spec, on_done, NULL) < 0)
                exit(1);
        until(&spoke);
        began = ms() - began;
        until(&done);
        return began;
}

/* The first replica of a function, with a shim of its own; it runs until all is measured, because
 * the end of one goes on in the background. */
static double first(unsigned i) {
        char id[32], group[32];

        (void)snprintf(id, sizeof(id), "live-first%u", i);
        (void)snprintf(group, sizeof(group), "bench.%u", i);
        return start(id, group);
}

/* Another replica, beside one that runs. */
static double next(unsigned i) {
        char id[32];

        (void)snprintf(id, sizeof(id), "live-next%u", i);
        return start(id, "bench.0");
}

/* From fork to the first byte on its stdout; the rest of its life is not counted. */
static double run(const char *command) {
        double took = ms();
        char c;
        FILE *f = popen(command, "re");

        if (!f || fread(&c, 1, 1, f) != 1) {
                fprintf(stderr, "bench: '%s' said nothing\n", command);
                exit(1);
        }
        took = ms() - took;
        while (fread(&c, 1, 1, f) == 1)
                ;
        (void)pclose(f);
        return took;
}

/* Commands find the folder in $BED, and a number of their own in $N. */
static const struct {
        const char *name;
        double (*start)(unsigned i);
        const char *command;
} ways[] = {
        { "container_start, first replica", first, NULL },
        { "container_start, next replica", next, NULL },
        { "ctr run of the image, crun", NULL,
          "ctr -a $BED/sock -n openfaas-fn run --rm --runc-binary /usr/bin/crun "
          "docker.io/library/plain:latest live-c$N /guest hello 2>/dev/null" },
        { "ctr run of the image, runc", NULL,
          "ctr -a $BED/sock -n openfaas-fn run --rm "
          "docker.io/library/plain:latest live-r$N /guest hello 2>/dev/null" },
        { "runc run, default spec", NULL, "cd $BED/b && runc run live-x$N 2>/dev/null" },
        { "crun run, default spec", NULL, "cd $BED/b && crun run live-y$N 2>/dev/null" },
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* One of each in turn, so that whatever else the machine does weighs on all of them. */
static void bench(void) {
        static double v[WAYS][ROUNDS];
        char n[16];

        for (unsigned i = 0; i < ROUNDS; i++) {
                (void)snprintf(n, sizeof(n), "%u", i);
                (void)setenv("N", n, 1);
                for (unsigned w = 0; w < WAYS; w++)
                        v[w][i] = ways[w].start ? ways[w].start(i) : run(ways[w].command);
        }
        printf("%-44s %6s %6s\n", "to the first byte, ms", "median", "worst");
        for (unsigned w = 0; w < WAYS; w++)
                report(ways[w].name, v[w], ROUNDS);
}

static void sh(const char *command) {
        if (system(command) != 0) {
                fprintf(stderr, "bench: '%s' failed\n", command);
                exit(1);
        }
}

int main(void) {
        char sock[256], io_dir[256];
        struct fail f = { 0 };
        const struct containers_config config = { .socket = sock, .io_dir = io_dir };

        bed = getenv("BED");
        if (!bed)
                return 77;
        (void)signal(SIGPIPE, SIG_IGN);
        (void)snprintf(sock, sizeof(sock), "%s/sock", bed);
        (void)snprintf(io_dir, sizeof(io_dir), "%s/run/io", bed);
        (void)uv_loop_init(&loop);
        sh("containerd -c $BED/config.toml >/dev/null 2>&1 &");
        if (containers_open(&loop, &config, &ops, NULL, &containers, &f) < 0)
                return 1;
        until(&up);
        sh("ctr -a $BED/sock -n openfaas-fn images import $BED/plain.tar >/dev/null");
        sh("mkdir -p $BED/b/rootfs/proc && cd $BED/b && cp ../guest rootfs/ && runc spec && "
           "jq -c '.process.args=[\"/guest\",\"hello\"] | .process.terminal=false' config.json "
           ">c && mv c config.json");
        bench();
        containers_close(containers);
        return 0;
}
