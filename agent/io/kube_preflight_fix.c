#include "io/kube_preflight_fix.h"

#include "base/fail.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/kube_preflight.h"
#include "io/sensors_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A 2B loads both in less than a second; after SIGKILL it gets one more, to be reaped. */
enum { MODPROBE_MSEC = 30 * 1000, KILLED_MSEC = 1000, PATH_BYTES = 4096 };

struct preflight_fix {
        int root_fd;
        preflight_fix_cb done; /* NULL: closed */
        void *arg;
        uv_process_t process;
        uv_timer_t timer; /* modprobe's limit; 0 where none runs */
        bool has_process, running, killed;
        unsigned open; /* handles that have not closed */
        char said[64]; /* how modprobe fared; matters only where a module is missing */
        struct fail fail;
};

/* Writes only what differs. */
static int ensure(int root_fd, const char *path, const char *value, struct fail *f) {
        char now[64];
        long n = sensors_file_read(root_fd, path, now, sizeof(now));
        auto_close int fd = -1;
        size_t len = strlen(value);

        if (n >= 0) {
                now[strcspn(now, "\n")] = '\0';
                if (str_eq(now, value))
                        return 0;
        }
        fd = openat(root_fd, path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, value, len) < 0)
                return fail(f, -errno, "cannot write %s to /%s: %s", value, path, strerror(errno));
        return 0;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
        struct preflight_fix *x = handle->data;

        if (--x->open > 0)
                return;
        if (x->done)
                x->done(x->arg, x->fail.error, x->fail.error ? fail_text(&x->fail) : "");
        free(x);
}

static void close_handles(struct preflight_fix *x) {
        if (!uv_is_closing((uv_handle_t *)&x->timer))
                uv_close((uv_handle_t *)&x->timer, on_closed);
        if (x->has_process && !uv_is_closing((uv_handle_t *)&x->process))
                uv_close((uv_handle_t *)&x->process, on_closed);
}

/* Modules are there or not: what is said about them wins over what follows from it. */
static void finish(struct preflight_fix *x) {
        bool bridge = preflight_has_bridge_netfilter(x->root_fd);

        if (!preflight_has_overlay(x->root_fd))
                (void)fail(&x->fail, -ENODEV, "the kernel has no overlay filesystem%s", x->said);
        if (!bridge)
                (void)fail(&x->fail, -ENODEV, "the kernel has no br_netfilter%s", x->said);
        else
                (void)ensure(x->root_fd, PREFLIGHT_BRIDGE_NETFILTER, "1", &x->fail);
        (void)ensure(x->root_fd, PREFLIGHT_IP_FORWARD, "1", &x->fail);
        close_handles(x);
}

/* ---- modprobe ------------------------------------------------------------------------------ */

static void on_timer(uv_timer_t *timer) {
        struct preflight_fix *x = timer->data;

        if (!x->running || x->killed) {
                finish(x);
                return;
        }
        x->killed = true;
        (void)snprintf(x->said, sizeof(x->said), "; modprobe hung for %d s", MODPROBE_MSEC / 1000);
        (void)uv_process_kill(&x->process, SIGKILL);
        (void)uv_timer_start(timer, on_timer, KILLED_MSEC, 0);
}

static void on_ended(uv_process_t *process, int64_t status, int sig) {
        struct preflight_fix *x = process->data;

        x->running = false;
        if (uv_is_closing((uv_handle_t *)&x->timer))
                return;
        if (!x->killed && (status || sig))
                (void)snprintf(x->said, sizeof(x->said), "; modprobe ended with %s %d",
                               sig ? "signal" : "status", sig ? sig : (int)status);
        finish(x);
}

/* The program below the root directory, as an absolute path. */
static int find_modprobe(int root_fd, char path[static PATH_BYTES]) {
        static const char *const paths[] = { "/usr/sbin/modprobe", "/sbin/modprobe",
                                             "/usr/bin/modprobe", "/bin/modprobe" };
        char link[32];
        ssize_t len;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", root_fd);
        len = readlink(link, path, PATH_BYTES - 32);
        if (len < 0)
                return -errno;
        if (len == 1) /* "/" */
                len = 0;
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                (void)snprintf(path + len, 32, "%s", paths[i]);
                if (access(path, X_OK) == 0)
                        return 0;
        }
        return -ENOENT;
}

static void start_modprobe(struct preflight_fix *x, uv_loop_t *loop) {
        char path[PATH_BYTES];
        char *args[6] = { path, (char *)"-a", (char *)"-q" };
        uv_process_options_t options = { .exit_cb = on_ended, .file = path, .args = args };
        unsigned n = 3;
        int r;

        if (!preflight_has_overlay(x->root_fd))
                args[n++] = (char *)"overlay";
        if (!preflight_has_bridge_netfilter(x->root_fd))
                args[n++] = (char *)"br_netfilter";
        if (n == 3)
                return;
        r = find_modprobe(x->root_fd, path);
        if (r == 0) {
                r = uv_spawn(loop, &x->process, &options);
                x->process.data = x;
                x->has_process = true; /* to be closed, whether it started or not */
                x->open++;
                x->running = r == 0;
        }
        if (r < 0)
                (void)snprintf(x->said, sizeof(x->said), "; modprobe: %.40s", strerror(-r));
}

int preflight_fix_start(uv_loop_t *loop, int root_fd, preflight_fix_cb done, void *arg,
                        struct preflight_fix **ret) {
        struct preflight_fix *x = calloc(1, sizeof(*x));

        if (!x)
                return -ENOMEM;
        x->root_fd = root_fd;
        x->done = done;
        x->arg = arg;
        (void)uv_timer_init(loop, &x->timer);
        x->timer.data = x;
        x->open = 1;
        start_modprobe(x, loop);
        (void)uv_timer_start(&x->timer, on_timer, x->running ? MODPROBE_MSEC : 0, 0);
        *ret = x;
        return 0;
}

void preflight_fix_close(struct preflight_fix *x) {
        if (!x)
                return;
        x->done = NULL;
        if (x->running)
                (void)uv_process_kill(&x->process, SIGKILL);
        close_handles(x);
}
