#include "daemon/take_off.h"

#include "base/list.h"
#include "base/scope.h"
#include "base/str.h"
#include "io/container.h"
#include "io/containerd_api.h"
#include "io/fnet.h"
#include "io/hosts_file.h"
#include "io/log.h"
#include "io/shims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRACE_MS = 5000, PATIENCE_MS = 15000 };

struct ending {
        uv_loop_t loop;
        uv_timer_t patience;
        struct containers *containers;
        struct list found;
        bool listed;   /* asked once; containerd may go away and come back */
        unsigned left; /* stops under way */
        unsigned ended, failed;
        int result; /* -EINPROGRESS until all is done */
        struct fail *fail;
};

struct found {
        struct list link;
        struct ending *ending;
        char id[];
};

static void finish(struct ending *e, int result, const char *why) {
        if (e->result != -EINPROGRESS)
                return;
        e->result = result < 0 ? fail(e->fail, result, "%s", why) : 0;
        uv_stop(&e->loop);
}

static void on_patience_over(uv_timer_t *timer) {
        struct ending *e = timer->data;

        finish(e, -ETIMEDOUT,
               e->listed ? "not all functions ended in time" : "containerd does not answer");
}

static void one_done(struct ending *e) {
        if (--e->left > 0)
                return;
        finish(e, e->failed ? -EIO : 0, "not all functions could be ended");
}

static void on_stopped(void *arg, int result, const char *why) {
        struct found *found = arg;
        struct ending *e = found->ending;

        if (result < 0) {
                log_warning("%s: %s", found->id, why[0] ? why : strerror(-result));
                e->failed++;
        } else {
                e->ended++;
        }
        one_done(e);
}

static bool is_ours(const struct container_found *found) {
        for (uint32_t i = 0; i < found->n_labels; i++)
                if (str_eq(found->labels[2 * i], "bramble.instance"))
                        return true;
        return false;
}

static void on_found(void *arg, const struct container_found *container) {
        struct ending *e = arg;
        size_t size = strlen(container->id) + 1;
        struct found *found;

        if (!is_ours(container))
                return;
        found = calloc(1, sizeof(*found) + size);
        if (!found)
                return; /* the kernel ends it with the rest */
        found->ending = e;
        memcpy(found->id, container->id, size);
        list_append(&e->found, &found->link);
}

static void forget_found(struct ending *e) {
        struct found *i, *next;

        list_each(i, next, &e->found, link) {
                free(i);
        }
        list_init(&e->found);
}

static void on_listed(void *arg, int result, const char *why) {
        struct ending *e = arg;
        struct found *i, *next;

        (void)why;
        if (result < 0) {
                forget_found(e);
                e->listed = false; /* asked again when containerd is back */
                return;
        }
        e->left = 1; /* ours, until all are begun */
        list_each(i, next, &e->found, link) {
                if (container_stop(e->containers, i->id, GRACE_MS, on_stopped, i) == 0)
                        e->left++;
                else
                        e->failed++;
        }
        one_done(e);
}

static void on_available(void *arg, bool yes, const char *why) {
        struct ending *e = arg;

        (void)why;
        if (yes && !e->listed)
                e->listed = containers_list(e->containers, on_found, on_listed, e) == 0;
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
}

/* What containerd could not end, or was not there to end. */
static void kill_the_rest(void) {
        auto_close int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int n = proc < 0 ? -errno : shims_kill(proc, CTR_NAMESPACE);

        if (n > 0)
                log_warning("functions that could not be ended are killed: %d", n);
        else if (n < 0)
                log_warning("functions that could not be ended are left: %s", strerror(-n));
}

int take_off_functions(const struct config *config, struct fail *f) {
        static const struct containers_ops ops = { .available = on_available,
                                                   .exited = on_exited,
                                                   .output = on_output };
        char io_dir[SIZE_PATH + 8];
        struct containers_config containers = { .socket = config->containerd,
                                                .io_dir = io_dir,
                                                .runtime = config->runtime };
        struct ending e = { .result = -EINPROGRESS, .fail = f };
        int r;

        (void)snprintf(io_dir, sizeof(io_dir), "%s/io", config->run_dir);
        list_init(&e.found);
        r = uv_loop_init(&e.loop);
        if (r < 0)
                return fail(f, r, "cannot make an event loop: %s", uv_strerror(r));
        (void)uv_timer_init(&e.loop, &e.patience);
        e.patience.data = &e;
        (void)uv_timer_start(&e.patience, on_patience_over, PATIENCE_MS, 0);
        r = containers_open(&e.loop, &containers, &ops, &e, &e.containers, f);
        if (r == 0)
                (void)uv_run(&e.loop, UV_RUN_DEFAULT);
        containers_close(e.containers);
        uv_close((uv_handle_t *)&e.patience, NULL);
        (void)uv_run(&e.loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&e.loop);
        forget_found(&e);
        if (r == 0)
                r = e.result;
        if (r < 0)
                kill_the_rest();
        return r < 0 ? r : (int)e.ended;
}

static int network_off(const struct config *config, struct fail *f) {
        char netns[SIZE_PATH + 8];
        struct fnet *n;
        int r;

        (void)snprintf(netns, sizeof(netns), "%s/netns", config->run_dir);
        r = fnet_open(netns, &n, f);
        if (r < 0)
                return r;
        r = fnet_teardown(n, f);
        fnet_free(n);
        return r;
}

int take_off_all(const struct config *config, struct fail *f) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct fail later = { 0 };
        int first = take_off_functions(config, f), r;

        r = network_off(config, first < 0 ? &later : f);
        if (first >= 0 && r < 0)
                first = r;
        r = root < 0 ? -errno : hosts_file_set(root, NULL, 0, first < 0 ? &later : f);
        return first >= 0 && r < 0 ? r : first;
}
