#include "io/container.h"

#include "base/scope.h"
#include "base/str.h"
#include "io/container_image.h"
#include "io/container_internal.h"
#include "io/container_output.h"
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the containers that we know ---- */

struct container *container_find(struct containers *c, const char *id) {
        struct container *k, *next;

        list_each(k, next, &c->known, link) {
                if (str_eq(k->id, id))
                        return k;
        }
        return NULL;
}

struct container *container_know(struct containers *c, const char *id) {
        struct container *k = container_find(c, id);

        if (k)
                return k;
        k = calloc(1, sizeof(*k));
        if (!k)
                return NULL;
        k->id = strdup(id);
        if (!k->id) {
                free(k);
                return NULL;
        }
        k->c = c;
        list_append(&c->known, &k->link);
        return k;
}

uint32_t container_pid(struct containers *c, const char *id) {
        const struct container *k = container_find(c, id);

        return k && k->running ? k->pid : 0;
}

void container_forget(struct container *k) {
        if (!k)
                return;
        container_output_close(k);
        list_remove(&k->link);
        free(k->id);
        free(k);
}

/* ---- availability ---- */

void containers_set_available(struct containers *c, bool yes, const char *why) {
        bool news = yes != c->available || (!yes && !c->told_down);

        c->available = yes;
        c->told_down = !yes;
        if (news && !c->closing)
                c->ops.available(c->arg, yes, why);
}

static void on_state(void *arg, bool up, int error, const char *why) {
        struct containers *c = arg;

        (void)error;
        if (up) {
                container_events_begin(c);
                return;
        }
        c->begin_at_ms = c->reconcile_at_ms = 0;
        containers_set_available(c, false, why);
}

/* ---- the one timer ---- */

static void earlier(uint64_t *first, uint64_t at) {
        if (at && at < *first)
                *first = at;
}

static void on_timer(uv_timer_t *timer) {
        struct containers *c = timer->data;
        uint64_t now = uv_now(c->loop);
        struct container *k, *next;

        if (c->begin_at_ms && c->begin_at_ms <= now) {
                c->begin_at_ms = 0;
                container_events_begin(c);
        }
        if (c->reconcile_at_ms && c->reconcile_at_ms <= now) {
                c->reconcile_at_ms = 0;
                container_reconcile(c);
        }
        list_each(k, next, &c->known, link) {
                if (k->exited && !k->told)
                        container_tell(k);
        }
        containers_arm_timer(c);
}

void containers_arm_timer(struct containers *c) {
        uint64_t first = UINT64_MAX, now = uv_now(c->loop);
        struct container *k, *next;

        if (c->closing)
                return;
        earlier(&first, c->begin_at_ms);
        earlier(&first, c->reconcile_at_ms);
        list_each(k, next, &c->known, link) {
                if (k->exited && !k->told && !k->starting)
                        earlier(&first, k->tell_at_ms);
        }
        if (first == UINT64_MAX)
                (void)uv_timer_stop(&c->timer);
        else
                (void)uv_timer_start(&c->timer, on_timer, first > now ? first - now : 0, 0);
}

/* ---- life ---- */

/* The folder and its parents. */
static int make_folder(const char *path) {
        auto_free char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static void containers_free(struct containers *c) {
        free(c->io_dir);
        free(c->seccomp);
        free(c);
}

static int read_host(struct containers *c, const struct containers_config *config) {
        auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (root < 0)
                return -errno;
        container_host_read(root, config->runtime, &c->host);
        if (!c->host.memory)
                log_warning("the kernel's memory controller is off: functions run without their "
                            "memory limits (cgroup_enable=memory in cmdline.txt turns it on)");
        c->io_dir = strdup(config->io_dir);
        return c->io_dir ? 0 : -ENOMEM;
}

int containers_open(uv_loop_t *loop, const struct containers_config *config,
                    const struct containers_ops *ops, void *arg, struct containers **ret,
                    struct fail *f) {
        static const struct grpc_header headers[] = { { "containerd-namespace", CTR_NAMESPACE },
                                                      { NULL, NULL } };
        const struct grpc_config grpc = { .socket = config->socket, .headers = headers };
        struct containers *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return fail(f, -ENOMEM, "out of memory");
        c->loop = loop;
        c->ops = *ops;
        c->arg = arg;
        list_init(&c->known);
        list_init(&c->starts);
        list_init(&c->stops);
        list_init(&c->facts);
        list_init(&c->trash);
        r = read_host(c, config);
        if (r == 0 && (r = make_folder(config->io_dir)) < 0)
                (void)fail(f, r, "cannot make %s: %s", config->io_dir, strerror(-r));
        if (r == 0 && (r = grpc_open(loop, &grpc, on_state, c, &c->grpc)) < 0)
                (void)fail(f, r, "cannot use %s: %s", config->socket, strerror(-r));
        if (r < 0) {
                containers_free(c);
                return fail(f, r, "%s", strerror(-r));
        }
        (void)uv_timer_init(loop, &c->timer); /* cannot fail */
        c->timer.data = c;
        *ret = c;
        return 0;
}

static void on_timer_closed(uv_handle_t *handle) {
        containers_free(handle->data);
}

bool containers_limit_memory(const struct containers *c) {
        return c->host.memory;
}

void containers_close(struct containers *c) {
        if (!c || c->closing)
                return;
        c->closing = true;
        c->available = false;
        c->events = NULL;
        grpc_close(c->grpc);
        container_stop_end_all(c);
        while (!list_empty(&c->known))
                container_forget(container_of(c->known.next, struct container, link));
        image_facts_forget(c);
        image_state_free(take_ptr(c->images));
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}
